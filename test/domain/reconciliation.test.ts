import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReportRow } from "../../src/domain/claro_report.ts";
import { OUTCOMES, type Outcome } from "../../src/domain/meter_event.ts";
import { periodBounds, saoPauloDate } from "../../src/domain/period.ts";
import {
  partOf,
  type ReconciledEvent,
  Reconciler,
  type ReconcilerState,
  type Reconciliation,
} from "../../src/domain/reconciliation.ts";
import { PERIOD } from "./export/samples.ts";

const { startMs } = periodBounds(PERIOD);
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const PRICE = 150_000;
const COST = 90_000;
const TIERS = [{ upTo: null, unitPriceMicros: COST }];

function row(transactionId: string | null, day = 0, customerId = "loja"): ReportRow {
  const occurredAtMs = startMs + day * DAY_MS + 1;
  return { transactionId, occurredAtMs, date: saoPauloDate(occurredAtMs), customerId, isCharged: true };
}

function event(
  seq: number,
  outcome: Outcome,
  transactionId: string | null,
  day = 0,
  customerId = "loja",
): ReconciledEvent {
  return {
    tenantId: `ten_${customerId}`,
    customerId,
    period: PERIOD,
    place: "within",
    seq,
    id: `lkp_${seq}`,
    occurredAtMs: startMs + day * DAY_MS + 2,
    outcome,
    amountMicros: outcome === "delivered" ? PRICE : 0,
    transactionId,
  };
}

function reconcile(
  rows: readonly ReportRow[],
  events: readonly ReconciledEvent[],
  earlier: ReadonlyMap<number, { transactionId: string | null }> = new Map(),
): Reconciliation {
  const reconciler = new Reconciler();
  for (const each of rows) reconciler.addRow(each);
  for (const each of events) reconciler.addEvent(each, earlier.get(each.seq));
  return reconciler.finish(TIERS);
}

function brief({ matched, resolved, onlyOurs, onlyClaro, deltaQuantity }: Reconciliation) {
  return {
    matched,
    resolved: resolved.map(({ seq, transactionId }) => [seq, transactionId]),
    onlyOurs: onlyOurs.map(({ lookupId, quantity }) => [lookupId, quantity]),
    onlyClaro: onlyClaro.map(({ reason, transactionId, quantity }) => [reason, transactionId, quantity]),
    delta: deltaQuantity,
  };
}

describe("by transaction", () => {
  test("what both sides have matches, whatever the day and the customer", () => {
    const result = reconcile(
      [row("a", 3, "other"), row("b")],
      [event(1, "delivered", "a"), event(2, "delivered", "b")],
    );
    expect(brief(result)).toEqual({ matched: 2, resolved: [], onlyOurs: [], onlyClaro: [], delta: 0 });
  });

  test("what one side has is listed there with its amount", () => {
    const result = reconcile([row("a"), row("c")], [event(1, "delivered", "a"), event(2, "delivered", "b")]);
    expect(brief(result)).toEqual({
      matched: 1,
      resolved: [],
      onlyOurs: [["lkp_2", 1]],
      onlyClaro: [["unknown_to_us", "c", 1]],
      delta: 0,
    });
    expect(result.onlyOurs[0]?.amountMicros).toBe(PRICE);
    expect(result.onlyClaro[0]?.amountMicros).toBe(0);
    expect(result).toMatchObject({ unitCostMicros: COST, deltaCostMicros: 0, unexplained: 2 });
  });

  test("one that Claro lists twice, and one that it delivered and we did not, are differences with a reason", () => {
    const result = reconcile([row("a"), row("a"), row("f")], [event(1, "delivered", "a"), event(2, "failed", "f")]);
    expect(brief(result)).toMatchObject({
      matched: 1,
      onlyClaro: [
        ["repeated", "a", 1],
        ["not_delivered", "f", 1],
      ],
      delta: -2,
    });
    expect(result.onlyClaro[1]).toMatchObject({ lookupId: "lkp_2", outcome: "failed" });
  });

  test("what Claro does not charge is not compared", () => {
    const result = reconcile(
      [{ ...row("a"), isCharged: false }],
      [event(1, "delivered", "a"), event(2, "not_found", "n")],
    );
    expect(brief(result)).toMatchObject({ matched: 0, onlyOurs: [["lkp_1", 1]], onlyClaro: [], delta: 1 });
  });
});

describe("by day and customer", () => {
  test("only as many match as both sides have", () => {
    const result = reconcile(
      [row(null), row(null), row(null, 1), row(null, 0, "other")],
      [
        event(1, "delivered", "a"),
        event(2, "delivered", null),
        event(3, "delivered", "c"),
        event(4, "delivered", "d", 1),
      ],
    );
    expect(brief(result)).toEqual({
      matched: 3,
      resolved: [],
      onlyOurs: [["lkp_1", 1]],
      onlyClaro: [["unknown_to_us", null, 1]],
      delta: 0,
    });
  });

  test("a name that we do not know stands for a lookup of ours without a name", () => {
    expect(brief(reconcile([row("a")], [event(1, "delivered", null)]))).toMatchObject({ matched: 1, delta: 0 });
    expect(brief(reconcile([row("a")], [event(1, "delivered", "b")]))).toMatchObject({ matched: 0, delta: 0 });
  });
});

describe("unknown", () => {
  test("is resolved by its transaction, or by what Claro has more of its day and customer", () => {
    const events = [
      event(1, "unknown", "a"),
      event(2, "unknown", null),
      event(3, "unknown", null),
      event(4, "unknown", null, 1),
    ];
    expect(brief(reconcile([row("a"), row("x"), row(null, 1), row(null, 2)], events))).toEqual({
      matched: 0,
      resolved: [
        [1, "a"],
        [4, null],
        [2, "x"],
      ],
      onlyOurs: [],
      onlyClaro: [["unknown_to_us", null, 1]],
      delta: -1,
    });
  });

  test("is no difference when Claro does not charge it", () => {
    expect(brief(reconcile([], [event(1, "unknown", null)]))).toMatchObject({ onlyOurs: [], delta: 0 });
  });

  test("that an earlier report confirmed under a name stays with that name", () => {
    const events = [event(1, "unknown", null), event(2, "unknown", null)];
    const earlier = new Map([[1, { transactionId: "x" }]]);
    expect(brief(reconcile([row("y")], events, earlier)).resolved).toEqual([[2, "y"]]);
    expect(brief(reconcile([row("x"), row("y")], events, earlier)).resolved).toEqual([
      [1, "x"],
      [2, "y"],
    ]);
    expect(brief(reconcile([row("y"), row("z")], events, earlier))).toMatchObject({
      resolved: [[2, "y"]],
      onlyClaro: [["unknown_to_us", "z", 1]],
    });
  });
});

describe("an unknown and a charge with another name", () => {
  const charged = { ...row("x"), occurredAtMs: startMs + DAY_MS };
  const recorded = (seq: number, lateByMs: number) => ({
    ...event(seq, "unknown", null),
    occurredAtMs: charged.occurredAtMs + lateByMs,
  });

  test.each([
    ["10 minutes before", -10 * MINUTE_MS, true],
    ["more than that before", -10 * MINUTE_MS - 1, false],
    ["2 hours after", 120 * MINUTE_MS, true],
    ["more than that after", 120 * MINUTE_MS + 1, false],
  ])("recorded %s: paired only where it is plausible", (_, lateByMs, isPaired) => {
    const { resolved, onlyClaro, deltaQuantity } = reconcile([charged], [recorded(1, lateByMs)]);
    expect([resolved.length, onlyClaro.length, deltaQuantity]).toEqual(isPaired ? [1, 0, 0] : [0, 1, -1]);
  });

  test("are paired by the nearest time, over midnight too, and the answer says which", () => {
    const events = [recorded(1, -11 * MINUTE_MS), recorded(2, -4 * MINUTE_MS), recorded(3, 30_000)];
    const later = { ...charged, transactionId: "y", occurredAtMs: charged.occurredAtMs + 1 };
    expect(reconcile([charged], events).resolved).toEqual([
      {
        tenantId: "ten_loja",
        customerId: "loja",
        period: PERIOD,
        seq: 3,
        lookupId: "lkp_3",
        occurredAtMs: charged.occurredAtMs + 30_000,
        transactionId: "x",
      },
    ]);
    expect(brief(reconcile([later, charged], events)).resolved).toEqual([
      [3, "x"],
      [2, "y"],
    ]);
  });

  test("that a report without names has confirmed is taken before a nearer one", () => {
    const events = [recorded(1, 0), recorded(2, 60 * MINUTE_MS)];
    const earlier = new Map([[2, { transactionId: null }]]);
    expect(brief(reconcile([charged], events, earlier)).resolved).toEqual([[2, "x"]]);
  });
});

const days = fc.integer({ min: 0, max: 2 });
/** Around what is plausible, on both sides. */
const moments = fc.integer({ min: 0, max: 50 }).map((steps) => steps * 3 * MINUTE_MS);
const customers = fc.constantFrom("a", "b");
const names = fc.option(fc.constantFrom(..."abcdefghijkl"));
const reports = fc.array(
  fc.tuple(moments, names, days, customers).map(([ms, ...cells]) => {
    const made = row(...cells);
    return { ...made, occurredAtMs: made.occurredAtMs + ms };
  }),
);
const ledgers = fc
  .array(fc.tuple(moments, fc.constantFrom(...OUTCOMES, "unknown" as const), names, days, customers))
  .map((rows) =>
    rows.map(([ms, outcome, name, ...rest], index) => {
      const made = event(index + 1, outcome, name, ...rest);
      return { ...made, occurredAtMs: made.occurredAtMs + ms };
    }),
  );

describe("whatever is compared", () => {
  test("every charge and every delivered lookup is in exactly one place, and delta is their difference", () => {
    fc.assert(
      fc.property(reports, ledgers, (rows, events) => {
        const { matched, resolved, onlyOurs, onlyClaro, deltaQuantity, deltaCostMicros } = reconcile(rows, events);
        const sum = (list: readonly { quantity: number }[]) =>
          list.reduce((total, { quantity }) => total + quantity, 0);
        expect(matched + resolved.length + sum(onlyClaro)).toBe(rows.length);
        const delivered = events.filter(({ outcome }) => outcome === "delivered").length;
        expect(matched + sum(onlyOurs)).toBe(delivered);
        expect(deltaQuantity).toBe(delivered + resolved.length - rows.length);
        expect(deltaCostMicros).toBe(deltaQuantity * COST);
        expect(new Set(resolved.map(({ seq }) => seq)).size).toBe(resolved.length);
      }),
    );
  });

  test("two days that want the same unknown get it by their order, not by the report's", () => {
    for (const rows of [
      [row(null, 0), row(null, 1, "LOJA"), row(null, 1)],
      [row(null, 1), row(null, 1, "LOJA"), row(null, 0)],
    ]) {
      const { resolved, onlyClaro } = reconcile(rows, [event(1, "unknown", null, 1)]);
      expect(resolved).toHaveLength(1);
      expect(onlyClaro.map(({ date, customerId, quantity }) => [date, customerId, quantity])).toEqual([
        ["2026-11-02", "LOJA", 2],
      ]);
    }
  });

  test("the order of the report's lines changes nothing", () => {
    const shuffled = reports.chain((rows) =>
      fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
    );
    const unordered = (list: readonly object[]) => list.map((entry) => JSON.stringify(entry)).toSorted();
    fc.assert(
      fc.property(shuffled, ledgers, ([rows, others], events) => {
        const [one, other] = [reconcile(rows, events), reconcile(others, events)];
        expect(unordered(other.resolved)).toEqual(unordered(one.resolved));
        expect(unordered(other.onlyOurs)).toEqual(unordered(one.onlyOurs));
        expect(unordered(other.onlyClaro)).toEqual(unordered(one.onlyClaro));
        expect([other.matched, other.deltaQuantity]).toEqual([one.matched, one.deltaQuantity]);
      }),
    );
  });

  test("the same report again confirms the same unknowns, whatever a report without names confirmed before", () => {
    fc.assert(
      fc.property(reports, ledgers, fc.array(fc.integer({ min: 1, max: 10 })), (rows, events, confirmed) => {
        const before = new Map(confirmed.map((seq) => [seq, { transactionId: null }]));
        const first = reconcile(rows, events, before);
        // What was kept first stays.
        const earlier = new Map<number, { transactionId: string | null }>([
          ...first.resolved.map(({ seq, transactionId }) => [seq, { transactionId }] as const),
          ...before,
        ]);
        const again = reconcile(rows, events, earlier);
        const sorted = ({ resolved }: Reconciliation) => resolved.toSorted((left, right) => left.seq - right.seq);
        expect(sorted(again).map(({ seq }) => seq)).toEqual(sorted(first).map(({ seq }) => seq));
        expect({ ...again, resolved: [] }).toEqual({ ...first, resolved: [] });
      }),
    );
  });

  test("many differences are listed, what is more is summed up, and the sums hold", () => {
    const events = Array.from({ length: 60_000 }, (_, index) => event(index + 1, "delivered", `t${index}`, index % 2));
    const { onlyOurs, deltaQuantity, deltaCostMicros } = reconcile([row(null), row(null)], events);
    expect(onlyOurs.length).toBeLessThanOrEqual(50_002);
    expect(onlyOurs.reduce((total, { quantity }) => total + quantity, 0)).toBe(59_998);
    expect([deltaQuantity, deltaCostMicros]).toEqual([59_998, 59_998 * COST]);
  });

  test("in parts, with a halt after any event, comes to the same as at once", () => {
    fc.assert(
      fc.property(reports, ledgers, fc.integer({ min: 1, max: 5 }), (rows, events, parts) => {
        let reconciler = new Reconciler();
        for (let part = 0; part < parts; part += 1) {
          for (const each of rows) if (partOf(each.transactionId, parts) === part) reconciler.addRow(each);
          for (const each of events) {
            if (partOf(each.transactionId, parts) !== part) continue;
            reconciler.addEvent(each);
            reconciler = Reconciler.restore(JSON.parse(JSON.stringify(reconciler.save())) as ReconcilerState);
          }
          reconciler.endPart();
        }
        const [whole, inParts] = [reconcile(rows, events), reconciler.finish(TIERS)];
        expect(inParts.matched).toBe(whole.matched);
        expect(inParts.resolved.length).toBe(whole.resolved.length);
        expect([inParts.deltaQuantity, inParts.unexplained]).toEqual([whole.deltaQuantity, whole.unexplained]);
      }),
    );
  });
});

describe("clocks that differ", () => {
  const at = (made: ReportRow, ms: number): ReportRow => ({ ...made, occurredAtMs: ms, date: saoPauloDate(ms) });
  const midnight = startMs + 3 * DAY_MS;

  test("over midnight: what has no name is matched with the other day's, by minutes and not by days", () => {
    const before = at(row(null), midnight - 40);
    const after = { ...event(1, "delivered", null), occurredAtMs: midnight };
    expect(brief(reconcile([before], [after]))).toMatchObject({ matched: 1, onlyOurs: [], onlyClaro: [], delta: 0 });
    const swapped = { ...event(1, "delivered", null), occurredAtMs: midnight - 1 };
    expect(brief(reconcile([at(row(null), midnight + 40)], [swapped]))).toMatchObject({ matched: 1, delta: 0 });
    const hoursLater = { ...event(1, "delivered", null), occurredAtMs: midnight + 60 * MINUTE_MS };
    expect(brief(reconcile([before], [hoursLater]))).toMatchObject({ matched: 0, delta: 0 });
  });

  test("an unknown that was recorded soon after midnight is of the day before", () => {
    const asked = at(row(null), midnight - 10_000);
    const recorded = { ...event(1, "unknown", null), occurredAtMs: midnight + 20_000 };
    expect(brief(reconcile([asked], [recorded])).resolved).toEqual([[1, null]]);
    const late = { ...event(1, "unknown", null), occurredAtMs: midnight + 121 * MINUTE_MS };
    expect(brief(reconcile([asked], [late])).resolved).toEqual([]);
  });

  test("ids are the same in any case of letters, and so are customers", () => {
    const named = reconcile([row("0D5A7F3C-91B2")], [event(1, "delivered", "0d5a7f3c-91b2")]);
    expect(brief(named)).toMatchObject({ matched: 1, delta: 0 });
    const nameless = reconcile([row(null, 0, "LOJA")], [event(1, "delivered", null, 0, "Loja")]);
    expect(brief(nameless)).toMatchObject({ matched: 1, delta: 0 });
    const confirmed = reconcile([row("x", 0, "LOJA")], [event(1, "unknown", null, 0, "Loja")]);
    expect(brief(confirmed).resolved).toEqual([[1, "x"]]);
  });

  test("a neighbour's lookup counts only where this report names it, and an edge's is not unexplained", () => {
    const neighbour = { ...event(1, "delivered", "a"), place: "neighbours" } as const;
    const edge = { ...event(2, "delivered", "b"), place: "edge" } as const;
    const result = reconcile([row("a")], [neighbour, edge]);
    expect(brief(result)).toMatchObject({ matched: 1, onlyOurs: [["lkp_2", 1]], delta: 1 });
    expect(result.onlyOurs[0]?.reason).toBe("near_month_end");
    expect(result.unexplained).toBe(0);
    expect(result.edges.map(({ seq, isMatched }) => [seq, isMatched])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(reconcile([], [neighbour])).toMatchObject({ onlyOurs: [], edges: [] });
  });
});
