import type { Failure } from "../domain/failure.ts";
import { nextPeriod, type Period, periodBounds, periodOf, previousPeriod } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { ExportPrivateKey } from "../domain/statement.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { closeStatement, type CloseFailure } from "./close_statement.ts";
import type { Actor } from "./tenants.ts";

/** How long after its end a month is closed without being asked to. */
const GRACE_MS = 24 * 3_600_000;
const TENANTS_A_PAGE = 50;

// What one invocation may use up: a Worker has at most 1000 calls to other services, and a caller who waits.
const CALLS_A_RUN = 400;
const CALLS_A_STATEMENT = 12;
/** Calls grow with the events: one reads 2000 of them; a file's part of 8 MiB takes some 15,000 of them. */
const EVENTS_A_CALL = 1500;
const RUN_MS = 20_000;

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
): Promise<Result<ClosingReport, Failure>> {
  const { endMs } = periodBounds(period);
  const nowMs = services.clock.nowMs();
  if (nowMs < endMs) return fail({ code: "period_open" });
  const signingKey = services.settings.exportSigningKey;
  if (signingKey === null) return unsigned("setting_missing");
  if (!(await services.statements.keepKey(signingKey, nowMs))) {
    return unsigned("setting_taken");
  }
  const audit = { atMs: nowMs, actor, action: "period.close", target: period, before: null, after: null };
  const closing = await services.statements.startClosing(period, audit);
  const failures = await closeSome(services, { actor, period, signingKey, after: closing.cursor });
  const { closed, remaining } = await services.statements.progress(period, endMs);
  if (remaining === 0) await services.statements.completeClosing(period, services.clock.nowMs());
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
      const report = await closePeriod(services, "cron", period);
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

type Run = {
  readonly actor: Actor;
  readonly period: Period;
  readonly signingKey: ExportPrivateKey;
  readonly after: readonly [number, string];
};

async function closeSome(services: Services, run: Run): Promise<ClosingReport["failures"]> {
  const { period } = run;
  const createdBeforeMs = periodBounds(period).endMs;
  const failures = new Map<string, ClosingReport["failures"][number]>();
  const budget = { calls: CALLS_A_RUN, endsAtMs: Date.now() + RUN_MS };
  let after = run.after;
  let isNewRound = after[1] === "";
  while (hasLeft(budget)) {
    const page = await services.statements.tenantsToClose(period, { after, createdBeforeMs, limit: TENANTS_A_PAGE });
    if (page.length === 0) {
      await services.statements.setCursor(period, START);
      if (isNewRound) break;
      [after, isNewRound] = [START, true];
    }
    for (const place of page) {
      if (!hasLeft(budget)) return [...failures.values()];
      // Before the attempt: a tenant whose month kills the invocation must not keep the others waiting for ever.
      await services.statements.setCursor(period, place);
      const failure = await closeThrough(services, { ...run, tenantId: place[1], budget });
      if (failure === "too_long") {
        // The next run begins with it, and with all of its budget.
        await services.statements.setCursor(period, after);
        return [...failures.values()];
      }
      after = place;
      if (failure === null) failures.delete(place[1]);
      else failures.set(place[1], failure);
    }
  }
  return [...failures.values()];
}

const START = [0, ""] as const;

type Budget = { calls: number; readonly endsAtMs: number };

function hasLeft(budget: Budget): boolean {
  return budget.calls > 0 && Date.now() < budget.endsAtMs;
}

/**
 * Closes a tenant's months in order up to the one asked for; stops at the first that cannot be, and at one that is too long
 * for what the run may still use up.
 */
async function closeThrough(
  services: Services,
  { actor, signingKey, period: last, tenantId, budget }: Run & { tenantId: string; budget: Budget },
): Promise<ClosingReport["failures"][number] | "too_long" | null> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return null;
  let previous = await services.statements.latest(tenantId);
  let period = previous === null ? periodOf(tenant.createdAtMs) : nextPeriod(previous.period);
  for (; period <= last && hasLeft(budget); period = nextPeriod(period)) {
    // A month can take more than a whole run's budget: it has to be closed all the same, by a run that does nothing else.
    const mostEvents = budget.calls === CALLS_A_RUN ? Number.POSITIVE_INFINITY : budget.calls * EVENTS_A_CALL;
    const closed = await closeStatement(services, { tenant, period, previous, signingKey, actor, mostEvents });
    budget.calls -= CALLS_A_STATEMENT;
    if (!closed.ok) {
      if (closed.failure === "too_long") return "too_long";
      logEvent("error", { event: "statement_not_closed", tenantId, period, ...closed.failure });
      return { tenantId, period, ...closed.failure };
    }
    previous = closed.value;
    budget.calls -= Math.ceil((previous.lastSeq - previous.firstSeq + 1) / EVENTS_A_CALL);
  }
  return null;
}
