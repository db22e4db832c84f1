import { EXPORT_FILES } from "../domain/export/export_files.ts";
import { type Chunk, exportedEvent, type FileEncoder } from "../domain/export/exported_event.ts";
import type { Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import {
  buildManifest,
  type ExportPrivateKey,
  type FileDigest,
  manifestText,
  sha256Hex,
  signManifest,
} from "../domain/statement.ts";
import { StatementAccumulator, type StatementFailure, type StatementTotals } from "../domain/statement_totals.ts";
import { eventPages, eventsIn, MissingEventError, type SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import type { ArchiveWriter } from "../platform/statement_archive.ts";
import type { NewStatement, StoredStatement } from "../platform/statement_records.ts";
import { exportContext, FLUSH_TIMEOUT_MS } from "./open_statement.ts";
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
  /** A month with more events is left for later. */
  readonly mostEvents: number;
};

const MANIFEST_FILE = { name: "manifest.json", mediaType: "application/json" };

/**
 * Freezes one ended month of one tenant: the ledger lets nothing more into it and brings D1 up to date, one pass over
 * the events writes every file and proves that none is missing, and last the row in D1 makes it closed. Until then
 * nobody sees any of it, so it can die at any step and be begun again; of two at once the first row counts.
 */
export async function closeStatement(
  services: Services,
  asked: StatementToClose,
): Promise<Result<StoredStatement, CloseFailure | "too_long">> {
  const { tenant, period, previous } = asked;
  try {
    const range = await completeRange(services, asked);
    if (!range.ok) return range;
    if (eventsIn(range.value) > asked.mostEvents) return fail("too_long");
    const prefix = services.archive.newPrefix(tenant.id, period);
    const written = await writeFiles(services, { ...asked, range: range.value, prefix });
    if (!written.ok) {
      await services.archive.remove(prefix);
      return fail({ reason: written.failure.name, seq: written.failure.seq });
    }
    const closedAtMs = services.clock.nowMs();
    const manifest = buildManifest(written.value.totals, {
      tenantId: tenant.id,
      period,
      files: written.value.files,
      previousManifestSha256: previous?.manifestSha256 ?? null,
      closed: { atMs: closedAtMs, keyId: asked.signingKey.kid },
    });
    const text = manifestText(await signManifest(manifest, asked.signingKey));
    const writer = services.archive.writer(prefix, MANIFEST_FILE);
    await writer.write(text);
    await writer.finish();
    return await record(services, asked.actor, {
      tenantId: tenant.id,
      period,
      closedAtMs,
      firstSeq: manifest.seq.first,
      lastSeq: manifest.seq.last,
      prefix,
      manifest: text,
      manifestSha256: await sha256Hex(text),
    });
  } catch (error) {
    logEvent("warn", { event: "close_failed", tenantId: tenant.id, period, error: messageOf(error) });
    return error instanceof MissingEventError
      ? fail({ reason: "sequence_gap", seq: error.seq })
      : fail({ reason: "unavailable", seq: null });
  }
}

/** The month's seq range, all of it in D1, from the number after the month before's last one. */
async function completeRange(
  services: Services,
  { tenant, period, previous }: StatementToClose,
): Promise<Result<SeqRange, CloseFailure>> {
  const closed = await callLedger(
    services.ledgers,
    { tenantId: tenant.id, mode: "live" },
    (ledger) => ledger.closePeriod(period),
    { timeoutMs: FLUSH_TIMEOUT_MS },
  );
  if (!closed.ok || closed.value.kind === "failed") return fail({ reason: "unavailable", seq: null });
  const { range } = closed.value;
  const firstSeq = (previous?.lastSeq ?? 0) + 1;
  if (range === null) return ok({ first: firstSeq, last: firstSeq - 1 });
  if (range.first < firstSeq) return fail({ reason: "sequence_repeat", seq: range.first });
  if (range.first > firstSeq) return fail({ reason: "sequence_gap", seq: range.first });
  return ok(range);
}

type WrittenFiles = { readonly totals: StatementTotals; readonly files: readonly FileDigest[] };

/** Writes every file in one pass over the events and adds them up on the way. */
async function writeFiles(
  services: Services,
  { tenant, period, range, prefix }: StatementToClose & { range: SeqRange; prefix: string },
): Promise<Result<WrittenFiles, StatementFailure>> {
  const context = await exportContext(services, { tenant, period, status: "closed" });
  const accumulator = new StatementAccumulator(period, { tenantId: tenant.id, firstSeq: range.first });
  const outputs = EXPORT_FILES.map((file) => ({
    encoder: file.encode(context),
    writer: services.archive.writer(prefix, file),
  }));
  try {
    await writeEach(outputs, (encoder) => encoder.header());
    for await (const page of eventPages(services.db, { tenantId: tenant.id, mode: "live" }, range)) {
      for (const event of page) accumulator.add(event);
      const events = page.map((event) => exportedEvent(event, context));
      await writeEach(outputs, (encoder) => encoder.rows(events));
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

/** Makes the statement count, unless another was first. Whether a write that failed took place, only reading tells. */
async function record(
  services: Services,
  actor: Actor,
  statement: NewStatement,
): Promise<Result<StoredStatement, CloseFailure>> {
  const { tenantId, period, prefix, manifestSha256, firstSeq, lastSeq } = statement;
  const audit = {
    atMs: statement.closedAtMs,
    actor,
    action: "statement.close",
    target: `${tenantId}/${period}`,
    before: null,
    after: { manifestSha256, firstSeq, lastSeq },
  };
  try {
    await services.statements.insert(statement, audit);
  } catch (error) {
    logEvent("warn", { event: "close_not_recorded", tenantId, period, error: messageOf(error) });
  }
  const stored = await services.statements.statement(tenantId, period);
  if (stored === null) return fail({ reason: "unavailable", seq: null });
  if (stored.prefix !== prefix) await services.archive.remove(prefix);
  return ok(stored);
}
