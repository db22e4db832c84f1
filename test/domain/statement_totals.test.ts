import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MeterEvent } from "../../src/domain/meter_event.ts";
import { nextPeriod, type SaoPauloDate } from "../../src/domain/period.ts";
import { possibleCostOf, StatementAccumulator, type StatementTotals } from "../../src/domain/statement_totals.ts";
import { FIRST_SEQ, PERIOD, SAMPLE_EVENTS, TENANT, wholePeriods } from "./export/samples.ts";

function addUp(events: readonly MeterEvent[], options: { firstSeq?: number } = {}) {
  const accumulator = new StatementAccumulator(PERIOD, { tenantId: TENANT, firstSeq: FIRST_SEQ, ...options });
  for (const event of events) accumulator.add(event);
  return accumulator.finish();
}

function totalsOf(events: readonly MeterEvent[], options: { firstSeq?: number } = {}): StatementTotals {
  const totals = addUp(events, options);
  if (!totals.ok) throw new Error(JSON.stringify(totals.failure));
  return totals.value;
}

function sample(index: number): MeterEvent {
  const event = SAMPLE_EVENTS[index];
  if (event === undefined) throw new Error(`no sample ${index}`);
  return event;
}

/** A delivered lookup at this price. */
function lookup(seq: number, price = 150_000, fields: Partial<MeterEvent> = {}): MeterEvent {
  return { ...sample(0), seq, unitPriceMicros: price, amountMicros: price, ...fields };
}

describe("statement", () => {
  test("lines are lookups by price, then credits, then charges, each rounded once; the total is theirs", () => {
    const events = [
      ...[1, 2, 3].map((seq) => lookup(seq, 4_999)),
      ...[4, 5].map((seq) => lookup(seq, 2_500)),
      { ...sample(-2 + SAMPLE_EVENTS.length), seq: 6, units: -2, amountMicros: -5_000 },
      { ...sample(-1 + SAMPLE_EVENTS.length), seq: 7, units: 1, amountMicros: 4_999 },
    ];
    const totals = totalsOf(events, { firstSeq: 1 });
    expect(totals.lines).toEqual([
      { kind: "lookups", quantity: 3, unitPriceMicros: 4_999, amountMicros: 14_997, amountCentavos: 1 },
      { kind: "lookups", quantity: 2, unitPriceMicros: 2_500, amountMicros: 5_000, amountCentavos: 1 },
      { kind: "credits", quantity: -2, unitPriceMicros: null, amountMicros: -5_000, amountCentavos: -1 },
      { kind: "charges", quantity: 1, unitPriceMicros: null, amountMicros: 4_999, amountCentavos: 0 },
    ]);
    expect(totals).toMatchObject({ amountMicros: 19_996, amountCentavos: 1, adjustments: 2 });
  });

  test("an adjustment of units without money keeps its units on the line of charges", () => {
    const adjustment = { ...sample(-1 + SAMPLE_EVENTS.length), seq: 501, units: 2, amountMicros: 0 };
    expect(totalsOf([adjustment]).lines).toEqual([
      { kind: "charges", quantity: 2, unitPriceMicros: null, amountMicros: 0, amountCentavos: 0 },
    ]);
  });

  test("what is not delivered costs nothing but is counted, and Claro's possible cost stands apart", () => {
    const totals = totalsOf(SAMPLE_EVENTS);
    expect(totals.counts).toEqual({
      delivered: 37,
      notFound: 1,
      rejected: 1,
      failed: 1,
      unknown: 1,
      billed: 37,
      amountMicros: 36 * 150_000 + 123,
    });
    expect(possibleCostOf(totals.counts)).toEqual({ delivered: 37, unknown: 1, units: 38 });
    expect(totals.seq).toEqual({ first: 501, last: 543, count: 43 });
    expect(totals.amountMicros).toBe(36 * 150_000 + 123 - 150_000 + 7_777);
  });

  test("days are São Paulo days in order and add up to the counts", () => {
    const { days, counts } = totalsOf(SAMPLE_EVENTS);
    const dates = days.map(({ date }) => date);
    expect(dates).toEqual(dates.toSorted());
    expect(days[0]?.date).toBe("2026-11-01");
    expect(days.reduce((sum, day) => sum + day.delivered, 0)).toBe(counts.delivered);
    expect(days.reduce((sum, day) => sum + day.amountMicros, 0)).toBe(counts.amountMicros);
  });

  test("an empty period is a whole one: nothing due, and the next starts where it would have", () => {
    expect(totalsOf([])).toMatchObject({ seq: { first: 501, last: 500, count: 0 }, lines: [], amountCentavos: 0 });
  });

  test("any order of arrival gives the same totals, as an independent sum has them", () => {
    const shuffled = wholePeriods.chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
    );
    fc.assert(
      fc.property(shuffled, ([events, arrived]) => {
        const totals = totalsOf(arrived);
        expect(totals).toEqual(totalsOf(events));
        expect(totals.amountMicros).toBe(Number(events.reduce((sum, event) => sum + BigInt(event.amountMicros), 0n)));
        expect(totals.amountCentavos + totals.carriedOutCentavos).toBe(
          totals.lines.reduce((sum, line) => sum + line.amountCentavos, 0),
        );
        expect(totals.counts.billed).toBe(events.filter(({ kind, billed }) => kind === "lookup" && billed).length);
      }),
    );
  });

  test.each<[string, MeterEvent[], object]>([
    ["a missing number", [lookup(501), lookup(503)], { name: "sequence_gap", seq: null }],
    ["a missing first one", [lookup(502)], { name: "sequence_gap", seq: null }],
    ["a number twice", [lookup(501), lookup(501)], { name: "sequence_repeat", seq: null }],
    ["a number of the month before", [lookup(500), lookup(501)], { name: "sequence_repeat", seq: 500 }],
    // Same count, same sum, same lowest and highest as 501 to 504.
    ["one twice for one missing", [501, 501, 504, 504].map((seq) => lookup(seq)), { name: "sequence_gap", seq: null }],
    ["another tenant's event", [lookup(501, 1, { tenantId: "tnt_other" })], { name: "tenant_mismatch", seq: 501 }],
    ["a test event", [lookup(501, 1, { mode: "test" })], { name: "mode_mismatch", seq: 501 }],
    ["a wrong amount", [lookup(501, 1, { amountMicros: 2 })], { name: "amount_mismatch", seq: 501 }],
    ["two units", [lookup(501, 1, { units: 2, amountMicros: 2 })], { name: "amount_mismatch", seq: 501 }],
    ["an unbilled amount", [lookup(501, 1, { billed: false, units: 0 })], { name: "amount_mismatch", seq: 501 }],
  ])("%s is named", (_, events, failure) => {
    expect(addUp(events)).toEqual({ ok: false, failure });
  });

  test("an event further outside the month than rules of time can move it is named, one within is not", () => {
    const at = (occurredAtMs: number) => addUp([lookup(501, 1, { occurredAtMs, period: null, day: null })]);
    const startMs = Date.parse("2026-11-01T03:00:00Z") - 7_200_000;
    const endMs = Date.parse("2026-12-01T03:00:00Z") + 7_200_000;
    const failure = { name: "period_mismatch", seq: 501 };
    expect([startMs - 1, startMs, endMs - 1, endMs].map((ms) => at(ms).ok)).toEqual([false, true, true, false]);
    expect(at(endMs)).toEqual({ ok: false, failure });
  });

  test("the period that the ledger wrote down counts, whatever the rules of time say today", () => {
    const occurredAtMs = Date.parse("2026-12-01T02:59:59Z");
    const written = { period: PERIOD, day: "2026-11-30" as SaoPauloDate, occurredAtMs };
    expect(totalsOf([lookup(501, 1, written)]).days[0]?.date).toBe("2026-11-30");
    const other = addUp([lookup(501, 1, { ...written, period: nextPeriod(PERIOD) })]);
    expect(other).toEqual({ ok: false, failure: { name: "period_mismatch", seq: 501 } });
  });

  describe("a month below zero", () => {
    const credit = (amountMicros: number) => ({
      ...sample(-2 + SAMPLE_EVENTS.length),
      seq: 502,
      units: -1,
      amountMicros,
    });
    const from = PERIOD;

    test("has nothing due and hands on what it comes to", () => {
      const totals = totalsOf([lookup(501), credit(-1_000_000)]);
      expect(totals).toMatchObject({ amountCentavos: 0, carriedOutCentavos: -85, amountMicros: -850_000 });
    });

    test("is a line of the next that names it, and no event", () => {
      const totals = addUpCarried([lookup(501, 1_000_000)], -85);
      expect(totals.lines.at(-1)).toEqual({
        kind: "carried",
        quantity: 0,
        unitPriceMicros: null,
        amountMicros: -850_000,
        amountCentavos: -85,
        carriedFrom: from,
      });
      expect(totals).toMatchObject({
        amountCentavos: 15,
        carriedOutCentavos: 0,
        amountMicros: 1_000_000,
        adjustments: 0,
      });
    });

    test("is handed on as often as it takes: nothing of it is lost and nothing is given twice", () => {
      const months = fc.array(fc.tuple(fc.nat(3_000_000), fc.integer({ min: -3_000_000, max: 0 })), { maxLength: 12 });
      fc.assert(
        fc.property(months, (sums) => {
          let carried = 0;
          let due = 0;
          let lines = 0;
          for (const [charged, credited] of sums) {
            const events = [lookup(501, charged), ...(credited === 0 ? [] : [credit(credited)])];
            const totals = addUpCarried(events, carried);
            const own = totals.lines.filter(({ kind }) => kind !== "carried");
            lines += own.reduce((sum, line) => sum + line.amountCentavos, 0);
            expect(totals.amountCentavos).toBeGreaterThanOrEqual(0);
            expect(totals.amountCentavos * totals.carriedOutCentavos + 0).toBe(0);
            due += totals.amountCentavos;
            carried = totals.carriedOutCentavos;
          }
          expect(due + carried).toBe(lines);
        }),
      );
    });

    function addUpCarried(events: readonly MeterEvent[], centavos: number): StatementTotals {
      const carriedIn = centavos === 0 ? null : { from, centavos };
      const accumulator = new StatementAccumulator(PERIOD, { tenantId: TENANT, firstSeq: FIRST_SEQ, carriedIn });
      for (const event of events) accumulator.add(event);
      const totals = accumulator.finish();
      if (!totals.ok) throw new Error(totals.failure.name);
      return totals.value;
    }
  });

  test("any one event lost or doubled is found", () => {
    fc.assert(
      fc.property(
        wholePeriods.filter(({ length }) => length > 1),
        fc.nat(),
        fc.boolean(),
        (events, pick, isLost) => {
          // The last one's loss shows in the next period's first number.
          const index = pick % (events.length - 1);
          expect(
            addUp(events.toSpliced(index, isLost ? 1 : 0, ...(isLost ? [] : events.slice(index, index + 1)))).ok,
          ).toBe(false);
        },
      ),
    );
  });

  test("sums that could no longer be exact are refused", () => {
    const huge = { ...sample(-1 + SAMPLE_EVENTS.length), amountMicros: Number.MAX_SAFE_INTEGER };
    expect(() =>
      addUp([
        { ...huge, seq: 501 },
        { ...huge, seq: 502 },
      ]),
    ).toThrow(RangeError);
  });

  test("test lookups can be counted on their own", () => {
    const accumulator = new StatementAccumulator(PERIOD, { tenantId: TENANT, firstSeq: 1, mode: "test" });
    accumulator.add(lookup(1, 0, { mode: "test" }));
    expect(accumulator.finish().ok).toBe(true);
  });
});
