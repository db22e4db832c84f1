import type { MeterEvent, Mode, Outcome, UsageCounts } from "./meter_event.ts";
import { addExact, MICROS_PER_CENTAVO, roundToCentavos } from "./money.ts";
import { type Period, periodBounds, saoPauloDate, type SaoPauloDate } from "./period.ts";
import { fail, ok, type Result } from "./result.ts";

/**
 * One line of a statement. Lookups are one line for each unit price; adjustments are one line of credits (amounts below
 * zero) and one of charges (the others), without a unit price. The amount is exact in micros and rounded once. A month
 * that came to less than nothing is one line `carried` of the next: it names that month and stands for no event.
 */
export type StatementLine = {
  readonly kind: "lookups" | "credits" | "charges" | "carried";
  readonly quantity: number;
  readonly unitPriceMicros: number | null;
  readonly amountMicros: number;
  readonly amountCentavos: number;
  /** Only a `carried` line has it. */
  readonly carriedFrom?: Period;
};

/** What an earlier month could not give back, in centavos below zero. */
export type CarriedCredit = { readonly from: Period; readonly centavos: number };

/** A day's or a period's ended lookups. Adjustments are not lookups: neither their units nor their amounts are in it. */
type DayCounts = UsageCounts & { readonly date: SaoPauloDate };

/** What one period of one tenant adds up to. An empty period has `last` one below `first`, so that ranges chain. */
export type StatementTotals = {
  readonly seq: { readonly first: number; readonly last: number; readonly count: number };
  readonly counts: UsageCounts;
  readonly days: readonly DayCounts[];
  readonly adjustments: number;
  readonly lines: readonly StatementLine[];
  /** Exact sum of all events: a carried line is none. */
  readonly amountMicros: number;
  /** What is due: the sum of the lines' rounded amounts, and never below zero. */
  readonly amountCentavos: number;
  /** What the lines come to below zero; the next month begins with it. */
  readonly carriedOutCentavos: number;
};

/** Why events are not one complete period of one tenant; `seq` is the first event seen that shows it, where one does. */
export type StatementFailure = {
  readonly name:
    | "tenant_mismatch"
    | "mode_mismatch"
    | "period_mismatch"
    | "amount_mismatch"
    | "sequence_gap"
    | "sequence_repeat";
  readonly seq: number | null;
};

/** Lookups that Claro may charge the operator for, whatever the tenant pays. No partner is shown it. */
export type PossibleCost = { readonly delivered: number; readonly unknown: number; readonly units: number };

export function possibleCostOf({ delivered, unknown }: Pick<UsageCounts, "delivered" | "unknown">): PossibleCost {
  return { delivered, unknown, units: delivered + unknown };
}

type MutableCounts = { -readonly [Name in keyof UsageCounts]: number };
/** Twice what summer time moves the clocks by. */
const RULES_DIFFER_MS = 2 * 3_600_000;

type OpenLine = { quantity: number; amountMicros: number };

const COUNT_OF = {
  delivered: "delivered",
  not_found: "notFound",
  rejected: "rejected",
  failed: "failed",
  unknown: "unknown",
} as const satisfies Record<Outcome, keyof UsageCounts>;

/**
 * Adds up a period event by event, in any order and in memory that does not grow with their number. `firstSeq` is the
 * number after the period before's last one: with it, and the last that was fed, the range has to be without a hole.
 */
export class StatementAccumulator {
  readonly #period: Period;
  readonly #tenantId: string;
  readonly #mode: Mode;
  readonly #firstSeq: number;
  readonly #carriedIn: CarriedCredit | null;
  readonly #counts = zeroCounts();
  readonly #days = new Map<SaoPauloDate, MutableCounts>();
  readonly #lookupsByPrice = new Map<number, OpenLine>();
  readonly #credits: OpenLine = { quantity: 0, amountMicros: 0 };
  readonly #charges: OpenLine = { quantity: 0, amountMicros: 0 };
  #failure: StatementFailure | null = null;
  #events = 0;
  #adjustments = 0;
  #lowest = Number.POSITIVE_INFINITY;
  #highest: number;
  #fingerprint = 0;

  constructor(
    period: Period,
    options: { tenantId: string; firstSeq: number; mode?: Mode; carriedIn?: CarriedCredit | null },
  ) {
    this.#period = period;
    this.#carriedIn = options.carriedIn ?? null;
    this.#tenantId = options.tenantId;
    this.#mode = options.mode ?? "live";
    this.#firstSeq = options.firstSeq;
    this.#highest = options.firstSeq - 1;
  }

  /** Takes one event. One that does not belong here is not added and makes `finish` fail. */
  add(event: MeterEvent): void {
    const date = event.day ?? saoPauloDate(event.occurredAtMs);
    const name = this.#objection(event);
    if (name !== null) {
      this.#failure ??= { name, seq: event.seq };
      return;
    }
    this.#events += 1;
    this.#lowest = Math.min(this.#lowest, event.seq);
    this.#highest = Math.max(this.#highest, event.seq);
    this.#fingerprint = (this.#fingerprint + scatter(event.seq)) >>> 0;
    if (event.kind === "lookup") this.#addLookup(event, date);
    else this.#addAdjustment(event);
  }

  /** The period's totals, or the first thing that keeps the events from being one whole period. */
  finish(): Result<StatementTotals, StatementFailure> {
    const failure = this.#failure ?? this.#sequenceFailure();
    if (failure !== null) return fail(failure);
    const lines = this.#lines();
    const sumCentavos = lines.reduce((sum, line) => addExact(sum, line.amountCentavos), 0);
    return ok({
      seq: { first: this.#firstSeq, last: this.#highest, count: this.#events },
      counts: { ...this.#counts },
      days: [...this.#days]
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([date, counts]) => ({ date, ...counts })),
      adjustments: this.#adjustments,
      lines,
      amountMicros: lines.reduce((sum, line) => addExact(sum, line.kind === "carried" ? 0 : line.amountMicros), 0),
      amountCentavos: Math.max(sumCentavos, 0),
      carriedOutCentavos: Math.min(sumCentavos, 0),
    });
  }

  #objection(event: MeterEvent): StatementFailure["name"] | null {
    if (event.tenantId !== this.#tenantId) return "tenant_mismatch";
    if (event.mode !== this.#mode) return "mode_mismatch";
    if (!isIn(event, this.#period)) return "period_mismatch";
    return event.kind === "lookup" && !addsUp(event) ? "amount_mismatch" : null;
  }

  #addLookup(event: MeterEvent, date: SaoPauloDate): void {
    let day = this.#days.get(date);
    if (day === undefined) this.#days.set(date, (day = zeroCounts()));
    countLookup(this.#counts, event);
    countLookup(day, event);
    if (!event.billed || event.unitPriceMicros === null) return;
    let line = this.#lookupsByPrice.get(event.unitPriceMicros);
    if (line === undefined) this.#lookupsByPrice.set(event.unitPriceMicros, (line = { quantity: 0, amountMicros: 0 }));
    addToLine(line, event);
  }

  #addAdjustment(event: MeterEvent): void {
    this.#adjustments += 1;
    addToLine(event.amountMicros < 0 ? this.#credits : this.#charges, event);
  }

  // As many numbers as the range is long, none outside it and the same fingerprint: no number twice, none missing.
  // Recomputing the fingerprint costs time instead of memory: milliseconds for a million events.
  #sequenceFailure(): StatementFailure | null {
    if (this.#lowest < this.#firstSeq) return { name: "sequence_repeat", seq: this.#lowest };
    const length = this.#highest - this.#firstSeq + 1;
    if (this.#events > length) return { name: "sequence_repeat", seq: null };
    if (this.#events < length) return { name: "sequence_gap", seq: null };
    let expected = 0;
    for (let seq = this.#firstSeq; seq <= this.#highest; seq += 1) expected = (expected + scatter(seq)) >>> 0;
    return expected === this.#fingerprint ? null : { name: "sequence_gap", seq: null };
  }

  #lines(): StatementLine[] {
    const lines = [...this.#lookupsByPrice]
      .toSorted(([left], [right]) => right - left)
      .map(([price, line]) => closeLine("lookups", line, price));
    if (this.#credits.amountMicros !== 0) lines.push(closeLine("credits", this.#credits, null));
    if (this.#charges.quantity !== 0 || this.#charges.amountMicros !== 0) {
      lines.push(closeLine("charges", this.#charges, null));
    }
    if (this.#carriedIn !== null) lines.push(carriedLine(this.#carriedIn));
    return lines;
  }
}

/**
 * The ledger decides an event's period when it happens, and whoever reads it later trusts that: the rules of the time zone
 * may have changed since. Of events from before it was written down, what is further outside than any summer time is no
 * matter of rules.
 */
function isIn(event: MeterEvent, period: Period): boolean {
  if (event.period !== null) return event.period === period;
  const { startMs, endMs } = periodBounds(period);
  return event.occurredAtMs >= startMs - RULES_DIFFER_MS && event.occurredAtMs < endMs + RULES_DIFFER_MS;
}

function addsUp(lookup: MeterEvent): boolean {
  if (!lookup.billed) return lookup.units === 0 && lookup.amountMicros === 0;
  return lookup.units === 1 && lookup.amountMicros === lookup.unitPriceMicros;
}

function countLookup(counts: MutableCounts, event: MeterEvent): void {
  if (event.outcome !== null) counts[COUNT_OF[event.outcome]] += 1;
  counts.billed += event.units;
  counts.amountMicros = addExact(counts.amountMicros, event.amountMicros);
}

function addToLine(line: OpenLine, event: MeterEvent): void {
  line.quantity = addExact(line.quantity, event.units);
  line.amountMicros = addExact(line.amountMicros, event.amountMicros);
}

function closeLine(kind: StatementLine["kind"], line: OpenLine, price: number | null): StatementLine {
  return { kind, ...line, unitPriceMicros: price, amountCentavos: roundToCentavos(line.amountMicros) };
}

function carriedLine({ from, centavos }: CarriedCredit): StatementLine {
  const amountMicros = centavos * MICROS_PER_CENTAVO;
  return {
    kind: "carried",
    quantity: 0,
    unitPriceMicros: null,
    amountMicros,
    amountCentavos: centavos,
    carriedFrom: from,
  };
}

function zeroCounts(): MutableCounts {
  return { delivered: 0, notFound: 0, rejected: 0, failed: 0, unknown: 0, billed: 0, amountMicros: 0 };
}

/** MurmurHash3's finalizer: distinct numbers give unrelated 32-bit values, so that sums of them tell sets apart. */
function scatter(seq: number): number {
  let bits = seq | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
