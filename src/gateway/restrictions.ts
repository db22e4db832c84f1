import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { logEvent } from "../platform/log.ts";
import { isOutage } from "../platform/outage.ts";
import type { Restriction } from "../platform/restrictions.ts";
import type { Services } from "../platform/services.ts";
import { projectPending } from "./project_pending.ts";
import { restrictionForAudit, recoverRestrictions } from "./recover_restrictions.ts";
import { restrictedSubject } from "./reference_keys.ts";
import type { Actor } from "./tenants.ts";

export type NewRestriction = { readonly cpf: string; readonly reason: string; readonly untilMs: number | null };

/** A ledger's terms hold them all, in a row of bounded size. */
const MOST_RESTRICTIONS = 20_000;
/** Ledgers that are told within the call; those of more tenants are told by the cron. */
const MOST_TENANTS = 500;
const ENDED_A_RUN = 500;
const CRON_ACTOR = "cron";
const PENDING_RETRY_SECONDS = 60;

/**
 * Has every ledger refuse lookups of a person: nothing is sent to Claro or charged from its return on. A repeat with the
 * same reason and end is the same restriction.
 */
export async function restrictSubject(
  services: Services,
  actor: Actor,
  { cpf, reason, untilMs }: NewRestriction,
): Promise<Result<Restriction, Failure>> {
  const subject = await restrictedSubject(services, cpf);
  if (!subject.ok) return subject;
  const known = await services.restrictions.ofSubject(subject.value);
  const same = known.find((one) => one.endedAtMs === null && one.reason === reason && one.untilMs === untilMs);
  if (same !== undefined) return await tellEverybody(services, same);
  if ((await services.restrictions.countInForce()) >= MOST_RESTRICTIONS) {
    const params = { most: MOST_RESTRICTIONS };
    return fail({ code: "conflict", issues: [{ path: "", code: "too_many_restrictions", params }] });
  }
  const nowMs = services.clock.nowMs();
  const restriction: Restriction = {
    id: `rst_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`,
    subject: subject.value,
    reason,
    createdAtMs: nowMs,
    createdBy: actor,
    untilMs,
    endedAtMs: null,
    endedBy: null,
  };
  const entry = { actor, action: "subject.restrict", target: restriction.id, before: null };
  await services.restrictions.remember(restriction);
  return await recordAndTell(services, restriction, async () => {
    await services.restrictions.insert(restriction, { ...entry, atMs: nowMs, after: restrictionForAudit(restriction) });
  });
}

/** Ends a restriction everywhere. Ending it again changes nothing. */
export async function unrestrictSubject(
  services: Services,
  actor: Actor,
  id: string,
): Promise<Result<Restriction, Failure>> {
  const restriction = await services.restrictions.one(id);
  if (restriction === null) return fail({ code: "not_found" });
  if (restriction.endedAtMs !== null) return await tellEverybody(services, restriction);
  return await endRestriction(services, restriction, { atMs: services.clock.nowMs(), by: actor });
}

/**
 * What the cron does: completes what died half-way or what a restore of D1 has undone, and ends what is over by itself,
 * which ledgers do not wait for.
 */
export async function tendRestrictions(services: Services): Promise<void> {
  await recoverRestrictions(services);
  for (const restriction of await services.restrictions.due(services.clock.nowMs(), ENDED_A_RUN)) {
    const { id, untilMs } = restriction;
    const end = { atMs: untilMs ?? services.clock.nowMs(), by: CRON_ACTOR };
    await writeEnd(services, restriction, end);
    logEvent("info", { event: "restriction_ended", id });
  }
}

type End = { readonly atMs: number; readonly by: Actor };

async function endRestriction(
  services: Services,
  restriction: Restriction,
  end: End,
): Promise<Result<Restriction, Failure>> {
  const ended = { ...restriction, endedAtMs: end.atMs, endedBy: end.by };
  return await recordAndTell(services, ended, () => writeEnd(services, restriction, end));
}

async function writeEnd({ restrictions, clock }: Services, restriction: Restriction, { atMs, by }: End): Promise<void> {
  const ended = { ...restriction, endedAtMs: atMs, endedBy: by };
  const entry = { actor: by, action: "subject.unrestrict", target: restriction.id };
  const [before, after] = [restrictionForAudit(restriction), restrictionForAudit(ended)];
  await restrictions.remember(ended);
  await restrictions.end(restriction.id, { atMs, by, audit: { ...entry, atMs: clock.nowMs(), before, after } });
}

/** R2 has the change: where D1 does not take it, the cron brings it there. */
async function recordAndTell(
  services: Services,
  restriction: Restriction,
  write: () => Promise<void>,
): Promise<Result<Restriction, Failure>> {
  try {
    await write();
  } catch (error) {
    if (!isOutage(error)) throw error;
    return pending(restriction);
  }
  return await tellEverybody(services, restriction);
}

async function tellEverybody(services: Services, restriction: Restriction): Promise<Result<Restriction, Failure>> {
  const isComplete = await projectPending(services, MOST_TENANTS);
  return isComplete ? ok(restriction) : pending(restriction);
}

function pending({ id }: Restriction): Result<never, Failure> {
  const issues = [{ path: "", code: "restriction_recorded", params: { id } }] as const;
  return fail({ code: "change_pending", retryAfterSeconds: PENDING_RETRY_SECONDS, issues });
}
