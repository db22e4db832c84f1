import { createHash } from "node:crypto";
import { meterEventOf, type StoredEventRow } from "../../../../src/domain/event_row.ts";
import { EXPORT_FILES } from "../../../../src/domain/export/export_files.ts";
import type { ExportContext } from "../../../../src/domain/export/exported_event.ts";
import type { Chunk } from "../../../../src/domain/export/file_encoder.ts";
import { exportedPages } from "../../../../src/gateway/encode_events.ts";
import { parsePeriod, periodBounds, type Period } from "../../../../src/domain/period.ts";
import { StatementAccumulator } from "../../../../src/domain/statement_totals.ts";
import { spreadOf } from "../../statistics.ts";
import { PERIOD } from "../growth/grown_gateway.ts";

const EVENTS = 100_000;
const ROUNDS = 3;
const NOT_FOUND_ONE_IN = 20;
const TENANT = "ten_bench";
const utf8 = new TextEncoder();
/** So many that asking for the time costs nothing beside them. */
const TIMED_EVENTS = 10_000;
const BUFFER = new Uint8Array(32 * 1024 * 1024);
const LEDGER = { tenantId: TENANT, mode: "live" } as const;

/** Processor seconds that a million events take, by what is done with them. */
export type Encoding = { readonly secondsAMillion: Readonly<Record<string, number>> };

/**
 * What a close does itself, without D1 and R2: rows become events, events are added up and written in every format, the
 * bytes are hashed. The first round is for the compiler; the median of the others counts.
 */
export function measureEncoding(): Encoding {
  const period = parsePeriod(PERIOD);
  if (!period.ok) throw new Error("no month");
  const rows = Array.from({ length: EVENTS }, (_, index) => storedText(index, period.value));
  const rounds = Array.from({ length: ROUNDS + 1 }, () => encodeOnce(rows, period.value)).slice(1);
  const names = Object.keys(rounds[0] ?? {});
  const entries = names.map(
    (name) => [name, spreadOf(rounds.map((round) => round[name] ?? Number.NaN)).median] as const,
  );
  const all = entries.reduce((sum, [, seconds]) => sum + seconds, 0);
  return { secondsAMillion: { ...Object.fromEntries(entries), all } };
}

function encodeOnce(rows: readonly string[], period: Period): Record<string, number> {
  const seconds: Record<string, number> = {};
  const timed = <Value>(name: string, work: () => Value): Value => {
    const before = process.cpuUsage();
    const value = work();
    const { user, system } = process.cpuUsage(before);
    seconds[name] = (seconds[name] ?? 0) + (user + system) / rows.length;
    return value;
  };
  const accumulator = new StatementAccumulator(period, { tenantId: TENANT, firstSeq: 1 });
  const context = contextOf(period);
  const files = EXPORT_FILES.map((file) => ({ ...file, encoder: file.encode(context), hash: createHash("sha256") }));
  for (let start = 0; start < rows.length; start += TIMED_EVENTS) {
    const events = timed("events from rows, their sums", () =>
      rows.slice(start, start + TIMED_EVENTS).map((row) => {
        const event = meterEventOf(JSON.parse(row) as StoredEventRow, LEDGER);
        accumulator.add(event);
        return event;
      }),
    );
    const pages = timed("events as they are shown", () => [...exportedPages(events, context)]);
    for (const { name, encoder, hash } of files) {
      let length = 0;
      timed(name, () => {
        for (const page of pages) length += putBytes(encoder.rows(page), length);
      });
      timed("hashes", () => hash.update(BUFFER.subarray(0, length)));
    }
  }
  for (const { encoder } of files) encoder.footer();
  const totals = accumulator.finish();
  if (!totals.ok) throw new Error(`the month does not add up: ${totals.failure.name}`);
  return seconds;
}

/** As the close puts bytes into its files' buffers. */
function putBytes(chunk: Chunk, at: number): number {
  if (typeof chunk === "string") return utf8.encodeInto(chunk, BUFFER.subarray(at)).written;
  BUFFER.set(chunk, at);
  return chunk.length;
}

/** A lookup as a ledger stores it; every id is another, as in life. */
function storedText(index: number, period: Period): string {
  const { startMs, endMs } = periodBounds(period);
  const occurredAtMs = Math.floor(startMs + ((endMs - startMs) * (index + 0.5)) / EVENTS);
  const isFound = index % NOT_FOUND_ONE_IN !== 0;
  const row: StoredEventRow = {
    seq: index + 1,
    id: `lk_${crypto.randomUUID().slice(0, 26)}`,
    occurred_at: occurredAtMs,
    admitted_at: occurredAtMs - 180,
    admit_ms: 12,
    key_id: "csg_live_0123456789",
    reference: `order-${index}`,
    customer_id: "bench",
    outcome: isFound ? "delivered" : "not_found",
    failure_code: isFound ? null : "score_not_found",
    upstream_status: isFound ? 200 : 404,
    billed: isFound ? 1 : 0,
    units: isFound ? 1 : 0,
    unit_price_micros: isFound ? 150_000 : 0,
    amount_micros: isFound ? 150_000 : 0,
    price_version: 1,
    transaction_id: crypto.randomUUID(),
    cpf_reference: `v1:${crypto.randomUUID().replaceAll("-", "")}`,
    purpose: "credit_granting",
    legal_basis: "credit_protection",
    consent_id: null,
    requested_by: null,
    request_id: crypto.randomUUID(),
    claro_ms: 160,
    kind: "lookup",
    corrects: null,
    period,
  };
  return JSON.stringify(row);
}

function contextOf(period: Period): ExportContext {
  const party = { name: "Bench", legalName: null, document: "12ABC34501DE35", address: null };
  return {
    period,
    tenantId: TENANT,
    tenant: party,
    issuer: party,
    keyLabels: new Map([["csg_live_0123456789", "produção"]]),
    carriedIn: null,
    status: "closed",
    issuedAtMs: periodBounds(period).endMs,
  };
}
