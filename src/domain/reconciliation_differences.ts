import type { Outcome } from "./meter_event.ts";
import { addExact } from "./money.ts";

/** One thing that only one side has, or several of one day and customer that cannot be told apart. */
export type Difference = {
  readonly reason:
    | "not_in_report"
    /** As that, and so near to the month's start or end that the neighbour's report may have it, which is not here yet. */
    | "near_month_end"
    | "unknown_to_us"
    /** Claro lists one transaction more than once. */
    | "repeated"
    /** Claro delivered it, and it ended otherwise here. */
    | "not_delivered";
  readonly date: string;
  readonly customerId: string;
  readonly tenantId: string | null;
  readonly lookupId: string | null;
  readonly outcome: Outcome | null;
  readonly transactionId: string | null;
  readonly quantity: number;
  /** Ours: what the tenant was charged. Claro's: 0. */
  readonly amountMicros: number;
};

/** So many are listed one by one on each side; what is more is summed up by day, customer, tenant and price. */
const LISTED_ONE_BY_ONE = 50_000;

type Summed = { difference: Difference; readonly eachMicros: number };
type Group = { readonly listed: Difference[]; readonly summed: Map<string, Summed> };

/** As it is kept between two steps. */
export type DifferencesState = readonly (readonly [
  key: string,
  listed: readonly Difference[],
  summed: readonly (readonly [string, Summed])[],
])[];

/** What cannot be compared by name is compared by this. */
export function groupOf({ date, customerId }: { readonly date: string; readonly customerId: string }): string {
  return `${date}\n${customerId.toLowerCase()}`;
}

/** Differences in memory that does not grow with their number. */
export class Differences {
  readonly #groups = new Map<string, Group>();
  #listed = 0;

  add(difference: Difference): void {
    const key = groupOf(difference);
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = { listed: [], summed: new Map() }));
    if (this.#listed < LISTED_ONE_BY_ONE) {
      group.listed.push(difference);
      this.#listed += 1;
      return;
    }
    const { reason, tenantId, outcome, quantity, amountMicros } = difference;
    const eachMicros = amountMicros / quantity;
    const alike = [reason, tenantId, outcome, eachMicros].join(" ");
    const before = group.summed.get(alike)?.difference;
    group.summed.set(alike, {
      eachMicros,
      difference: {
        ...difference,
        lookupId: null,
        transactionId: null,
        quantity: quantity + (before?.quantity ?? 0),
        amountMicros: addExact(amountMicros, before?.amountMicros ?? 0),
      },
    });
  }

  /** Removes up to `wanted` lookups of a group, and says how many there were. Each entry must be one lookup. */
  take(key: string, wanted: number): number {
    const group = this.#groups.get(key);
    let left = wanted;
    if (group === undefined) return 0;
    for (const [alike, { difference, eachMicros }] of group.summed) {
      const quantity = Math.max(difference.quantity - left, 0);
      left -= difference.quantity - quantity;
      if (quantity === 0) group.summed.delete(alike);
      else {
        const rest = { ...difference, quantity, amountMicros: quantity * eachMicros };
        group.summed.set(alike, { eachMicros, difference: rest });
      }
    }
    const listed = group.listed.splice(Math.max(group.listed.length - left, 0));
    this.#listed -= listed.length;
    return wanted - left + listed.length;
  }

  save(): DifferencesState {
    return [...this.#groups].map(([key, { listed, summed }]) => [key, [...listed], [...summed]] as const);
  }

  restore(state: DifferencesState): void {
    for (const [key, listed, summed] of state) {
      this.#groups.set(key, { listed: [...listed], summed: new Map(summed) });
      this.#listed += listed.length;
    }
  }

  /** By day and customer. */
  list(): Difference[] {
    return [...this.#groups]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .flatMap(([, { listed, summed }]) => [...listed, ...[...summed.values()].map(({ difference }) => difference)]);
  }
}
