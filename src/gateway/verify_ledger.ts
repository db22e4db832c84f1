import { assert } from "../domain/assert.ts";
import type { Failure } from "../domain/failure.ts";
import { saysTheSame } from "../domain/ledger/terms.ts";
import { type LedgerName, MODES } from "../domain/meter_event.ts";
import { nextPeriod, periodOf, type Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { verifyManifest } from "../domain/statement.ts";
import { callLedger, type LedgerStub } from "../platform/ledger/ledger_client.ts";
import { isOutage } from "../platform/outage.ts";
import type { RegisteredTerms, Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { wrongFiles } from "./closed_in_archive.ts";
import {
  compareCopy,
  compareDays,
  LedgerAwayError,
  NO_SUMS,
  sumsOf,
  sumsOfManifest,
  type Sums,
} from "./compare_copy.ts";
import { registeredTerms } from "./project_tenant.ts";
import { manifestOf } from "./read_statement.ts";

/** What can be found. Each is told in words by the command line, and `docs/recovery.md` says what to do. */
export const FINDINGS = [
  "not_ready",
  "ledger_behind",
  "terms_differ",
  "events_missing",
  "events_differ",
  "sums_differ",
  "usage_differs",
  "month_not_recorded",
  "month_not_in_archive",
  "month_differs",
  "file_damaged",
] as const;

type Finding = {
  readonly code: (typeof FINDINGS)[number];
  readonly period: Period | null;
  /** Seqs, both included. */
  readonly first: number | null;
  readonly last: number | null;
  /** Which part it is about: a place (`ledger`, `d1`, `r2`), a mode, a file, a day or a reason. */
  readonly what: string | null;
};

/** Where a comparison goes on: the month, the next seq in D1, what the month came to so far, and how far D1 was at its start. */
export type VerifyPlace = {
  readonly period: Period;
  readonly next: number;
  readonly through: number;
  readonly sums: Sums | null;
};

export type VerifyStep = {
  readonly findings: readonly Finding[];
  readonly months: number;
  readonly events: number;
  readonly next: VerifyPlace | null;
};

/** What the steps of one comparison share. */
export type Comparison = {
  readonly services: Services;
  readonly tenant: Tenant;
  readonly ledger: LedgerName;
  /** Whether the ledger's own sums mean anything. */
  readonly isReady: boolean;
  readonly endsAtMs: number;
  readonly find: (finding: Partial<Finding> & Pick<Finding, "code">) => void;
  readonly ask: <Reply>(call: (stub: LedgerStub) => Promise<Reply>) => Promise<Reply>;
};

const STEP_MS = 15_000;
const CALL_MS = 30_000;

/**
 * Compares a tenant's live ledger, D1 and R2: sequence, events, sums of months, closed months and their files, terms. It
 * changes nothing. One call does a bounded step, while lookups go on.
 */
export async function verifyLedger(
  services: Services,
  tenantId: string,
  { place, stepMs = STEP_MS }: { place: VerifyPlace | null; stepMs?: number },
): Promise<Result<VerifyStep, Failure>> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return fail({ code: "not_found" });
  const findings: Finding[] = [];
  const ledger = { tenantId, mode: "live" } as const;
  const ask = async <Reply>(call: (stub: LedgerStub) => Promise<Reply>) => {
    const reply = await callLedger(services.ledgers, ledger, call, { timeoutMs: CALL_MS });
    if (!reply.ok) throw new LedgerAwayError();
    return reply.value;
  };
  try {
    const { notReady, lastSeq, flushedThrough } = await ask((stub) => stub.status());
    const comparison: Comparison = {
      services,
      tenant,
      ledger,
      isReady: notReady === null,
      endsAtMs: Date.now() + stepMs,
      find: (finding) => findings.push({ period: null, first: null, last: null, what: null, ...finding }),
      ask,
    };
    if (place === null) {
      if (notReady !== null) comparison.find({ code: "not_ready", what: notReady });
      await compareHeads(comparison, lastSeq);
      await compareTerms(comparison);
    }
    const start = { period: periodOf(tenant.createdAtMs), next: 1, through: flushedThrough, sums: null };
    const done = await compareMonths(comparison, place ?? start);
    return ok({ findings, ...done });
  } catch (error) {
    if (error instanceof LedgerAwayError) return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
    if (isOutage(error)) return fail({ code: "statement_unavailable", retryAfterSeconds: 5 });
    throw error;
  }
}

/** The object must not be behind what D1 and R2 have of it. */
async function compareHeads({ services, tenant, find }: Comparison, lastSeq: number): Promise<void> {
  const inDatabase = (await registerOf(services, tenant.id)).knownSeq;
  if (lastSeq < inDatabase) find({ code: "ledger_behind", first: lastSeq + 1, last: inDatabase, what: "d1" });
  const newest = (await services.archive.periods(tenant.id)).toReversed();
  for (const period of newest) {
    const month = await services.archive.closed(tenant.id, period);
    if (month === null) continue;
    if (lastSeq < month.lastSeq) find({ code: "ledger_behind", first: lastSeq + 1, last: month.lastSeq, what: "r2" });
    return;
  }
}

async function registerOf({ register }: Services, tenantId: string): Promise<RegisteredTerms> {
  const registered = await register.termsOf(tenantId);
  assert(registered !== null, "a tenant is never deleted");
  return registered;
}

async function compareTerms({ services, tenant, find }: Comparison): Promise<void> {
  const known = await registerOf(services, tenant.id);
  for (const mode of MODES) {
    const ledger = { tenantId: tenant.id, mode };
    const own = await callLedger(services.ledgers, ledger, (stub) => stub.terms(), { timeoutMs: CALL_MS });
    if (!own.ok) throw new LedgerAwayError();
    const registered = registeredTerms(services, known, mode);
    const isAsRegistered =
      own.value !== null &&
      own.value.version === registered.version &&
      saysTheSame(own.value, registered, services.clock.nowMs());
    if (!isAsRegistered) find({ code: "terms_differ", what: mode });
  }
}

async function compareMonths(
  comparison: Comparison,
  place: VerifyPlace,
): Promise<{ months: number; events: number; next: VerifyPlace | null }> {
  const { services, endsAtMs } = comparison;
  const lastPeriod = periodOf(services.clock.nowMs());
  let { period, next, sums } = place;
  const { through } = place;
  const done = { months: 0, events: 0 };
  for (; period <= lastPeriod; period = nextPeriod(period), sums = null) {
    if (done.months > 0 && Date.now() >= endsAtMs) return { ...done, next: { period, next, through, sums } };
    const closed = await closedMonth(comparison, period, { next, isFirst: sums === null });
    if (closed === null) {
      const compared = await compareCopy(comparison, { period, next, last: through, sums: sums ?? NO_SUMS });
      done.events += compared.events;
      ({ next, sums } = compared);
      if (!compared.isDone) return { ...done, next: { period, next, through, sums } };
      await compareSums(comparison, { period, sums, through });
    } else {
      // What D1 still has of it is on its way out: R2 says what the month is.
      next = Math.max(next, closed.lastSeq + 1);
      await compareSums(comparison, { period, sums: sumsOfManifest(manifestOf(closed)), through: closed.lastSeq });
    }
    await compareDays(comparison, { period, through });
    done.months += 1;
  }
  return { ...done, next: null };
}

/** A month as R2 and D1 have it closed, with what is wrong with it; null while it is open. */
async function closedMonth(
  { services, tenant, find }: Comparison,
  period: Period,
  { next, isFirst }: { next: number; isFirst: boolean },
): Promise<Pick<StoredStatement, "firstSeq" | "lastSeq" | "manifest"> | null> {
  const sealed = await services.archive.closed(tenant.id, period);
  const stored = await services.statements.statement(tenant.id, period);
  const month = sealed ?? stored;
  if (month === null || !isFirst) return month;
  if (sealed === null) find({ code: "month_not_in_archive", period });
  if (stored === null) find({ code: "month_not_recorded", period });
  if (sealed !== null && stored !== null && sealed.manifestSha256 !== stored.manifestSha256) {
    find({ code: "month_differs", period });
  }
  if (month.firstSeq > next)
    find({ code: "events_missing", period, first: next, last: month.firstSeq - 1, what: "r2" });
  const signed = await verifyManifest(month.manifest, await services.exportKeys.all());
  if (!signed.ok) find({ code: "file_damaged", period, what: "manifest.json" });
  for (const file of await wrongFiles(services, manifestOf(month), month.prefix)) {
    find({ code: "file_damaged", period, what: file });
  }
  return month;
}

/** What D1's events, or a closed month's manifest, come to must be what the ledger has added up. */
async function compareSums(
  { find, ask, isReady }: Comparison,
  { period, sums, through }: { period: Period; sums: Sums; through: number },
): Promise<void> {
  if (!isReady) return;
  const { totals } = await ask((stub) => stub.inspect({ period, through }));
  const own = totals === null ? NO_SUMS : sumsOf(totals);
  if (own.some((count, index) => count !== sums[index])) find({ code: "sums_differ", period, what: "ledger" });
}
