import { assert, assertPresent } from "./assert.ts";
import { CLOCKS_DIFFER_MS, type ReportRow } from "./claro_report.ts";
import type { Outcome } from "./meter_event.ts";
import { addExact } from "./money.ts";
import { type Period, saoPauloDate, startOfDayMs, startOfNextDayMs } from "./period.ts";
import type { PriceTier } from "./plan.ts";
import { byTime, PlausibleUnknowns, RECORDED_LATE_MS } from "./plausible_unknowns.ts";
import { graduatedAmountMicros, unitPriceMicros } from "./pricing.ts";
import { type Difference, Differences, type DifferencesState, groupOf } from "./reconciliation_differences.ts";

/** What of a lookup is compared. */
export type ReconciledEvent = {
  readonly tenantId: string;
  /** Whom Claro was asked for, which may be another than the tenant has today. */
  readonly customerId: string;
  readonly period: Period;
  readonly seq: number;
  readonly id: string;
  readonly occurredAtMs: number;
  readonly outcome: Outcome;
  readonly amountMicros: number;
  readonly transactionId: string | null;
  /**
   * How it stands to its month's edge. `neighbours`: of the month before or after, which only matters where this report has
   * it. `edge`: so near that a neighbour's report, which has not been compared yet, may have it.
   */
  readonly place: "within" | "edge" | "neighbours";
};

/** An `unknown` that Claro says it answered. */
export type ResolvedUnknown = {
  readonly tenantId: string;
  readonly customerId: string;
  readonly period: Period;
  readonly seq: number;
  readonly lookupId: string;
  readonly occurredAtMs: number;
  /** Null where the report names none: then only the number of its day and customer is certain. */
  readonly transactionId: string | null;
};

/** A lookup near the edge of its month: named by a neighbour's report (`isMatched`), or not yet by any. */
export type EdgeLookup = Pick<ReconciledEvent, "tenantId" | "period" | "seq" | "id" | "occurredAtMs"> & {
  readonly isMatched: boolean;
};

export type Reconciliation = {
  readonly matched: number;
  readonly resolved: readonly ResolvedUnknown[];
  readonly onlyOurs: readonly Difference[];
  readonly onlyClaro: readonly Difference[];
  readonly edges: readonly EdgeLookup[];
  /** Ours less Claro's, in lookups: the quantities of `onlyOurs` less those of `onlyClaro`. */
  readonly deltaQuantity: number;
  /** The same at what Claro charges for so many; null where nobody has said that. */
  readonly deltaCostMicros: number | null;
  /** What Claro charges for the next lookup of that month. */
  readonly unitCostMicros: number | null;
  /** Lookups that only one side has and that nothing explains. */
  readonly unexplained: number;
};

type Unknown = ReconciledEvent & { readonly isResolved: boolean };
type Nameless = { row: ReportRow; count: number; nearStart: number; nearEnd: number };
type Floating = { readonly difference: Difference; readonly otherKey: string };

/** All that a comparison knows between two steps, as JSON. */
export type ReconcilerState = {
  readonly charges: readonly ReportRow[];
  readonly left: readonly ReportRow[];
  readonly nameless: readonly (readonly [string, Nameless])[];
  readonly claros: DifferencesState;
  readonly named: DifferencesState;
  readonly unnamed: DifferencesState;
  readonly floating: readonly Floating[];
  readonly unknowns: readonly Unknown[];
  readonly resolved: readonly ResolvedUnknown[];
  readonly edges: readonly EdgeLookup[];
  readonly matched: number;
};

/**
 * Compares a period's lookups with what Claro says it charges: by transaction where the report names it, else by the
 * number of a São Paulo day and customer; what Claro has beyond that confirms `unknown`s of the customer: of the same day,
 * or, where it has a name, the nearest in time that is plausible. Ids are the same in any case of letters, and days may
 * differ by what the clocks do.
 *
 * A report of any size is compared in parts: the rows of a part are fed, then the events that belong to it (`partOf`), then
 * the part is ended. Within a part rows and events come in any order; the same input gives the same result.
 */
export class Reconciler {
  readonly #charges = new Map<string, ReportRow>();
  /** Named rows of parts that are over, which no event has. */
  readonly #left: ReportRow[] = [];
  readonly #nameless = new Map<string, Nameless>();
  readonly #claros = new Differences();
  /** Delivered lookups that the report does not name, by whether they have a name themselves. */
  readonly #unmatched = { named: new Differences(), nameless: new Differences() };
  /** Nameless ones so near to midnight that Claro may have them on the other day. */
  readonly #floating = new Map<string, Floating[]>();
  readonly #unknowns = new Map<string, Unknown[]>();
  readonly #resolved: ResolvedUnknown[] = [];
  readonly #edges: EdgeLookup[] = [];
  #matched = 0;

  addRow(row: ReportRow): void {
    if (!row.isCharged) return;
    const { transactionId } = row;
    if (transactionId === null) {
      const known = this.#nameless.get(groupOf(row)) ?? { row, count: 0, nearStart: 0, nearEnd: 0 };
      this.#nameless.set(groupOf(row), known);
      // A customer is told as one of its lines writes it, the same one in any order.
      if (row.customerId < known.row.customerId) known.row = row;
      known.count += 1;
      const edge = nearMidnight(row.occurredAtMs, row.date);
      if (edge !== null) known[edge] += 1;
      return;
    }
    const key = transactionId.toLowerCase();
    const [first = row, repeated] = inOrder([this.#charges.get(key) ?? [], row].flat());
    this.#charges.set(key, first);
    if (repeated !== undefined) this.#claros.add(claroDifference(repeated, { reason: "repeated" }));
  }

  /** `earlier` is what an earlier report said of this `unknown`, where one did. */
  addEvent(event: ReconciledEvent, earlier?: { readonly transactionId: string | null }): void {
    const row = this.#take(event.transactionId) ?? this.#take(earlier?.transactionId ?? null);
    if (row !== null) return this.#meet(event, row);
    if (event.outcome === "unknown") {
      // What an earlier report confirmed under a name that this one does not have is no candidate for another.
      if (typeof earlier?.transactionId === "string") return;
      return addTo(this.#unknowns, groupOf(dated(event)), { ...event, isResolved: earlier !== undefined });
    }
    if (event.outcome !== "delivered" || event.place === "neighbours") return;
    if (event.place === "edge") this.#edges.push(edgeOf(event, false));
    const difference = ourDifference(event);
    if (event.transactionId !== null) return this.#unmatched.named.add(difference);
    const otherKey = otherDayOf(event);
    if (otherKey === null) this.#unmatched.nameless.add(difference);
    else addTo(this.#floating, groupOf(difference), { difference, otherKey });
  }

  /** No event of the part's rows comes any more. */
  endPart(): void {
    this.#left.push(...this.#charges.values());
    this.#charges.clear();
  }

  /** The result; `tiers` is what Claro charges, null where nobody has said it. */
  finish(tiers: readonly PriceTier[] | null): Reconciliation {
    this.endPart();
    this.#settleNameless();
    const unknowns = new PlausibleUnknowns([...this.#unknowns.values()].flat());
    for (const row of inOrder(this.#left)) {
      if (this.#unmatched.nameless.take(groupOf(row), 1) === 1) this.#matched += 1;
      else if (!this.#resolve(unknowns.take(row), row.transactionId)) this.#claros.add(claroDifference(row));
    }
    const onlyOurs = [...this.#unmatched.named.list(), ...this.#unmatched.nameless.list()];
    const onlyClaro = this.#claros.list();
    const both = this.#matched + this.#resolved.length;
    const [ours, claros] = [both + quantityOf(onlyOurs), both + quantityOf(onlyClaro)];
    const unexplained = [...onlyOurs, ...onlyClaro].filter(({ reason }) => UNEXPLAINED.has(reason));
    return {
      matched: this.#matched,
      resolved: this.#resolved,
      onlyOurs,
      onlyClaro,
      edges: this.#edges,
      deltaQuantity: ours - claros,
      deltaCostMicros:
        tiers === null ? null : graduatedAmountMicros(tiers, 0, ours) - graduatedAmountMicros(tiers, 0, claros),
      unitCostMicros: tiers === null ? null : unitPriceMicros(tiers, Math.max(claros, 1)),
      unexplained: quantityOf(unexplained),
    };
  }

  save(): ReconcilerState {
    return {
      charges: [...this.#charges.values()],
      left: this.#left,
      nameless: [...this.#nameless],
      claros: this.#claros.save(),
      named: this.#unmatched.named.save(),
      unnamed: this.#unmatched.nameless.save(),
      floating: [...this.#floating.values()].flat(),
      unknowns: [...this.#unknowns.values()].flat(),
      resolved: this.#resolved,
      edges: this.#edges,
      matched: this.#matched,
    };
  }

  static restore(state: ReconcilerState): Reconciler {
    const reconciler = new Reconciler();
    for (const row of state.charges) reconciler.#charges.set(nameOf(row).toLowerCase(), row);
    reconciler.#left.push(...state.left);
    for (const [key, nameless] of state.nameless) reconciler.#nameless.set(key, nameless);
    reconciler.#claros.restore(state.claros);
    reconciler.#unmatched.named.restore(state.named);
    reconciler.#unmatched.nameless.restore(state.unnamed);
    for (const each of state.floating) addTo(reconciler.#floating, groupOf(each.difference), each);
    for (const unknown of state.unknowns) {
      addTo(reconciler.#unknowns, groupOf(dated(unknown)), unknown);
    }
    reconciler.#resolved.push(...state.resolved);
    reconciler.#edges.push(...state.edges);
    reconciler.#matched = state.matched;
    return reconciler;
  }

  #take(transactionId: string | null): ReportRow | null {
    const key = transactionId?.toLowerCase();
    const row = key === undefined ? undefined : this.#charges.get(key);
    if (row === undefined || key === undefined) return null;
    this.#charges.delete(key);
    return row;
  }

  /** Both sides know the transaction. */
  #meet(event: ReconciledEvent, row: ReportRow): void {
    const { tenantId, id: lookupId, outcome } = event;
    if (event.place !== "within") this.#edges.push(edgeOf(event, true));
    if (outcome === "delivered") this.#matched += 1;
    else if (outcome === "unknown") this.#resolve(event, row.transactionId);
    else this.#claros.add(claroDifference(row, { reason: "not_delivered", tenantId, lookupId, outcome }));
  }

  /** First what is of the same day, then what is of the other side of a midnight, then `unknown`s. */
  #settleNameless(): void {
    // Day by day and by time, in whatever order rows and events came: a day takes what the next one has too much of.
    const nameless = [...this.#nameless].toSorted(([one], [other]) => (one < other ? -1 : 1));
    for (const floating of this.#floating.values()) floating.sort(byOtherDay);
    for (const unknowns of this.#unknowns.values()) unknowns.sort(byTime);
    const left = new Map<string, number>();
    const leftOf = (key: string) => assertPresent(left.get(key), "a day and customer was not counted");
    for (const [key, { count }] of nameless) {
      let open = count - this.#unmatched.nameless.take(key, count);
      open -= take(this.#floating, key, open).length;
      open -= this.#unmatched.named.take(key, open);
      this.#matched += count - open;
      left.set(key, open);
    }
    const ofOtherDay = new Map<string, Floating[]>();
    for (const each of [...this.#floating.values()].flat()) addTo(ofOtherDay, each.otherKey, each);
    for (const [key, { nearStart, nearEnd }] of nameless) {
      const open = leftOf(key);
      const taken = take(ofOtherDay, key, Math.min(open, nearStart + nearEnd)).length;
      this.#matched += taken;
      left.set(key, open - taken);
    }
    for (const { difference } of [...ofOtherDay.values()].flat()) this.#unmatched.nameless.add(difference);
    this.#floating.clear();
    for (const [key, { row }] of nameless) {
      let quantity = leftOf(key);
      while (quantity > 0 && this.#resolve(this.#takeUnknown(key, row), null)) quantity -= 1;
      if (quantity > 0) this.#claros.add(claroDifference(row, { quantity }));
    }
  }

  /**
   * An `unknown` of a day and customer: first one that a report without names has confirmed before. One that was recorded
   * soon after midnight may have been asked for before it.
   */
  #takeUnknown(key: string, { date, customerId }: ReportRow): Unknown | undefined {
    const unknowns = this.#unknowns.get(key) ?? [];
    const index = Math.max(
      unknowns.findIndex(({ isResolved }) => isResolved),
      0,
    );
    const [found] = unknowns.splice(index, 1);
    if (found !== undefined) return found;
    const nextDayMs = startOfNextDayMs(date);
    const nextDay = this.#unknowns.get(groupOf({ date: saoPauloDate(nextDayMs), customerId })) ?? [];
    const late = nextDay.findIndex(({ occurredAtMs }) => occurredAtMs < nextDayMs + RECORDED_LATE_MS);
    return late === -1 ? undefined : nextDay.splice(late, 1)[0];
  }

  #resolve(unknown: ReconciledEvent | undefined, transactionId: string | null): boolean {
    if (unknown === undefined) return false;
    const { tenantId, customerId, period, seq, id: lookupId, occurredAtMs } = unknown;
    this.#resolved.push({ tenantId, customerId, period, seq, lookupId, occurredAtMs, transactionId });
    return true;
  }
}

const UNEXPLAINED: ReadonlySet<Difference["reason"]> = new Set(["not_in_report", "unknown_to_us"]);

/** Which of `parts` parts of a report a transaction belongs to; what has no name belongs to the first. */
export function partOf(transactionId: string | null, parts: number): number {
  if (transactionId === null || parts === 1) return 0;
  let hash = 0x811c9dc5;
  for (const character of transactionId.toLowerCase()) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0) % parts;
}

function addTo<Value>(groups: Map<string, Value[]>, key: string, value: Value): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}

/** Removes up to `wanted` of a group. */
function take<Value>(groups: Map<string, Value[]>, key: string, wanted: number): Value[] {
  return wanted <= 0 ? [] : (groups.get(key)?.splice(0, wanted) ?? []);
}

function byOtherDay(left: Floating, right: Floating): number {
  return orderOf(left) < orderOf(right) ? -1 : 1;
}

function orderOf({ otherKey, difference }: Floating): string {
  return `${otherKey}\n${difference.lookupId}`;
}

/** Rows without a name are counted by day and customer, and are never among the charges. */
function nameOf({ transactionId }: ReportRow): string {
  assert(transactionId !== null, "a charge of a comparison has no name");
  return transactionId;
}

function nearMidnight(ms: number, date: ReportRow["date"]): "nearStart" | "nearEnd" | null {
  if (ms - startOfDayMs(date) < CLOCKS_DIFFER_MS) return "nearStart";
  return startOfNextDayMs(date) - ms <= CLOCKS_DIFFER_MS ? "nearEnd" : null;
}

/** The group of the other day that a nameless lookup may be charged on; null where it is not near to a midnight. */
function otherDayOf({ occurredAtMs, customerId }: ReconciledEvent): string | null {
  const date = saoPauloDate(occurredAtMs);
  const edge = nearMidnight(occurredAtMs, date);
  if (edge === null) return null;
  const otherMs = edge === "nearStart" ? startOfDayMs(date) - 1 : startOfNextDayMs(date);
  return groupOf({ date: saoPauloDate(otherMs), customerId });
}

function edgeOf({ tenantId, period, seq, id, occurredAtMs }: ReconciledEvent, isMatched: boolean): EdgeLookup {
  return { tenantId, period, seq, id, occurredAtMs, isMatched };
}

function claroDifference(
  row: ReportRow,
  known: Partial<Pick<Difference, "reason" | "tenantId" | "lookupId" | "outcome" | "quantity">> = {},
): Difference {
  const { date, customerId, transactionId } = row;
  const unknown = { reason: "unknown_to_us", tenantId: null, lookupId: null, outcome: null, quantity: 1 } as const;
  return { ...unknown, ...known, date, customerId, transactionId, amountMicros: 0 };
}

function ourDifference(event: ReconciledEvent): Difference {
  const { tenantId, customerId, id: lookupId, outcome, transactionId, amountMicros, place } = event;
  const { date } = dated(event);
  const ours = { tenantId, lookupId, outcome, transactionId, amountMicros };
  return { reason: place === "edge" ? "near_month_end" : "not_in_report", date, customerId, ...ours, quantity: 1 };
}

function dated({ occurredAtMs, customerId }: ReconciledEvent): { date: string; customerId: string } {
  return { date: saoPauloDate(occurredAtMs), customerId };
}

function inOrder(rows: Iterable<ReportRow>): ReportRow[] {
  return [...rows].toSorted(
    (left, right) =>
      left.occurredAtMs - right.occurredAtMs ||
      compare(left.transactionId ?? "", right.transactionId ?? "") ||
      compare(left.customerId, right.customerId),
  );
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function quantityOf(differences: readonly Difference[]): number {
  return differences.reduce((sum, difference) => addExact(sum, difference.quantity), 0);
}
