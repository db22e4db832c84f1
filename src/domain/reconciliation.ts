import type { ReportRow } from "./claro_report.ts";
import type { Outcome } from "./meter_event.ts";
import { addExact } from "./money.ts";
import { saoPauloDate } from "./period.ts";
import { PlausibleUnknowns } from "./plausible_unknowns.ts";
import { type Difference, Differences, groupOf } from "./reconciliation_differences.ts";

/** What of a lookup is compared. */
export type ReconciledEvent = {
  readonly tenantId: string;
  readonly customerId: string;
  readonly seq: number;
  readonly id: string;
  readonly occurredAtMs: number;
  readonly outcome: Outcome;
  readonly amountMicros: number;
  readonly transactionId: string | null;
};

/** An `unknown` that Claro says it answered. */
export type ResolvedUnknown = {
  readonly tenantId: string;
  readonly customerId: string;
  readonly seq: number;
  readonly lookupId: string;
  readonly occurredAtMs: number;
  /** Null where the report names none: then only the number of its day and customer is certain. */
  readonly transactionId: string | null;
};

export type Reconciliation = {
  readonly matched: number;
  readonly resolved: readonly ResolvedUnknown[];
  readonly onlyOurs: readonly Difference[];
  readonly onlyClaro: readonly Difference[];
  /** Ours less Claro's, in lookups: the quantities of `onlyOurs` less those of `onlyClaro`. */
  readonly delta: number;
  readonly deltaAmountMicros: number;
};

type Unknown = ReconciledEvent & { readonly isResolved: boolean };

/**
 * Compares a period's lookups with what Claro says it charges: by transaction where the report names it, else by the
 * number of a São Paulo day and customer; what Claro has beyond that confirms `unknown`s of the customer: of the same day,
 * or, where it has a name, the nearest in time that is plausible. Rows are fed first, in any order, events after them,
 * tenant by tenant in the order of `seq`; the same input gives the same result.
 */
export class Reconciler {
  readonly #charges = new Map<string, ReportRow>();
  readonly #nameless = new Map<string, { row: ReportRow; count: number }>();
  readonly #claros = new Differences();
  /** Delivered lookups that the report does not name, by whether they have a name themselves. */
  readonly #unmatched = { named: new Differences(), nameless: new Differences() };
  readonly #unknowns = new Map<string, Unknown[]>();
  readonly #resolved: ResolvedUnknown[] = [];
  #matched = 0;

  addRow(row: ReportRow): void {
    if (!row.isCharged) return;
    const { transactionId } = row;
    if (transactionId === null) {
      const known = this.#nameless.get(groupOf(row));
      if (known === undefined) this.#nameless.set(groupOf(row), { row, count: 1 });
      else known.count += 1;
      return;
    }
    const [first = row, repeated] = inOrder([this.#charges.get(transactionId) ?? [], row].flat());
    this.#charges.set(transactionId, first);
    if (repeated !== undefined) this.#claros.add(claroDifference(repeated, { reason: "repeated" }));
  }

  /** `earlier` is what an earlier report said of this `unknown`, where one did. */
  addEvent(event: ReconciledEvent, earlier?: { readonly transactionId: string | null }): void {
    const row = this.#take(event.transactionId) ?? this.#take(earlier?.transactionId ?? null);
    if (row !== null) return this.#meet(event, row);
    if (event.outcome === "unknown") {
      // What an earlier report confirmed under a name that this one does not have is no candidate for another.
      if (typeof earlier?.transactionId === "string") return;
      const key = groupOf(dated(event));
      const unknowns = this.#unknowns.get(key) ?? [];
      unknowns.push({ ...event, isResolved: earlier !== undefined });
      this.#unknowns.set(key, unknowns);
    } else if (event.outcome === "delivered") {
      const side = event.transactionId === null ? this.#unmatched.nameless : this.#unmatched.named;
      side.add(ourDifference(event));
    }
  }

  /** The result; `priceOf` says what a tenant pays for a lookup that only Claro has, in micros. */
  finish(priceOf: (customerId: string) => number): Reconciliation {
    for (const [key, { row, count }] of this.#nameless) this.#settleNameless(key, row, count);
    const unknowns = new PlausibleUnknowns([...this.#unknowns.values()].flat());
    for (const row of inOrder(this.#charges.values())) {
      if (this.#unmatched.nameless.take(groupOf(row), 1) === 1) this.#matched += 1;
      else if (!this.#resolve(unknowns.take(row), row.transactionId)) this.#claros.add(claroDifference(row));
    }
    const onlyOurs = [...this.#unmatched.named.list(), ...this.#unmatched.nameless.list()];
    const onlyClaro = this.#claros
      .list()
      .map((difference) => ({ ...difference, amountMicros: difference.quantity * priceOf(difference.customerId) }));
    return {
      matched: this.#matched,
      resolved: this.#resolved,
      onlyOurs,
      onlyClaro,
      delta: sumOf(onlyOurs, "quantity") - sumOf(onlyClaro, "quantity"),
      deltaAmountMicros: sumOf(onlyOurs, "amountMicros") - sumOf(onlyClaro, "amountMicros"),
    };
  }

  #take(transactionId: string | null): ReportRow | null {
    const row = transactionId === null ? undefined : this.#charges.get(transactionId);
    if (row === undefined || transactionId === null) return null;
    this.#charges.delete(transactionId);
    return row;
  }

  /** Both sides know the transaction. */
  #meet(event: ReconciledEvent, row: ReportRow): void {
    const { tenantId, id: lookupId, outcome } = event;
    if (outcome === "delivered") this.#matched += 1;
    else if (outcome === "unknown") this.#resolve(event, row.transactionId);
    else this.#claros.add(claroDifference(row, { reason: "not_delivered", tenantId, lookupId, outcome }));
  }

  #settleNameless(key: string, row: ReportRow, count: number): void {
    const nameless = this.#unmatched.nameless.take(key, count);
    const matched = nameless + this.#unmatched.named.take(key, count - nameless);
    this.#matched += matched;
    let left = count - matched;
    while (left > 0 && this.#resolve(this.#takeUnknown(key), null)) left -= 1;
    if (left > 0) this.#claros.add(claroDifference(row, { quantity: left }));
  }

  /** An `unknown` of a day and customer: first one that a report without names has confirmed before. */
  #takeUnknown(key: string): Unknown | undefined {
    const unknowns = this.#unknowns.get(key) ?? [];
    const index = Math.max(
      unknowns.findIndex(({ isResolved }) => isResolved),
      0,
    );
    return unknowns.splice(index, 1)[0];
  }

  #resolve(unknown: ReconciledEvent | undefined, transactionId: string | null): boolean {
    if (unknown === undefined) return false;
    const { tenantId, customerId, seq, id: lookupId, occurredAtMs } = unknown;
    this.#resolved.push({ tenantId, customerId, seq, lookupId, occurredAtMs, transactionId });
    return true;
  }
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
  const { tenantId, customerId, id: lookupId, outcome, transactionId, amountMicros } = event;
  const { date } = dated(event);
  const ours = { tenantId, lookupId, outcome, transactionId, amountMicros };
  return { reason: "not_in_report", date, customerId, ...ours, quantity: 1 };
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

function sumOf(differences: readonly Difference[], field: "quantity" | "amountMicros"): number {
  return differences.reduce((sum, difference) => addExact(sum, difference[field]), 0);
}
