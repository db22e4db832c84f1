import type { JournalEntry } from "../../src/ctl/sandbox/journal.ts";
import type { Cpf } from "../../src/domain/cpf.ts";
import { holdsCpf, looksLikeCpf } from "../../src/domain/cpf_like.ts";
import { usesAllowance } from "../../src/domain/ledger/limits.ts";
import type { Outcome } from "../../src/domain/meter_event.ts";
import { formatMicros } from "../../src/domain/money.ts";
import type { PriceTier } from "../../src/domain/plan.ts";
import { unitPriceMicros } from "../../src/domain/pricing.ts";
import type { ClientLookup } from "./clients.ts";
import type { CopiedEvent, LedgerOnDisk } from "./records.ts";
import type { Suspension } from "./suspensions.ts";

/** The three records, and what each can be compared by: a lookup's CPF, its reference in the ledger, its ids. */
export type Records = {
  readonly lookups: readonly TracedLookup[];
  readonly calls: readonly JournalEntry[];
  /** Of lookups. */
  readonly events: readonly CopiedEvent[];
  /** Charges that were taken back. */
  readonly adjustments: readonly CopiedEvent[];
  readonly ledgers: readonly LedgerOnDisk[];
  /** What is wrong with ledgers that cannot be read. */
  readonly unreadable: readonly string[];
  readonly suspensions: readonly Suspension[];
  /** Calls to Claro that still wait in D1 for their ledgers. */
  readonly strayCalls: number;
  /** By tenant; why it could not be had, where it could not. */
  readonly usage: ReadonlyMap<string, UsageTotals | string>;
  readonly tiers: readonly PriceTier[];
  /** Tenant to the most lookups that it may use up. */
  readonly allowances: ReadonlyMap<string, number>;
};

/** A client's lookup with all that the others know of it. */
export type TracedLookup = ClientLookup & {
  /** Names the lookup in a report, where the CPF must not stand. */
  readonly name: string;
  readonly events: readonly CopiedEvent[];
  readonly calls: readonly JournalEntry[];
};

export type UsageTotals = Readonly<Record<Exclude<Outcome, "not_found"> | "notFound" | "billed", number>> & {
  readonly amount: string;
};

export type Violation = { readonly invariant: string; readonly subject: string; readonly what: string };

/** As many as one event may stand for: the first call, one with the token's successor, one after a 5xx. */
const MOST_CALLS_AN_EVENT = 3;

/** Everything that is wrong, by the numbers of the ledger's invariants. */
export function findViolations(records: Records): Violation[] {
  const checks: readonly (readonly [string, (records: Records) => Iterable<readonly [string, string]>])[] = [
    ["1 an answer has its event", answersWithoutEvent],
    ["1 an event's answer could be sent", chargesWithoutAnswer],
    ["1 what a client was told is what was recorded", toldOtherwise],
    ["1 a charge is taken back once, whole, and from whom was given no answer", wrongWithdrawals],
    ["2 a call has its event", callsWithoutEvent],
    ["2 what Claro delivered is delivered or unknown", deliveriesTakenBack],
    ["3 an intent ends once", repeatedEnds],
    ["4 a key is charged once", repeatedCharges],
    ["5 seq has no holes", holes],
    ["6 D1 has what the objects have", unflushed],
    ["7 never more than the allowance", overdrafts],
    ["8 usage is the sum of the events", usageDifferences],
    ["9 prices follow the tiers", wrongPrices],
    ["11 a suspension holds when its call returns", callsWhileSuspended],
  ];
  return checks.flatMap(([invariant, check]) => {
    return [...check(records)].map(([subject, what]) => ({ invariant, subject, what }));
  });
}

type Finding = readonly [subject: string, what: string];

/** The transaction of a call as the gateway keeps it: none that could be taken for a CPF, which one UUID in 4,000 can. */
function keptTransaction({ transactionId }: JournalEntry, cpf: Cpf): string | null {
  if (transactionId === null || looksLikeCpf(transactionId) || holdsCpf(transactionId, cpf)) return null;
  return transactionId;
}

function* answersWithoutEvent({ lookups }: Records): Iterable<Finding> {
  for (const lookup of lookups) {
    for (const { answer } of lookup.attempts) {
      if (answer === null) continue;
      const event = lookup.events.find(({ id }) => id === answer.id);
      const call = lookup.calls.find((one) => keptTransaction(one, lookup.cpf) === answer.transactionId);
      if (event?.outcome !== "delivered") yield [answer.id, `answered 200, recorded as ${event?.outcome ?? "nothing"}`];
      if (event !== undefined && event.transaction_id !== answer.transactionId) {
        yield [answer.id, "the event has another transaction id than the answer"];
      }
      if (call?.score !== answer.score) yield [answer.id, "the score is not the one that Claro delivered"];
    }
  }
}

function* chargesWithoutAnswer({ lookups, events, adjustments }: Records): Iterable<Finding> {
  const known = new Set(lookups.flatMap((lookup) => lookup.events));
  for (const event of events) if (!known.has(event)) yield [event.id, "an event of a lookup that no client made"];
  const withdrawn = new Set(adjustments.map(({ corrects }) => corrects));
  for (const lookup of lookups) {
    for (const event of lookup.events) {
      if (event.outcome !== "delivered") {
        if (event.billed !== 0 || event.amount_micros !== 0) yield [event.id, `${event.outcome}, but charged`];
        continue;
      }
      const wasTold = lookup.attempts.some(({ answer }) => answer?.id === event.id);
      const mayHaveBeenTold = lookup.attempts.some(({ status }) => status === null);
      if (!wasTold && !mayHaveBeenTold && !withdrawn.has(event.id))
        yield [event.id, "charged, but its client was told something else"];
      const call = lookup.calls.find(
        (one) => one.score !== null && keptTransaction(one, lookup.cpf) === event.transaction_id,
      );
      if (call === undefined || call.score === null) yield [event.id, "charged, but Claro delivered no such score"];
    }
  }
}

/** By status, what a lookup may have been recorded as; null for no event at all. */
const RECORDED_AS: Readonly<Record<string, readonly (string | null)[]>> = {
  "200": ["delivered"],
  "404": ["not_found"],
  "400": ["rejected"],
  "504": ["unknown"],
  "502": ["failed"],
  "503": ["failed", null],
  // Claro may have been asked on a grant, side by side with the admission that then refused.
  "429": [null, "unknown", "failed"],
  "403": [null, "unknown", "failed"],
  "401": [null, "unknown", "failed"],
};

function* toldOtherwise({ lookups, adjustments }: Records): Iterable<Finding> {
  const withdrawn = new Set(adjustments.map(({ corrects }) => corrects));
  for (const lookup of lookups) {
    const [attempt] = lookup.attempts;
    if (lookup.idempotencyKey !== null || attempt === undefined || attempt.status === null) continue;
    const [event] = lookup.events;
    const outcome = event?.outcome ?? null;
    if (attempt.code === "ledger_unavailable") {
      // Its client was told that nobody knows what was recorded. Whatever it is, it may cost nothing: a settlement whose
      // reply was lost for good is there, with what Claro answered, and its charge has been taken back (invariant 1).
      if (outcome !== "delivered" || withdrawn.has(event?.id ?? "")) continue;
    } else {
      const allowed = RECORDED_AS[String(attempt.status)] ?? [];
      if (allowed.includes(outcome)) continue;
    }
    yield [lookup.name, `told ${attempt.status} ${attempt.code ?? ""}, recorded as ${outcome ?? "nothing"}`];
  }
}

function* wrongWithdrawals({ lookups, adjustments }: Records): Iterable<Finding> {
  const charges = new Map(lookups.flatMap((lookup) => lookup.events.map((event) => [event.id, { lookup, event }])));
  const seen = new Set<string>();
  for (const { id, corrects, amount_micros: amountMicros, units } of adjustments) {
    const charge = charges.get(corrects ?? "");
    if (charge === undefined) {
      yield [id, "takes back a charge that is not there"];
      continue;
    }
    const { lookup, event } = charge;
    if (seen.has(event.id)) yield [event.id, "its charge was taken back twice"];
    seen.add(event.id);
    if (amountMicros !== -event.amount_micros || units !== -event.units) {
      yield [event.id, `charged ${event.amount_micros} micros, of which ${-amountMicros} were taken back`];
    }
    if (lookup.attempts.some(({ answer }) => answer?.id === event.id)) {
      yield [event.id, "its charge was taken back, but its score was answered"];
    }
  }
}

function* callsWithoutEvent({ lookups, calls: allCalls, ledgers, strayCalls }: Records): Iterable<Finding> {
  const known = new Set(lookups.flatMap((lookup) => lookup.calls));
  const strange = allCalls.filter((call) => !known.has(call)).length;
  if (strange > 0) yield ["the sandbox's journal", `${strange} calls for CPFs that no client asked for`];
  for (const lookup of lookups) {
    if (wasCutShort(lookup)) continue;
    if (lookup.calls.length > 0 && lookup.events.length === 0)
      yield [lookup.name, "Claro was called without an intent"];
    if (lookup.calls.length > lookup.events.length * MOST_CALLS_AN_EVENT) {
      yield [lookup.name, `${lookup.calls.length} calls to Claro, ${lookup.events.length} events`];
    }
    for (const event of lookup.events) {
      if (event.outcome !== "not_found" && event.outcome !== "rejected") continue;
      const status = event.outcome === "not_found" ? 404 : 400;
      // The body of a 400 is not read, and that of a 404 only while there is time: their events may have no transaction.
      const calls = lookup.calls.filter(
        ({ transactionId }) => event.transaction_id === null || transactionId === event.transaction_id,
      );
      if (!calls.some((call) => call.status === status))
        yield [event.id, `${event.outcome}, but Claro did not answer ${status}`];
    }
  }
  if (strayCalls > 0) yield ["D1", `${strayCalls} calls still wait for their ledgers`];
  for (const { tenantId, mode, openIntents } of ledgers) {
    if (openIntents > 0) yield [`${tenantId}:${mode}`, `${openIntents} intents are still open`];
  }
}

/**
 * A lookup in flight at a kill, whose intent and call to Claro left together on a grant: only the call may have
 * arrived. Reconciliation shows those; one that was answered, or may be asked again, is never among them.
 */
export function wasCutShort({ attempts, events, calls, idempotencyKey }: TracedLookup): boolean {
  const isUnanswered = attempts.length === 1 && attempts[0]?.status === null;
  return isUnanswered && idempotencyKey === null && events.length === 0 && calls.length > 0;
}

function* deliveriesTakenBack({ lookups }: Records): Iterable<Finding> {
  for (const lookup of lookups) {
    if (wasCutShort(lookup)) continue;
    const delivered = lookup.calls.filter(({ score, finished }) => score !== null && finished).length;
    const counted = lookup.events.filter(({ outcome }) => outcome === "delivered" || outcome === "unknown").length;
    if (delivered > counted) yield [lookup.name, `Claro delivered ${delivered} times, the ledger has ${counted}`];
  }
}

function* repeatedEnds({ events, lookups }: Records): Iterable<Finding> {
  const ids = new Set<string>();
  for (const { id } of events) {
    if (ids.has(id)) yield [id, "has two events"];
    ids.add(id);
  }
  for (const lookup of lookups) {
    if (lookup.idempotencyKey === null && lookup.events.length > 1) {
      yield [lookup.name, `one request, ${lookup.events.length} events`];
    }
  }
}

function* repeatedCharges({ lookups }: Records): Iterable<Finding> {
  for (const lookup of lookups) {
    if (lookup.idempotencyKey === null) continue;
    const kept = lookup.events.filter(({ outcome }) => outcome !== "failed").length;
    if (kept > 1) yield [lookup.name, `one idempotency key, ${kept} lookups that may cost`];
    const answers = new Set(
      lookup.attempts.flatMap(({ answer }) => {
        return answer === null ? [] : [JSON.stringify([answer.id, answer.score, answer.transactionId])];
      }),
    );
    if (answers.size > 1) yield [lookup.name, `one idempotency key, ${answers.size} different answers`];
  }
}

function* holes({ events: lookups, adjustments, ledgers, unreadable }: Records): Iterable<Finding> {
  for (const problem of unreadable) yield ["a ledger on disk", problem];
  const events = [...lookups, ...adjustments].toSorted((left, right) => left.seq - right.seq);
  for (const { tenantId, mode, flushedThrough, keptSeqs } of ledgers) {
    const copied = events.filter((event) => event.tenant_id === tenantId && event.mode === mode);
    const hole = copied.findIndex(({ seq }, index) => seq !== index + 1);
    if (hole !== -1) yield [copied[hole]?.id ?? "", `seq ${copied[hole]?.seq} stands at place ${hole + 1} in D1`];
    const kept = keptSeqs.findIndex((seq, index) => seq !== (keptSeqs[0] ?? 0) + index);
    if (kept !== -1) yield [`${tenantId}:${mode}`, `the object has a hole before seq ${keptSeqs[kept]}`];
    const last = keptSeqs.at(-1) ?? flushedThrough;
    if (last < flushedThrough) continue;
    if ((keptSeqs[0] ?? flushedThrough) > flushedThrough + 1) {
      yield [`${tenantId}:${mode}`, `events after seq ${flushedThrough} are missing in the object`];
    }
  }
}

function* unflushed({ events: lookups, adjustments, ledgers }: Records): Iterable<Finding> {
  const events = [...lookups, ...adjustments];
  for (const { tenantId, mode, flushedThrough, keptSeqs } of ledgers) {
    const copied = events.filter((event) => event.tenant_id === tenantId && event.mode === mode).length;
    const last = Math.max(flushedThrough, keptSeqs.at(-1) ?? 0);
    if (flushedThrough !== last) yield [`${tenantId}:${mode}`, `${last - flushedThrough} events wait in the object`];
    if (copied !== last) yield [`${tenantId}:${mode}`, `D1 has ${copied} events, the object made ${last}`];
  }
}

function* overdrafts({ events, allowances }: Records): Iterable<Finding> {
  for (const [tenantId, allowance] of allowances) {
    const used = events.filter((event) => event.tenant_id === tenantId && usesAllowance(event.outcome as Outcome));
    if (used.length > allowance) yield [tenantId, `${used.length} lookups of an allowance of ${allowance}`];
  }
}

function* usageDifferences({ events, usage }: Records): Iterable<Finding> {
  for (const [tenantId, totals] of usage) {
    if (typeof totals === "string") {
      yield [tenantId, totals];
      continue;
    }
    const own = events.filter((event) => event.tenant_id === tenantId);
    const count = (outcome: string) => own.filter((event) => event.outcome === outcome).length;
    const expected: UsageTotals = {
      delivered: count("delivered"),
      notFound: count("not_found"),
      rejected: count("rejected"),
      failed: count("failed"),
      unknown: count("unknown"),
      billed: own.reduce((sum, event) => sum + event.billed, 0),
      amount: formatMicros(own.reduce((sum, event) => sum + event.amount_micros, 0)),
    };
    for (const name of Object.keys(expected) as (keyof UsageTotals)[]) {
      if (expected[name] !== totals[name]) {
        yield [tenantId, `usage says ${name} ${totals[name]}, the events say ${expected[name]}`];
      }
    }
  }
}

function* wrongPrices({ events, tiers }: Records): Iterable<Finding> {
  const billed = new Map<string, number>();
  for (const event of events) {
    if (event.billed === 0) continue;
    const position = (billed.get(event.tenant_id) ?? 0) + 1;
    billed.set(event.tenant_id, position);
    const price = unitPriceMicros(tiers, position);
    if (event.unit_price_micros !== price) yield [event.id, `costs ${event.unit_price_micros}, not ${price} micros`];
  }
}

/** Calls for lookups that were asked for after the answer that their tenant is suspended, before it was let work again. */
function* callsWhileSuspended({ lookups, suspensions }: Records): Iterable<Finding> {
  for (const { tenantId, fromMs, untilMs } of suspensions) {
    for (const lookup of lookups) {
      if (lookup.partner.tenantId !== tenantId || lookup.calls.length === 0) continue;
      if (lookup.attempts.every(({ sentAtMs, endedAtMs }) => sentAtMs > fromMs && endedAtMs < untilMs)) {
        yield [lookup.name, "Claro was asked for a suspended tenant"];
      }
    }
  }
}
