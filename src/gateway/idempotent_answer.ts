import type { Failure } from "../domain/failure.ts";
import { ok, type Result } from "../domain/result.ts";
import { logEvent } from "../platform/log.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import type { AdmitCall, Charge } from "../domain/ledger/commands.ts";
import { withCharge, type Lookup, type LookupAnswer, type LookupRequest } from "./lookup.ts";
import { referenceOfOtherYear, referenceToPerson, restrictedSubject } from "./reference_keys.ts";

type AnswerContext = Pick<Lookup, "caller" | "request" | "lookupId">;

/** Who the CPF of a request is, and what makes a repeat a repeat: all that the ledger is told, as keyed hashes. */
export type LookupIdentity = Pick<AdmitCall, "cpfReference" | "otherYearsReference" | "idempotency"> & {
  readonly subject: string;
};

/**
 * Where the secret is being replaced a repeat is looked for under each that holds, whichever of them this isolate has
 * first: isolates with the settings of before and after the change run side by side.
 */
export async function requestIdentity(
  services: Services,
  { tenantId }: Caller,
  request: LookupRequest,
): Promise<Result<LookupIdentity, Failure>> {
  const { cpf, reference, idempotencyKey } = request;
  const [cpfReference, subject] = await Promise.all([
    referenceToPerson(services, { tenantId, cpf }),
    restrictedSubject(services, cpf),
  ]);
  if (!cpfReference.ok) return cpfReference;
  if (!subject.ok) return subject;
  const otherYearsReference = await referenceOfOtherYear(services, { tenantId, cpf });
  const person = { cpfReference: cpfReference.value, otherYearsReference, subject: subject.value };
  if (idempotencyKey === null) return ok({ ...person, idempotency: null });
  const written = `request\n${tenantId}\n${cpf}\n${reference ?? ""}${writtenGrounds(request)}`;
  const [identity, ...former] = await Promise.all(
    services.idempotencyHashes.map(async (hash) => {
      const [keyHash, requestHash] = await Promise.all([
        hash.sign(`key\n${tenantId}\n${idempotencyKey}`),
        hash.sign(written),
      ]);
      return { keyHash, requestHash };
    }),
  );
  if (identity === undefined) throw new Error("no idempotency secret");
  const idempotency = former.length === 0 ? identity : { ...identity, former };
  return ok({ ...person, idempotency });
}

/** Grounds are part of what a repeat must repeat; a request without any is what it was before there were some. */
function writtenGrounds({ purpose, legalBasis, consentId, requestedBy }: LookupRequest): string {
  const grounds = [purpose, legalBasis, consentId, requestedBy];
  return grounds.every((ground) => ground === null) ? "" : `\n${JSON.stringify(grounds)}`;
}

/** Seals an answer for repeats of the request; null when it has no idempotency key. */
export async function keepAnswer(
  services: Services,
  context: AnswerContext,
  answer: LookupAnswer,
): Promise<Uint8Array | null> {
  const { idempotencyKey } = context.request;
  if (idempotencyKey === null) return null;
  return await services.vault.seal({ tenantId: context.caller.tenantId, idempotencyKey }, answer);
}

/** The first answer to a repeated request. One that nobody could keep was `unknown`, and is told as such. */
export async function openAnswer(
  services: Services,
  { lookupId, caller, request }: AnswerContext,
  { answer: sealed, charge }: { answer: Uint8Array | null; charge: Charge | null },
): Promise<LookupAnswer> {
  const { tenantId } = caller;
  if (sealed === null || request.idempotencyKey === null) {
    return { kind: "failure", lookupId, failure: { code: "claro_timeout" } };
  }
  try {
    const opened = await services.vault.open({ tenantId, idempotencyKey: request.idempotencyKey }, sealed);
    return withCharge(opened as LookupAnswer, charge);
  } catch {
    // Only another secret does this. The charge must not be repeated, and the answer cannot be read.
    logEvent("warn", { event: "kept_answer_unreadable", tenantId });
    return { kind: "failure", lookupId, failure: { code: "idempotency_expired" } };
  }
}
