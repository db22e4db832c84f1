import { assertPresent } from "./assert.ts";
import { CLOCKS_DIFFER_MS, type ReportRow } from "./claro_report.ts";

type Candidate = {
  readonly tenantId: string;
  readonly customerId: string;
  readonly seq: number;
  readonly occurredAtMs: number;
  /** Whether a report without names has confirmed it before. */
  readonly isResolved: boolean;
};

/**
 * How late after Claro's answer an `unknown` may be recorded. Its intent's time is twice Claro's timeout and 10 s (30 s by
 * default), and the object's alarm ends it soon after; an outage delays the alarm by as long as it lasts. Two hours leave
 * room for one, and are too short for a lookup of the morning to stand for a charge of the afternoon.
 */
export const RECORDED_LATE_MS = 2 * 60 * 60_000;

type InTime<Unknown> = { readonly resolved: Unknown[]; readonly open: Unknown[] };

/** `unknown`s by customer in the order of their time, from which a charge takes the nearest that can be its own. */
export class PlausibleUnknowns<Unknown extends Candidate> {
  readonly #ofCustomer = new Map<string, InTime<Unknown>>();

  constructor(unknowns: readonly Unknown[]) {
    for (const unknown of unknowns.toSorted(byTime)) {
      const customerId = unknown.customerId.toLowerCase();
      let customer = this.#ofCustomer.get(customerId);
      if (customer === undefined) this.#ofCustomer.set(customerId, (customer = { resolved: [], open: [] }));
      customer[unknown.isResolved ? "resolved" : "open"].push(unknown);
    }
  }

  /** Removes the nearest one; what a report has confirmed before comes first, so that no charge confirms a second. */
  take({ customerId, occurredAtMs }: ReportRow): Unknown | undefined {
    const customer = this.#ofCustomer.get(customerId.toLowerCase());
    if (customer === undefined) return undefined;
    return takeNearest(customer.resolved, occurredAtMs) ?? takeNearest(customer.open, occurredAtMs);
  }
}

function takeNearest<Unknown extends Candidate>(unknowns: Unknown[], chargedAtMs: number): Unknown | undefined {
  const next = firstFrom(unknowns, chargedAtMs);
  const lateByMs = (index: number) => (unknowns[index]?.occurredAtMs ?? Number.NaN) - chargedAtMs;
  const [nearest] = [next, next - 1]
    .filter((index) => lateByMs(index) >= -CLOCKS_DIFFER_MS && lateByMs(index) <= RECORDED_LATE_MS)
    .toSorted((left, right) => Math.abs(lateByMs(left)) - Math.abs(lateByMs(right)));
  return nearest === undefined ? undefined : unknowns.splice(nearest, 1)[0];
}

/** The index of the first that is not before an instant. */
function firstFrom(unknowns: readonly Candidate[], ms: number): number {
  let low = 0;
  let high = unknowns.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (assertPresent(unknowns[middle], "an index is outside its list").occurredAtMs < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** By time; of one instant by tenant and number. */
export function byTime(left: Candidate, right: Candidate): number {
  if (left.occurredAtMs !== right.occurredAtMs) return left.occurredAtMs - right.occurredAtMs;
  if (left.tenantId !== right.tenantId) return left.tenantId < right.tenantId ? -1 : 1;
  return left.seq - right.seq;
}
