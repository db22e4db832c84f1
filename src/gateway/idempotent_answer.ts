import { logEvent } from "../platform/log.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import type { Charge } from "../domain/ledger/commands.ts";
import type { Lookup } from "./lookup.ts";
import { withCharge, type LookupAnswer, type LookupRequest } from "./lookup.ts";

/** Names the secret under which a CPF's reference was made, so that references of two secrets are never compared. */
const CPF_REFERENCE_VERSION = "v1";
const CPF_REFERENCE_HEX_DIGITS = 32;

type AnswerContext = Pick<Lookup, "caller" | "request" | "lookupId">;

/** What the ledger is told of a request: who the CPF is, and what makes a repeat a repeat, all as keyed hashes. */
export async function requestIdentity(
  services: Services,
  caller: Caller,
  request: LookupRequest,
): Promise<{ cpfReference: string; idempotency: { keyHash: string; requestHash: string } | null }> {
  const { tenantId } = caller;
  const digest = await services.cpfHash.sign(`${tenantId}\n${request.cpf}`);
  const cpfReference = `${CPF_REFERENCE_VERSION}:${digest.slice(0, CPF_REFERENCE_HEX_DIGITS)}`;
  if (request.idempotencyKey === null) return { cpfReference, idempotency: null };
  const [keyHash, requestHash] = await Promise.all([
    services.idempotencyHash.sign(`key\n${tenantId}\n${request.idempotencyKey}`),
    services.idempotencyHash.sign(
      `request\n${tenantId}\n${request.cpf}\n${request.reference ?? ""}${writtenGrounds(request)}`,
    ),
  ]);
  return { cpfReference, idempotency: { keyHash, requestHash } };
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
