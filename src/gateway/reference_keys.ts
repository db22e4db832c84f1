import { isoTime } from "../domain/instant.ts";
import { CLOCK_MARGIN_MS } from "../domain/ledger/times.ts";
import {
  endOfReferencesMs,
  isEndCertain,
  nextReferenceKey,
  referenceKeyAt,
  RESTRICTION_KEY,
} from "../domain/reference_key.ts";
import type { Failure } from "../domain/failure.ts";
import { fail, type Result } from "../domain/result.ts";
import { logEvent } from "../platform/log.ts";
import type { ReferenceFailure, ReferenceKey } from "../platform/reference_keys.ts";
import type { Services } from "../platform/services.ts";

/** A key and when its references end: from then on nobody can tell that two events are of one person. */
export type ReferenceKeyStatus = ReferenceKey & { readonly endsAtMs: number };

const RETRY_SECONDS = 1;
const CRON_ACTOR = "cron";

type Person = { readonly tenantId: string; readonly cpf: string };

/** What a lookup's event says of the person, under the key of this year. */
export async function referenceToPerson(services: Services, person: Person): Promise<Result<string, Failure>> {
  const name = referenceKeyAt(services.clock.nowMs());
  const reference = await services.references.reference(name, person);
  return reference.ok ? reference : fail(referenceFailure(reference.failure, name));
}

/**
 * The same under the key of the year that the ledger's clock may be in already, or still: the year of its admission
 * counts. Null for all but some minutes of a year, and where that key cannot be had.
 */
export async function referenceOfOtherYear(services: Services, person: Person): Promise<string | null> {
  const nowMs = services.clock.nowMs();
  const names = [nowMs - CLOCK_MARGIN_MS, nowMs + CLOCK_MARGIN_MS].map(referenceKeyAt);
  const other = names.find((name) => name !== referenceKeyAt(nowMs));
  if (other === undefined) return null;
  const reference = await services.references.reference(other, person);
  return reference.ok ? reference.value : null;
}

/** What the ledger compares with the restricted persons; see `restrictions.ts`. */
export async function restrictedSubject(services: Services, cpf: string): Promise<Result<string, Failure>> {
  const subject = await services.references.subject(cpf);
  return subject.ok ? subject : fail(referenceFailure(subject.failure, RESTRICTION_KEY));
}

/** Why a reference cannot be made; without a name, under any of the keys. */
export function referenceFailure(failure: ReferenceFailure, name?: string): Failure {
  if (failure === "unavailable") return { code: "ledger_unavailable", retryAfterSeconds: RETRY_SECONDS };
  // Another key for the same year would give the same person a second reference, unseen.
  const hint = "CPF_HMAC_SECRET was changed without CPF_HMAC_SECRET_PREVIOUS";
  logEvent("error", { event: `reference_key_${failure}`, key: name, ...(failure === "unreadable" ? { hint } : {}) });
  return { code: failure === "unreadable" ? "misconfigured" : "internal" };
}

/** Every key with its end, in the order of their names. */
export async function referenceKeyStatus(services: Services): Promise<ReferenceKeyStatus[]> {
  return withEnds(services, await services.references.all());
}

function withEnds({ settings }: Services, keys: readonly ReferenceKey[]): ReferenceKeyStatus[] {
  return keys.map((key) => ({ ...key, endsAtMs: endOfReferencesMs(key, settings.cpfReferenceYears) }));
}

/**
 * What the cron does: brings D1's copy up to date; makes the keys of this year and the next and that of restrictions, so
 * that no lookup has to; seals again what the secret of before sealed; and destroys the keys whose time is over.
 */
export async function tendReferenceKeys(services: Services): Promise<void> {
  const { references, clock } = services;
  const current = referenceKeyAt(clock.nowMs());
  const keys = await references.copyToDatabase((name) => endEntry(services, name));
  const known = new Set(keys.map(({ name }) => name));
  for (const name of [current, nextReferenceKey(current), RESTRICTION_KEY]) {
    if (!known.has(name)) await references.ensure(name);
  }
  for (const { name, sealedUnder } of keys) {
    if (sealedUnder === "previous") await references.reseal(name);
    if (sealedUnder === "unknown") referenceFailure("unreadable", name);
  }
  for (const key of withEnds(services, keys)) await endKey(services, key);
}

/** Destroys a key when it is certain that its time is over: by two clocks, at two times a day apart. */
async function endKey(
  services: Services,
  { name, madeAtMs, endsAtMs, destroyedAtMs }: ReferenceKeyStatus,
): Promise<void> {
  const { clock, storeClock, references } = services;
  if (destroyedAtMs !== null || clock.nowMs() < endsAtMs) return;
  const reading = { isolateMs: clock.nowMs(), storeMs: await storeClock.nowMs() };
  const earlier = await references.notice(name);
  if (earlier === null || earlier.isolateMs < endsAtMs || earlier.storeMs < endsAtMs) {
    await references.setNotice(name, reading);
    return logEvent("warn", { event: "reference_key_ends", key: name, endsAt: isoTime(endsAtMs) });
  }
  if (!isEndCertain(endsAtMs, earlier, reading)) return;
  await references.destroy(name, { madeAtMs, audit: endEntry(services, name) });
  logEvent("info", { event: "reference_key_destroyed", key: name });
}

function endEntry(services: Services, name: string) {
  const years = services.settings.cpfReferenceYears;
  const after = { destroyed: true, years };
  return {
    atMs: services.clock.nowMs(),
    actor: CRON_ACTOR,
    action: "reference_key.destroy",
    target: name,
    before: null,
    after,
  };
}
