import type { Outcome, UsageCounts } from "./meter_event.ts";
import { addExact } from "./money.ts";
import { periodBounds } from "./period.ts";
import type { Manifest } from "./statement.ts";
import type { BundleProblem } from "./statement_bundle.ts";

/** What is counted of a line of `events.jsonl`. Files of before there was `units` do not have it. */
type CountedEvent = {
  readonly seq: number;
  readonly occurredAt: string;
  readonly tenantId: string;
  readonly mode: string;
  readonly outcome: Outcome | null;
  readonly billed: boolean;
  readonly units?: number;
  readonly unitPriceMicros: number | null;
  readonly amountMicros: number;
  readonly kind: "lookup" | "adjustment";
};

type Sum = { quantity: number; amountMicros: number };

const COUNT_OF = {
  delivered: "delivered",
  not_found: "notFound",
  rejected: "rejected",
  failed: "failed",
  unknown: "unknown",
} as const satisfies Record<Outcome, keyof UsageCounts>;

/** Twice what summer time moves the clocks by: the rules of time may change after a month, its events do not. */
const RULES_DIFFER_MS = 2 * 3_600_000;

/**
 * Adds a month's events up again, line by line and in memory that does not grow with them, and says where that is not what
 * the manifest says. It knows nothing of how the manifest was made: it reads the file as an auditor would.
 */
export class Recount {
  readonly #manifest: Manifest;
  readonly #startMs: number;
  readonly #endMs: number;
  readonly #counts: Record<keyof UsageCounts, number>;
  readonly #byPrice = new Map<number, Sum>();
  readonly #credits: Sum = { quantity: 0, amountMicros: 0 };
  readonly #charges: Sum = { quantity: 0, amountMicros: 0 };
  #nextSeq: number;
  #lines = 0;
  #adjustments = 0;
  #billed = 0;
  #knowsUnits = true;
  #problem: BundleProblem | null = null;

  constructor(manifest: Manifest) {
    const { startMs, endMs } = periodBounds(manifest.period);
    this.#manifest = manifest;
    this.#startMs = startMs - RULES_DIFFER_MS;
    this.#endMs = endMs + RULES_DIFFER_MS;
    this.#nextSeq = manifest.seq.first;
    this.#counts = { delivered: 0, notFound: 0, rejected: 0, failed: 0, unknown: 0, billed: 0, amountMicros: 0 };
  }

  /** Takes the next line of the file. */
  add(line: string): void {
    this.#lines += 1;
    if (this.#problem !== null) return;
    const event = parseEvent(line);
    const name = event === null ? "events_unreadable" : "events_mismatch";
    if (event !== null && this.#isNext(event)) this.#count(event);
    else this.#problem = { name, subject: `events.jsonl:${this.#lines}` };
  }

  /** What does not hold; nothing where everything does. */
  problems(): BundleProblem[] {
    if (this.#problem !== null) return [this.#problem];
    const { seq, counts, adjustments, totals } = this.#manifest;
    const amountMicros = [...this.#byPrice.values(), this.#credits, this.#charges].reduce(
      (sum, line) => addExact(sum, line.amountMicros),
      0,
    );
    const outcomes = Object.values(COUNT_OF).map((name): [boolean, string] => [
      counts[name] === this.#counts[name],
      `counts.${name}`,
    ]);
    const holds: [boolean, string][] = [
      [this.#nextSeq - 1 === seq.last && this.#lines === seq.count, "seq"],
      ...outcomes,
      [counts.billed === this.#counts.billed || counts.billed === this.#billed, "counts.billed"],
      [counts.amountMicros === this.#counts.amountMicros, "counts.amountMicros"],
      [adjustments === this.#adjustments, "adjustments"],
      [amountMicros === totals.amountMicros, "totals.amountMicros"],
      [this.#areLookupsRight(), "lines.lookups"],
      [this.#isLine("credits", this.#credits), "lines.credits"],
      [this.#isLine("charges", this.#charges), "lines.charges"],
    ];
    return holds.filter(([isRight]) => !isRight).map(([, subject]) => ({ name: "events_mismatch", subject }));
  }

  /** Whether an event is this month's next: the tenant's, live, in order, and its amount its units at their price. */
  #isNext(event: CountedEvent): boolean {
    const { seq, tenantId, mode, amountMicros, unitPriceMicros, kind } = event;
    const occurredAtMs = Date.parse(event.occurredAt);
    if (seq !== this.#nextSeq || tenantId !== this.#manifest.tenantId || mode !== "live") return false;
    if (!(occurredAtMs >= this.#startMs && occurredAtMs < this.#endMs)) return false;
    if (!Number.isSafeInteger(amountMicros) || !Number.isSafeInteger(unitsOf(event))) return false;
    return kind === "adjustment" || amountMicros === unitsOf(event) * (unitPriceMicros ?? 0);
  }

  #count(event: CountedEvent): void {
    this.#nextSeq += 1;
    const units = unitsOf(event);
    this.#knowsUnits &&= event.units !== undefined;
    if (event.kind === "adjustment") {
      this.#adjustments += 1;
      addTo(event.amountMicros < 0 ? this.#credits : this.#charges, units, event.amountMicros);
      return;
    }
    if (event.outcome !== null) this.#counts[COUNT_OF[event.outcome]] += 1;
    this.#counts.billed += units;
    this.#counts.amountMicros = addExact(this.#counts.amountMicros, event.amountMicros);
    if (event.billed) this.#billed += 1;
    if (units === 0 || event.unitPriceMicros === null) return;
    const sum = this.#byPrice.get(event.unitPriceMicros) ?? { quantity: 0, amountMicros: 0 };
    this.#byPrice.set(event.unitPriceMicros, sum);
    addTo(sum, units, event.amountMicros);
  }

  /** What costs nothing may have a line or not. */
  #areLookupsRight(): boolean {
    const lines = this.#manifest.lines.filter(
      ({ kind, unitPriceMicros }) => kind === "lookups" && unitPriceMicros !== 0,
    );
    const counted = [...this.#byPrice].filter(([price]) => price !== 0);
    if (lines.length !== counted.length) return false;
    return lines.every(({ quantity, unitPriceMicros, amountMicros }) => {
      const sum = unitPriceMicros === null ? undefined : this.#byPrice.get(unitPriceMicros);
      return sum?.quantity === quantity && sum.amountMicros === amountMicros;
    });
  }

  #isLine(kind: "credits" | "charges", sum: Sum): boolean {
    const lines = this.#manifest.lines.filter((line) => line.kind === kind);
    const [line = { quantity: 0, amountMicros: 0 }] = lines;
    const isQuantityRight = !this.#knowsUnits || line.quantity === sum.quantity;
    return lines.length <= 1 && line.amountMicros === sum.amountMicros && isQuantityRight;
  }
}

function unitsOf({ kind, billed, units }: CountedEvent): number {
  if (units !== undefined) return units;
  return kind === "lookup" && billed ? 1 : 0;
}

function addTo(sum: Sum, units: number, amountMicros: number): void {
  sum.quantity = addExact(sum.quantity, units);
  sum.amountMicros = addExact(sum.amountMicros, amountMicros);
}

function parseEvent(line: string): CountedEvent | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "seq" in value ? (value as CountedEvent) : null;
  } catch {
    return null;
  }
}
