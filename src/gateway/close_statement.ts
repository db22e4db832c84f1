import { type ClosedMonth, closedMonthOf } from "../domain/closed_month.ts";
import { EXPORT_FILES } from "../domain/export/export_files.ts";
import type { Chunk, FileEncoder } from "../domain/export/file_encoder.ts";
import type { Failure } from "../domain/failure.ts";
import type { Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import {
  buildManifest,
  carriedOut,
  type ExportPrivateKey,
  type FileDigest,
  manifestText,
  sha256Hex,
  signManifest,
} from "../domain/statement.ts";
import { StatementAccumulator, type StatementFailure, type StatementTotals } from "../domain/statement_totals.ts";
import { eventsIn, MissingEventError, type SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { ClosePeriodReply } from "../platform/ledger/messages.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { type ArchiveWriter, MANIFEST_FILE } from "../platform/statement_archive.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { closedInArchive } from "./closed_in_archive.ts";
import { ledgerEvents } from "./ledger_events.ts";
import { exportedPages } from "./encode_events.ts";
import { billedPlan, exportContext, FLUSH_TIMEOUT_MS } from "./open_statement.ts";
import { askAgainWithTerms } from "./project_tenant.ts";
import { manifestOf } from "./read_statement.ts";
import type { Actor } from "./tenants.ts";

/** Why a month of a tenant is not closed. `unavailable` can be tried again; the others are for a person to look at. */
export type CloseFailure = {
  readonly reason: "unavailable" | StatementFailure["name"];
  readonly seq: number | null;
};

export type StatementToClose = {
  readonly tenant: Tenant;
  readonly period: Period;
  /** The tenant's month before; null when this is its first. */
  readonly previous: StoredStatement | null;
  readonly signingKey: ExportPrivateKey;
  readonly actor: Actor;
  /**
   * Asked before so many events are read. It may wait, gives what is to be called when they are written, and null where the
   * month has to be left for later.
   */
  readonly begin: (events: number) => Promise<(() => void) | null>;
};

/**
 * Freezes one ended month of one tenant. The ledger lets nothing more into it, one pass over the events writes every file
 * and proves that none is missing, and `closed.json`, which R2 takes only once, makes it closed. Until then nobody sees any
 * of it, so it can die at any step and be begun again; of two at once the first `closed.json` counts. What is written
 * after it (the manifest among the files, the row in D1) is made from it, by this call or by a later one.
 */
export async function closeStatement(
  services: Services,
  asked: StatementToClose,
): Promise<Result<StoredStatement, CloseFailure | "too_long">> {
  const { tenant, period, actor } = asked;
  try {
    const standing = await closedInArchive(services, tenant.id, period);
    const month = standing === null ? await freezeMonth(services, asked) : ok(standing);
    if (!month.ok) return month;
    return ok(await recordMonth(services, actor, month.value));
  } catch (error) {
    logEvent("warn", { event: "close_failed", tenantId: tenant.id, period, error: messageOf(error) });
    return error instanceof MissingEventError
      ? fail({ reason: "sequence_gap", seq: error.seq })
      : fail({ reason: "unavailable", seq: null });
  }
}

async function freezeMonth(
  services: Services,
  asked: StatementToClose,
): Promise<Result<ClosedMonth, CloseFailure | "too_long">> {
  const { tenant, period, previous, signingKey } = asked;
  const range = await completeRange(services, asked);
  if (!range.ok) return range;
  const end = await asked.begin(eventsIn(range.value));
  if (end === null) return fail("too_long");
  const prefix = services.archive.newPrefix(tenant.id, period);
  const written = await writeFiles(services, { ...asked, range: range.value, prefix }).finally(end);
  if (!written.ok) {
    await services.archive.remove(prefix);
    return fail({ reason: written.failure.name, seq: written.failure.seq });
  }
  const manifest = buildManifest(written.value.totals, {
    tenant,
    plan: billedPlan(tenant),
    period,
    files: written.value.files,
    previousManifestSha256: previous?.manifestSha256 ?? null,
    closed: { atMs: services.clock.nowMs(), keyId: signingKey.kid },
  });
  const text = manifestText(await signManifest(manifest, signingKey));
  const own = closedMonthOf(manifest, { text, sha256: await sha256Hex(text), prefix });
  const standing = await services.archive.seal(own);
  if (standing.prefix !== prefix) await services.archive.remove(prefix);
  return ok(standing);
}

/** The month's seq range, from the number after the month before's last one. */
async function completeRange(
  services: Services,
  { tenant, period, previous }: StatementToClose,
): Promise<Result<SeqRange, CloseFailure>> {
  const closed = await closeInLedger(services, tenant.id, period);
  // A ledger that has lost its events would say that there are none.
  if (!closed.ok || closed.value.kind === "not_ready") return fail({ reason: "unavailable", seq: null });
  const { range } = closed.value;
  const firstSeq = (previous?.lastSeq ?? 0) + 1;
  if (range === null) return ok({ first: firstSeq, last: firstSeq - 1 });
  if (range.first < firstSeq) return fail({ reason: "sequence_repeat", seq: range.first });
  if (range.first > firstSeq) return fail({ reason: "sequence_gap", seq: range.first });
  return ok(range);
}

async function closeInLedger(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<Result<ClosePeriodReply, Failure>> {
  const ask = async () =>
    await callLedger(services.ledgers, { tenantId, mode: "live" }, (ledger) => ledger.closePeriod(period), {
      timeoutMs: FLUSH_TIMEOUT_MS,
    });
  return await askAgainWithTerms(services, tenantId, { reply: await ask(), ask });
}

type WrittenFiles = { readonly totals: StatementTotals; readonly files: readonly FileDigest[] };

/** Writes every file in one pass over the events and adds them up on the way. */
async function writeFiles(
  services: Services,
  { tenant, period, previous, range, prefix }: StatementToClose & { range: SeqRange; prefix: string },
): Promise<Result<WrittenFiles, StatementFailure>> {
  const carriedIn = previous === null ? null : carriedOut(manifestOf(previous));
  const context = await exportContext(services, { tenant, period, status: "closed", carriedIn });
  const accumulator = new StatementAccumulator(period, { tenantId: tenant.id, firstSeq: range.first, carriedIn });
  const outputs = EXPORT_FILES.map((file) => ({
    encoder: file.encode(context),
    writer: services.archive.writer(prefix, file),
  }));
  try {
    await writeEach(outputs, (encoder) => encoder.header());
    for await (const page of ledgerEvents(services, { tenantId: tenant.id, mode: "live" }, range)) {
      for (const event of page) accumulator.add(event);
      for (const exported of exportedPages(page, context)) {
        await writeEach(outputs, (encoder) => encoder.rows(exported));
      }
    }
    await writeEach(outputs, (encoder) => encoder.footer());
    const totals = accumulator.finish();
    if (!totals.ok) {
      await Promise.all(outputs.map(({ writer }) => writer.abort()));
      return totals;
    }
    const files: FileDigest[] = [];
    for (const { writer } of outputs) files.push(await writer.finish());
    return ok({ totals: totals.value, files });
  } catch (error) {
    await Promise.all(outputs.map(({ writer }) => writer.abort()));
    throw error;
  }
}

async function writeEach(
  outputs: readonly { encoder: FileEncoder; writer: ArchiveWriter }[],
  chunkOf: (encoder: FileEncoder) => Chunk,
): Promise<void> {
  for (const { encoder, writer } of outputs) await writer.write(chunkOf(encoder));
}

/** Completes what follows from `closed.json`. D1 may be full or away: the month is closed all the same. */
async function recordMonth(services: Services, actor: Actor, month: ClosedMonth): Promise<StoredStatement> {
  const { tenantId, period, prefix, manifest, manifestSha256, firstSeq, lastSeq } = month;
  const writer = services.archive.writer(prefix, MANIFEST_FILE);
  await writer.write(manifest);
  await writer.finish();
  try {
    await services.statements.insert(month, {
      atMs: services.clock.nowMs(),
      actor,
      action: "statement.close",
      target: `${tenantId}/${period}`,
      before: null,
      after: { manifestSha256, firstSeq, lastSeq },
    });
    const stored = await services.statements.statement(tenantId, period);
    if (stored !== null && stored.manifestSha256 !== manifestSha256) {
      logEvent("error", { event: "statement_differs_from_archive", tenantId, period });
    }
  } catch (error) {
    logEvent("warn", { event: "close_not_recorded", tenantId, period, error: messageOf(error) });
  }
  return { ...month, isArchived: false, isPruned: false };
}
