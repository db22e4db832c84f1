import type { Failure } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import type { MeterEvent } from "../domain/meter_event.ts";
import { periodBounds, periodOf, previousPeriod } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { SeqRange } from "../platform/event_copy.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { lineBlocksOf } from "../platform/lines.ts";
import type { Tenant } from "../platform/register.ts";
import type { Restriction } from "../platform/restrictions.ts";
import type { Services } from "../platform/services.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { lastCopiedSeq, lookupsOfPerson } from "../platform/subject_search.ts";
import { archivedEvent } from "./archived_event.ts";
import { readEventsFile } from "./archived_events.ts";
import { isWanted } from "./find_lookups.ts";
import { ledgerEvents } from "./ledger_events.ts";
import { whileReadable } from "./open_statement.ts";
import { referenceFailure, referenceToPerson, restrictedSubject } from "./reference_keys.ts";
import type { Actor } from "./tenants.ts";
import { nameTenant } from "./unread_tenant.ts";

export type SubjectSearch = {
  readonly cpf: string;
  /** Lookups that ended from then on, and before then. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Why it is asked; for the audit. */
  readonly reason: string | null;
};

/**
 * Where a search goes on: in the tenant of this place in the register, at this seq, and where that is in an archived month
 * at this byte of its file. A seq of null: with the tenant after it.
 */
export type SubjectPlace = {
  readonly tenant: readonly [createdAtMs: number, tenantId: string];
  readonly seq: number | null;
  readonly offset: number;
};

export type SubjectLookup = { readonly event: MeterEvent; readonly tenant: Tenant };

export type SubjectPage = {
  readonly lookups: readonly SubjectLookup[];
  /** All that ever were of the person. */
  readonly restrictions: readonly Restriction[];
  readonly next: SubjectPlace | null;
  /** Tenants that the search is through with, of all. */
  readonly tenants: { readonly done: number; readonly all: number };
};

/** What one call looks into at most; it ends earlier when its time is over. */
const LOOKUPS_A_CALL = 200;
const TENANTS_A_CALL = 50;
const SEARCH_MS = 10_000;
/** What one statement looks into: about ten megabytes of events. */
const SEQS_A_STATEMENT = 20_000;
const FLUSHES_AT_ONCE = 10;
/**
 * A ledger that has more to bring to D1 goes on with it, and has less to do at the next call. Half of a call's time is for
 * the search: a ledger that hangs could keep it from getting on for ever.
 */
const LONGEST_FLUSH_MS = 5000;
const SHORTEST_FLUSH_MS = 2000;
const RETRY_SECONDS = 5;

type Budget = { readonly endsAtMs: number; room: number };
type Found = { readonly events: readonly MeterEvent[]; readonly next: Pick<SubjectPlace, "seq" | "offset"> | null };

/**
 * A person's lookups by any tenant, in open and closed months, every one answered before this call: each ledger brings D1
 * up to date first. A bounded piece of the search, to be gone on with at `next`. Each call is in the audit, before it reads.
 *
 * A tenant that cannot be read is never passed over: the piece ends before it, and one that begins with it fails with
 * its name.
 */
export async function findSubject(
  services: Services,
  actor: Actor,
  { search, place }: { search: SubjectSearch; place: SubjectPlace | null },
): Promise<Result<SubjectPage, Failure>> {
  const subject = await restrictedSubject(services, search.cpf);
  if (!subject.ok) return subject;
  const noted = await noteAccess(services, actor, { search, isContinued: place !== null });
  if (!noted.ok) return noted;
  const references = await services.references.referencesOf(search.cpf);
  if (!references.ok) return fail(referenceFailure(references.failure));
  const budget: Budget = { endsAtMs: Date.now() + SEARCH_MS, room: LOOKUPS_A_CALL };
  const tenants = await tenantsFrom(services, place);
  const lookups: SubjectLookup[] = [];
  let next: SubjectPlace | null = null;
  let away: ReadonlyMap<string, Failure> = new Map();
  for (const [index, tenant] of tenants.entries()) {
    if (index % FLUSHES_AT_ONCE === 0) {
      away = await flushAll(services, tenants.slice(index, index + FLUSHES_AT_ONCE), budget);
    }
    const isHere = place?.tenant[1] === tenant.id;
    const from = isHere ? { seq: place.seq ?? 1, offset: place.offset } : { seq: 1, offset: 0 };
    const asked = { search, referencesIn: references.value, tenant, from, budget };
    const found = await unlessAway(away.get(tenant.id), () => searchTenant(services, asked));
    if (!found.ok && index === 0) return fail(nameTenant(tenant.id, found.failure));
    if (!found.ok) break;
    lookups.push(...found.value.events.map((event) => ({ event, tenant })));
    const at = [tenant.createdAtMs, tenant.id] as const;
    if (found.value.next !== null) {
      next = { tenant: at, ...found.value.next };
      break;
    }
    next = { tenant: at, seq: null, offset: 0 };
    if (Date.now() > budget.endsAtMs || budget.room === 0) break;
  }
  const counts = await services.register.countTenants(next?.tenant ?? null);
  const isDone = next === null || (next.seq === null && counts.through === counts.all);
  return ok({
    lookups,
    restrictions: await services.restrictions.ofSubject(subject.value),
    next: isDone ? null : next,
    tenants: { done: isDone ? counts.all : counts.through - (next?.seq === null ? 0 : 1), all: counts.all },
  });
}

async function unlessAway(away: Failure | undefined, search: () => Promise<Found>): Promise<Result<Found, Failure>> {
  return away === undefined ? await whileReadable(async () => ok(await search())) : fail(away);
}

/**
 * Whose data is read stands in the audit by a reference that ends as those of this year's events do: until then two
 * accesses to one person are told to be that.
 */
async function noteAccess(
  services: Services,
  actor: Actor,
  { search, isContinued }: { search: SubjectSearch; isContinued: boolean },
): Promise<Result<null, Failure>> {
  const { cpf, reason, fromMs, toMs } = search;
  const atMs = services.clock.nowMs();
  const target = await referenceToPerson(services, { tenantId: "subject.access", cpf });
  if (!target.ok) return target;
  const after = { reason, from: isoTime(fromMs), to: isoTime(toMs), isContinued };
  await services.register.note({ atMs, actor, action: "subject.access", target: target.value, before: null, after });
  return ok(null);
}

async function tenantsFrom({ register }: Services, place: SubjectPlace | null): Promise<Tenant[]> {
  const after = await register.tenants({ after: place?.tenant ?? null, limit: TENANTS_A_CALL });
  if (place === null || place.seq === null) return after;
  const here = await register.tenant(place.tenant[1]);
  return here === null ? after : [here, ...after];
}

/** Has ledgers bring D1 up to date, in a part of the call's time; those that did not, by their tenant. */
async function flushAll(
  services: Services,
  tenants: readonly Tenant[],
  { endsAtMs }: Budget,
): Promise<ReadonlyMap<string, Failure>> {
  const timeoutMs = Math.min(Math.max(endsAtMs - Date.now(), SHORTEST_FLUSH_MS), LONGEST_FLUSH_MS);
  const away = new Map<string, Failure>();
  await Promise.all(
    tenants.map(async ({ id: tenantId }) => {
      const ledger = { tenantId, mode: "live" } as const;
      const flushed = await callLedger(services.ledgers, ledger, (stub) => stub.flush(), { timeoutMs });
      const isFlushed = flushed.ok && flushed.value.kind === "flushed";
      if (!isFlushed) away.set(tenantId, { code: "ledger_unavailable", retryAfterSeconds: RETRY_SECONDS });
    }),
  );
  return away;
}

type TenantSearch = {
  readonly search: SubjectSearch;
  readonly referencesIn: (tenantId: string) => Promise<readonly string[]>;
  readonly tenant: Tenant;
  readonly from: { readonly seq: number; readonly offset: number };
  readonly budget: Budget;
};

/** A stretch of a ledger's seqs, and where their events are: an archived month is one, what lies between is in D1. */
type Part = { readonly range: SeqRange; readonly archived: StoredStatement | null };

async function searchTenant(
  services: Services,
  { search, referencesIn, tenant, from, budget }: TenantSearch,
): Promise<Found> {
  const references = await referencesIn(tenant.id);
  if (references.length === 0) return { events: [], next: null };
  const events: MeterEvent[] = [];
  for (const part of await partsOf(services, tenant, search)) {
    if (part.range.last < from.seq) continue;
    const isBegun = part.range.first < from.seq;
    const first = Math.max(part.range.first, from.seq);
    const asked = { tenantId: tenant.id, search, references, budget };
    const range = { first, last: part.range.last };
    const found =
      part.archived === null
        ? await searchCopy(services, { ...asked, range })
        : await searchArchive(services, { ...asked, first, offset: isBegun ? from.offset : 0, month: part.archived });
    events.push(...found.events);
    if (found.next !== null) return { events, next: found.next };
  }
  return { events, next: null };
}

/** Months that were archived and cannot hold a lookup of the time asked for are left out. */
async function partsOf(services: Services, tenant: Tenant, { fromMs, toMs }: SubjectSearch): Promise<Part[]> {
  const { id: tenantId, createdAtMs } = tenant;
  const closed = await services.statements.between(tenantId, periodOf(createdAtMs), periodOf(services.clock.nowMs()));
  const archived = closed
    .filter(({ isArchived, firstSeq, lastSeq }) => isArchived && lastSeq >= firstSeq)
    .toSorted((left, right) => left.firstSeq - right.firstSeq);
  const parts: Part[] = [];
  let next = 1;
  for (const month of archived) {
    if (month.firstSeq > next) parts.push({ range: { first: next, last: month.firstSeq - 1 }, archived: null });
    // An event can be a little older than the month that it is in, and never younger.
    const canHold = periodBounds(month.period).endMs > fromMs && periodOf(toMs) >= previousPeriod(month.period);
    if (canHold) parts.push({ range: { first: month.firstSeq, last: month.lastSeq }, archived: month });
    next = month.lastSeq + 1;
  }
  const last = await lastCopiedSeq(services.db, { tenantId, mode: "live" });
  if (last >= next) parts.push({ range: { first: next, last }, archived: null });
  return parts;
}

type PartSearch = {
  readonly tenantId: string;
  readonly search: SubjectSearch;
  readonly references: readonly string[];
  readonly budget: Budget;
};

async function searchCopy(
  services: Services,
  { tenantId, search, references, budget, range }: PartSearch & { range: SeqRange },
): Promise<Found> {
  const events: MeterEvent[] = [];
  for (let first = range.first; first <= range.last;) {
    if (Date.now() > budget.endsAtMs || budget.room === 0) return { events, next: { seq: first, offset: 0 } };
    const stretch = { first, last: Math.min(first + SEQS_A_STATEMENT - 1, range.last) };
    const most = budget.room;
    const found = await readStretch(services, tenantId, { stretch, references, most });
    const wanted = found.filter((event) => isWanted(event, search));
    events.push(...wanted);
    budget.room -= wanted.length;
    // The statement may have left some over: the next one begins after the last that it gave.
    const last = found.length === most ? found.at(-1) : undefined;
    first = (last?.seq ?? stretch.last) + 1;
  }
  return { events, next: null };
}

/** What D1 has lost comes from the ledger. */
async function readStretch(
  services: Services,
  tenantId: string,
  { stretch, references, most }: { stretch: SeqRange; references: readonly string[]; most: number },
): Promise<readonly MeterEvent[]> {
  const ledger = { tenantId, mode: "live" } as const;
  const copied = await lookupsOfPerson(services.db, ledger, { range: stretch, references, most });
  if (copied.isWhole) return copied.events;
  const events: MeterEvent[] = [];
  for await (const page of ledgerEvents(services, ledger, stretch)) {
    events.push(...page.filter((event) => event.kind === "lookup" && isAbout(event, references)));
    if (events.length >= most) break;
  }
  return events.slice(0, most);
}

function isAbout({ cpfReference }: MeterEvent, references: readonly string[]): boolean {
  return cpfReference !== null && references.includes(cpfReference);
}

async function searchArchive(
  services: Services,
  {
    tenantId,
    search,
    references,
    budget,
    first,
    offset,
    month,
  }: PartSearch & { first: number; offset: number; month: StoredStatement },
): Promise<Found> {
  const body = await readEventsFile(services, month.prefix, { offset });
  const events: MeterEvent[] = [];
  let blockOffset = offset;
  let nextSeq = first;
  for await (const { text, endOffset } of lineBlocksOf(body, offset)) {
    if (Date.now() > budget.endsAtMs) return { events, next: { seq: nextSeq, offset: blockOffset } };
    if (references.some((reference) => text.includes(reference))) {
      for (const line of text.split("\n")) {
        if (!references.some((reference) => line.includes(reference))) continue;
        const event = archivedEvent(line, { tenantId, mode: "live" });
        if (event.seq < first || !isWanted(event, search) || !isAbout(event, references)) continue;
        if (budget.room === 0) return { events, next: { seq: event.seq, offset: blockOffset } };
        events.push(event);
        budget.room -= 1;
        nextSeq = event.seq + 1;
      }
    }
    blockOffset = endOffset;
  }
  return { events, next: null };
}
