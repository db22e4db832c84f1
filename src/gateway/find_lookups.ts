import type { Failure } from "../domain/failure.ts";
import { uuidTimeMs } from "../domain/lookup_id.ts";
import { MODES, type MeterEvent, type Mode } from "../domain/meter_event.ts";
import { nextPeriod, periodOf, type Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { meterEventOf } from "../domain/event_row.ts";
import type { SeqRange } from "../platform/event_copy.ts";
import { eventById, searchEvents, writtenValue, type SearchedColumn } from "../platform/event_search.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { linesOf } from "../platform/lines.ts";
import type { Services } from "../platform/services.ts";
import { archivedEvent } from "./archived_event.ts";
import { readEventsFile } from "./archived_events.ts";
import { FLUSH_TIMEOUT_MS } from "./open_statement.ts";
import { nameTenant } from "./unread_tenant.ts";

/** A lookup as it is on record, and the month that it is in. */
export type FoundLookup = { readonly event: MeterEvent; readonly period: Period; readonly isClosed: boolean };

export type LookupSearch = {
  readonly tenantId: string;
  /** Whether live lookups are looked into, test ones, or both. */
  readonly modes: readonly Mode[];
  readonly column: SearchedColumn;
  readonly value: string;
  readonly fromMs: number;
  readonly toMs: number;
};

/** Where a search goes on: the month, the mode, and the next seq, or in an archived month the next line. */
export type SearchPlace = { readonly period: string; readonly mode: Mode; readonly next: number };

export type FoundPage = { readonly lookups: readonly FoundLookup[]; readonly next: SearchPlace | null };

export const MOST_FOUND = 20;
/** What one statement looks into, and one call. */
const SEQS_A_STATEMENT = 20_000;
const STATEMENTS_A_CALL = 20;
const SEARCH_MS = 15_000;
/** A lookup's event follows its beginning by its time budget, and by what the sweep takes with one that nobody settled. */
const BEFORE_MS = 300_000;
const AFTER_MS = 7_200_000;
const LEDGERS_A_CALL = 50;

/** Where a search by an id goes on: after which tenant, and which of those before it could not be read. */
export type TenantPlace = readonly [createdAtMs: number, tenantId: string, unread: readonly string[]];

/** With more of them away, it is no single ledger that fails. */
export const MOST_UNREAD = 3;

/**
 * A lookup by its id alone: it tells its time. What ledgers have not brought to D1 yet they bring first, some ledgers a
 * call: `next` is where to go on. Where one of them cannot be asked, all others still are, and it is asked once more at
 * the end; only then a failure names it.
 */
export async function findLookup(
  services: Services,
  id: string,
  place: TenantPlace | null,
): Promise<Result<{ lookup: FoundLookup | null; next: TenantPlace | null }, Failure>> {
  const window = windowOf(id);
  if (window === null) return fail({ code: "invalid_request", issues: [{ path: "tenant", code: "required" }] });
  const known = await eventById(services.db, id, window);
  if (known !== null) return ok({ lookup: await describeEvent(services, known), next: null });
  const after = place === null ? null : ([place[0], place[1]] as const);
  const unreadBefore = place === null ? [] : place[2];
  const tenants = await services.register.tenants({ after, limit: LEDGERS_A_CALL / MODES.length + 1 });
  const asked = tenants.slice(0, LEDGERS_A_CALL / MODES.length);
  const last = tenants.length === asked.length ? undefined : asked.at(-1);
  const unread: { readonly tenantId: string; readonly failure: Failure }[] = [];
  for (const tenant of [...asked.map((one) => one.id), ...(last === undefined ? unreadBefore : [])]) {
    const flushed = await flush(services, tenant);
    const tested = await testEventById(services, tenant, id);
    if (tested.ok && tested.value !== null) {
      return ok({ lookup: await describeEvent(services, tested.value), next: null });
    }
    const away = flushed.ok ? tested : flushed;
    if (!away.ok) unread.push({ tenantId: tenant, failure: away.failure });
  }
  const event = await eventById(services.db, id, window);
  if (event !== null) return ok({ lookup: await describeEvent(services, event), next: null });
  const [first] = unread;
  const names = [...unreadBefore, ...unread.map((one) => one.tenantId)];
  if (first !== undefined && (last === undefined || names.length > MOST_UNREAD)) {
    return fail(nameTenant(first.tenantId, first.failure));
  }
  return ok({ lookup: null, next: last === undefined ? null : [last.createdAtMs, last.id, names] });
}

/** The window of an id's event, for a search within one tenant; null for an id of before, which does not tell. */
export function windowOf(id: string): { fromMs: number; toMs: number } | null {
  const beganAtMs = uuidTimeMs(id);
  return beganAtMs === null ? null : { fromMs: beganAtMs - BEFORE_MS, toMs: beganAtMs + AFTER_MS };
}

/** A tenant's lookups by a field of theirs, oldest first, up to twenty; a bounded piece of the search, to be gone on with. */
export async function findLookups(
  services: Services,
  search: LookupSearch,
  place: SearchPlace | null,
): Promise<Result<FoundPage, Failure>> {
  const { tenantId, modes, fromMs, toMs } = search;
  if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
  if (place === null && modes.includes("live")) {
    const flushed = await flush(services, tenantId);
    if (!flushed.ok) return flushed;
  }
  const budget = { statements: STATEMENTS_A_CALL, endsAtMs: Date.now() + SEARCH_MS };
  const lookups: FoundLookup[] = [];
  for (const part of partsOf(fromMs, toMs, modes).filter((one) => place === null || !isBefore(one, place))) {
    const from = place !== null && part.period === place.period && part.mode === place.mode ? place.next : 0;
    const source = await sourceOf(services, tenantId, part);
    if (!source.ok) return source;
    const found = await searchSource(services, search, {
      source: source.value,
      part,
      from,
      room: MOST_FOUND - lookups.length,
      budget,
    });
    lookups.push(...found.events.map((event) => ({ event, period: part.period, isClosed: source.value.isClosed })));
    if (found.next !== null) return ok({ lookups, next: { ...part, next: found.next } });
    if (lookups.length >= MOST_FOUND) return ok({ lookups, next: { ...part, next: Number.MAX_SAFE_INTEGER } });
  }
  return ok({ lookups, next: null });
}

async function searchSource(
  services: Services,
  search: LookupSearch,
  { source, ...where }: { source: Source; part: Part; from: number; room: number; budget: Budget },
): Promise<Found> {
  switch (source.kind) {
    case "test":
      return searchTest(source.events, search, where);
    case "archive":
      return await searchArchive(services, search, { ...source, ...where });
    case "copy":
      return await searchCopy(services, search, { ...source, ...where });
    default:
      return source satisfies never;
  }
}

type Part = { readonly period: Period; readonly mode: Mode };
type Source =
  | { readonly kind: "test"; readonly events: readonly MeterEvent[]; readonly isClosed: false }
  | { readonly kind: "copy"; readonly range: SeqRange; readonly isClosed: boolean }
  | { readonly kind: "archive"; readonly prefix: string; readonly isClosed: true };
type Found = { readonly events: readonly MeterEvent[]; readonly next: number | null };

function partsOf(fromMs: number, toMs: number, modes: readonly Mode[]): Part[] {
  const parts: Part[] = [];
  for (let period = periodOf(fromMs); period <= periodOf(toMs); period = nextPeriod(period)) {
    parts.push(...modes.map((mode) => ({ period, mode })));
  }
  return parts;
}

function isBefore(part: Part, place: SearchPlace): boolean {
  if (part.period !== place.period) return part.period < place.period;
  return MODES.indexOf(part.mode) < MODES.indexOf(place.mode);
}

/** Where a month's events are. Only live ones are ever closed. */
async function sourceOf(
  services: Services,
  tenantId: string,
  { period, mode }: Part,
): Promise<Result<Source, Failure>> {
  if (mode === "test") return await testSource(services, tenantId, period);
  const stored = await services.statements.statement(tenantId, period);
  if (stored?.isArchived === true) return ok({ kind: "archive", prefix: stored.prefix, isClosed: true });
  if (stored !== null) {
    return ok({ kind: "copy", range: { first: stored.firstSeq, last: stored.lastSeq }, isClosed: true });
  }
  const range = await callLedger(services.ledgers, { tenantId, mode }, (ledger) => ledger.seqRange(period));
  if (!range.ok) return range;
  return ok({ kind: "copy", range: range.value ?? { first: 1, last: 0 }, isClosed: false });
}

/** Test events are in their ledger alone, the last of them. */
async function testSource(services: Services, tenantId: string, period: Period): Promise<Result<Source, Failure>> {
  const rows = await callLedger(services.ledgers, { tenantId, mode: "test" }, (ledger) => ledger.testEvents());
  if (!rows.ok) return rows;
  const events = rows.value
    .map((row) => meterEventOf(row, { tenantId, mode: "test" }))
    .filter((event) => event.period === period);
  return ok({ kind: "test", events, isClosed: false });
}

function searchTest(
  events: readonly MeterEvent[],
  { column, value, fromMs, toMs }: LookupSearch,
  { from, room }: { from: number; room: number },
): Found {
  const found = events.filter(
    (event) => event.seq >= from && event[FIELD[column]] === value && isWanted(event, { fromMs, toMs }),
  );
  return { events: found.slice(0, room), next: found[room]?.seq ?? null };
}

async function searchCopy(
  services: Services,
  { tenantId, column, value, fromMs, toMs }: LookupSearch,
  { range, part, from, room, budget }: { range: SeqRange; part: Part; from: number; room: number; budget: Budget },
): Promise<Found> {
  const events: MeterEvent[] = [];
  for (let first = Math.max(range.first, from); first <= range.last; first += SEQS_A_STATEMENT) {
    if (budget.statements === 0 || Date.now() > budget.endsAtMs) return { events, next: first };
    budget.statements -= 1;
    const stretch = { first, last: Math.min(first + SEQS_A_STATEMENT - 1, range.last) };
    const asked = { range: stretch, column, value, most: room - events.length + 1 };
    const found = await searchEvents(services.db, { tenantId, mode: part.mode }, asked);
    for (const event of found) {
      if (!isWanted(event, { fromMs, toMs })) continue;
      if (events.length === room) return { events, next: event.seq };
      events.push(event);
    }
    const last = found.at(-1);
    // The statement may have left some over: the next one begins after the last that it gave.
    if (found.length === asked.most && last !== undefined) first = last.seq + 1 - SEQS_A_STATEMENT;
  }
  return { events, next: null };
}

type Budget = { statements: number; readonly endsAtMs: number };

const FIELD = { id: "id", request_id: "requestId", reference: "reference" } as const;

async function searchArchive(
  services: Services,
  { tenantId, column, value, fromMs, toMs }: LookupSearch,
  { prefix, part, from, room }: { prefix: string; part: Part; from: number; room: number },
): Promise<Found> {
  const body = await readEventsFile(services, prefix);
  const events: MeterEvent[] = [];
  let number = 0;
  const written = writtenValue(value);
  for await (const line of linesOf(body)) {
    number += 1;
    if (number < from || !line.includes(written)) continue;
    const event = archivedEvent(line, { tenantId, mode: part.mode });
    if (event[FIELD[column]] !== value || !isWanted(event, { fromMs, toMs })) continue;
    if (events.length === room) return { events, next: number };
    events.push(event);
  }
  return { events, next: null };
}

/** Whether an event is a lookup of the time that is looked into. */
export function isWanted(
  { kind, occurredAtMs }: MeterEvent,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): boolean {
  return kind === "lookup" && occurredAtMs >= fromMs && occurredAtMs < toMs;
}

/** An event as it is on record: in which month, and whether that is closed. */
export async function describeEvent(services: Services, event: MeterEvent): Promise<FoundLookup> {
  const period = event.period ?? periodOf(event.occurredAtMs);
  const stored = event.mode === "live" ? await services.statements.statement(event.tenantId, period) : null;
  return { event, period, isClosed: stored !== null };
}

async function testEventById(
  services: Services,
  tenantId: string,
  id: string,
): Promise<Result<MeterEvent | null, Failure>> {
  const rows = await callLedger(services.ledgers, { tenantId, mode: "test" }, (ledger) => ledger.testEvents());
  if (!rows.ok) return rows;
  const row = rows.value.find((event) => event.id === id);
  return ok(row === undefined ? null : meterEventOf(row, { tenantId, mode: "test" }));
}

/** Has the live ledger of a tenant bring D1 up to date. */
async function flush(services: Services, tenantId: string): Promise<Result<null, Failure>> {
  const options = { timeoutMs: FLUSH_TIMEOUT_MS };
  const ledger = { tenantId, mode: "live" } as const;
  const flushed = await callLedger(services.ledgers, ledger, (stub) => stub.flush(), options);
  if (!flushed.ok) return flushed;
  return flushed.value.kind === "failed" ? fail({ code: "ledger_unavailable", retryAfterSeconds: 5 }) : ok(null);
}
