import type { Failure } from "../domain/failure.ts";
import { nextPeriod, type Period, periodBounds, periodOf, previousPeriod } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { ExportPrivateKey } from "../domain/statement.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { closeStatement, type CloseFailure } from "./close_statement.ts";
import { MemoryShare } from "./memory_share.ts";
import type { Actor } from "./tenants.ts";

/** How long after its end a month is closed without being asked to. */
const GRACE_MS = 24 * 3_600_000;
const TENANTS_A_PAGE = 100;
/** Small months that are closed side by side; a Worker has six connections at once. */
const SIDE_BY_SIDE = 4;
/** What closing a month calls: two of R2 and two of D1 to begin, a put for each file, then seal, manifest and row. */
const CALLS_A_STATEMENT = 20;
/** Calls grow with the events: one reads 2000 of them, and a part of one of their files is full after some 2000. */
export const EVENTS_A_CALL = 800;

/** What one run may use up. A Worker has 10,000 calls to other services an invocation; the tasks of the cron share them. */
export type ClosingBudget = { readonly calls: number; readonly timeMs: number };
/** Somebody waits for the answer. */
const CALLED: ClosingBudget = { calls: 2000, timeMs: 20_000 };
export const BY_CRON: ClosingBudget = { calls: 6500, timeMs: 200_000 };

/** How far the closing of a month is, over all tenants, and what this run could not close. */
export type ClosingReport = {
  readonly period: Period;
  readonly status: "closed" | "closing";
  readonly closed: number;
  readonly remaining: number;
  readonly failures: readonly (CloseFailure & { readonly tenantId: string; readonly period: Period })[];
};

/**
 * Closes an ended month for all tenants, and every month before it that is still open: a bounded piece of it, so that
 * it is called until `status` is `closed`. What is closed stays closed; who failed is tried again in the next round.
 */
export async function closePeriod(
  services: Services,
  actor: Actor,
  period: Period,
  most: ClosingBudget = CALLED,
): Promise<Result<ClosingReport, Failure>> {
  const { endMs } = periodBounds(period);
  const nowMs = services.clock.nowMs();
  if (nowMs < endMs) {
    const issues = [{ path: "period", code: "ends_at", params: { atMs: endMs } }] as const;
    return fail({ code: "period_open", issues });
  }
  const signingKey = services.settings.exportSigningKey;
  if (signingKey === null) return unsigned("setting_missing");
  if (!(await services.exportKeys.use(signingKey, nowMs))) return unsigned("setting_taken");
  const after = await startClosing(services, actor, period);
  const failures = await closeSome(services, { actor, period, signingKey, after, most });
  const { closed, remaining } = await services.statements.progress(period, endMs);
  if (remaining === 0) await tryToNote(() => services.statements.completeClosing(period, services.clock.nowMs()));
  return ok({ period, status: remaining === 0 ? "closed" : "closing", closed, remaining, failures });
}

/** What the cron does for statements: the month whose grace is over, and what others have begun and not ended. */
export async function closeDuePeriods(services: Services): Promise<void> {
  try {
    const due = previousPeriod(periodOf(services.clock.nowMs() - GRACE_MS));
    const begun = await services.statements.unfinishedClosings();
    const isDone =
      !begun.includes(due) && (await services.statements.progress(due, periodBounds(due).endMs)).remaining === 0;
    // The latest closes the months before it as well, and what it leaves over takes all that one run may use up.
    const periods = isDone ? begun : [...new Set([...begun, due])];
    for (const period of periods.toSorted().reverse()) {
      const report = await closePeriod(services, "cron", period, BY_CRON);
      const told = report.ok ? report.value : { period, ...report.failure };
      logEvent(report.ok ? "info" : "error", { event: "period_closing", ...told });
      if (!report.ok || report.value.status === "closing") return;
    }
  } catch (error) {
    logEvent("warn", { event: "closing_failed", error: messageOf(error) });
  }
}

function unsigned(code: "setting_missing" | "setting_taken"): Result<never, Failure> {
  return fail({ code: "misconfigured", issues: [{ path: "EXPORT_SIGNING_KEY", code }] });
}

/** Where the closing of a month stands. When D1 can note nothing, a run begins at the first tenant that is left. */
async function startClosing(services: Services, actor: Actor, period: Period): Promise<Place> {
  const audit = {
    atMs: services.clock.nowMs(),
    actor,
    action: "period.close",
    target: period,
    before: null,
    after: null,
  };
  const closing = await tryToNote(() => services.statements.startClosing(period, audit));
  return closing?.cursor ?? START;
}

/** Writes down how closing goes. A D1 that is full takes nothing, and months are closed in R2 all the same. */
async function tryToNote<Value>(write: () => Promise<Value>): Promise<Value | null> {
  try {
    return await write();
  } catch (error) {
    logEvent("warn", { event: "closing_not_noted", error: messageOf(error) });
    return null;
  }
}

type Place = readonly [createdAtMs: number, tenantId: string];
const START: Place = [0, ""];

type Run = {
  readonly actor: Actor;
  readonly period: Period;
  readonly signingKey: ExportPrivateKey;
};
type Attempt = Run & {
  readonly tenantId: string;
  readonly budget: Budget;
  readonly memory: MemoryShare;
  /** Whether a month may take more than is left of the run. */
  readonly isUnlimited: boolean;
};
type Budget = { calls: number; readonly endsAtMs: number };
type TenantFailure = ClosingReport["failures"][number];

/**
 * Closes tenants after a place, several at once, and begins anew at the end for those before it. The cursor is set before
 * each attempt: a tenant whose month kills the invocation must not keep the others waiting for ever.
 */
async function closeSome(
  services: Services,
  { after: begin, most, ...run }: Run & { after: Place; most: ClosingBudget },
): Promise<readonly TenantFailure[]> {
  const { period, actor } = run;
  const createdBeforeMs = periodBounds(period).endMs;
  // Whoever calls wants to see it tried; the cron waits until it is a month's turn again.
  const dueAtMs = actor === "cron" ? services.clock.nowMs() : Number.MAX_SAFE_INTEGER;
  const budget: Budget = { calls: most.calls, endsAtMs: Date.now() + most.timeMs };
  const failures = new Map<string, TenantFailure>();
  const note = (place: Place) => tryToNote(() => services.statements.setCursor(period, place));
  const settle = (tenantId: string, failure: TenantFailure | null) =>
    failure === null ? failures.delete(tenantId) : failures.set(tenantId, failure);
  const memory = new MemoryShare();
  let after = begin;
  let isNewRound = after[1] === "";
  // A month can take more than a whole run: the first of a run has no limit, and the next run begins with what is too long.
  let isFirst = true;
  while (hasLeft(budget)) {
    const page = await services.statements.tenantsToClose(period, {
      after,
      createdBeforeMs,
      dueAtMs,
      limit: TENANTS_A_PAGE,
    });
    if (page.length === 0) {
      await note(START);
      if (isNewRound) break;
      [after, isNewRound] = [START, true];
    }
    for (let start = 0; start < page.length;) {
      if (!hasLeft(budget)) return [...failures.values()];
      const places = page.slice(start, start + (isFirst ? 1 : SIDE_BY_SIDE));
      start += places.length;
      const last = places.at(-1) ?? after;
      await note(last);
      const limits = { budget, memory, isUnlimited: isFirst };
      isFirst = false;
      const attempts = await Promise.all(
        places.map(async (place) => await closeThrough(services, { ...run, tenantId: place[1], ...limits })),
      );
      for (const [index, place] of places.entries()) {
        const failure = attempts[index] ?? null;
        if (failure === "too_long") {
          await note(places[index - 1] ?? after);
          return [...failures.values()];
        }
        settle(place[1], failure);
      }
      after = last;
    }
  }
  return [...failures.values()];
}

function hasLeft(budget: Budget): boolean {
  return budget.calls > 0 && Date.now() < budget.endsAtMs;
}

/**
 * Closes a tenant's months in order up to the one asked for; stops at the first that cannot be, and at one that has more
 * events than what is left of the run is enough for.
 */
async function closeThrough(services: Services, attempt: Attempt): Promise<TenantFailure | "too_long" | null> {
  try {
    return await closeInOrder(services, attempt);
  } catch (error) {
    // Whatever is wrong with one tenant is nobody else's matter.
    const { tenantId, period } = attempt;
    logEvent("error", { event: "statement_not_closed", tenantId, period, error: messageOf(error) });
    return await noteFailure(services, { tenantId, period, reason: "unavailable", seq: null });
  }
}

async function noteFailure(services: Services, failure: TenantFailure): Promise<TenantFailure> {
  await tryToNote(() => services.statements.noteProblem({ ...failure, step: "close" }, services.clock.nowMs()));
  return failure;
}

async function closeInOrder(
  services: Services,
  { actor, signingKey, period: last, tenantId, budget, memory, isUnlimited }: Attempt,
): Promise<TenantFailure | "too_long" | null> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return null;
  let previous = await services.statements.latest(tenantId);
  const begin = async (events: number) => {
    const end = await memory.take(events);
    const calls = Math.ceil(events / EVENTS_A_CALL);
    if (isUnlimited || (calls <= budget.calls && Date.now() < budget.endsAtMs)) {
      budget.calls -= calls;
      return end;
    }
    end();
    return null;
  };
  let period = previous === null ? periodOf(tenant.createdAtMs) : nextPeriod(previous.period);
  for (; period <= last && hasLeft(budget); period = nextPeriod(period)) {
    const closed = await closeStatement(services, { tenant, period, previous, signingKey, actor, begin });
    budget.calls -= CALLS_A_STATEMENT;
    if (!closed.ok) {
      if (closed.failure === "too_long") return "too_long";
      logEvent("error", { event: "statement_not_closed", tenantId, period, ...closed.failure });
      return await noteFailure(services, { tenantId, period, ...closed.failure });
    }
    previous = closed.value;
  }
  return null;
}
