import { describe, expect, test } from "vitest";
import { apply } from "../../../src/domain/ledger/apply.ts";
import type { AdmitCall, Command, Facts } from "../../../src/domain/ledger/commands.ts";
import { decide } from "../../../src/domain/ledger/decide.ts";
import { believedNowMs } from "../../../src/domain/ledger/event_time.ts";
import { overdueLookups } from "../../../src/domain/ledger/settle.ts";
import { emptyState, parseState, serializeState, type LedgerState } from "../../../src/domain/ledger/state.ts";
import type { LedgerTerms } from "../../../src/domain/ledger/terms.ts";
import { GRANT_HELD_MS, GRANT_MS, GRANT_STEP_MS } from "../../../src/domain/ledger/times.ts";
import { periodBounds, parsePeriod } from "../../../src/domain/period.ts";
import { resolvePlan, type Plan } from "../../../src/domain/plan.ts";

const NOW_MS = Date.parse("2026-11-20T12:00:00-03:00");
const TTL_MS = 30_000;
const YEAR_MS = 365 * 86_400_000;
const KEY_ID = "csg_live_first00000";

function termsOf(plan: Partial<Plan> = {}, changes: Partial<LedgerTerms> = {}): LedgerTerms {
  const keys = [
    { keyId: KEY_ID, scopes: ["scores:read" as const], expiresAtMs: null, revokedAtMs: null, allowedIps: [] },
  ];
  const whole = { ...resolvePlan({ name: "pay-per-use" }, NOW_MS), ...plan };
  return {
    tenantId: "ten_1",
    mode: "live",
    version: 1,
    status: "active",
    customerId: "loja",
    plan: whole,
    keys,
    ...changes,
  };
}

/** A ledger that runs a command as the object does: decide, apply. */
function ledgerOf(terms: LedgerTerms, from: LedgerState = emptyState()) {
  let state = from;
  let made = 0;
  const run = <Kind extends Command["kind"]>(
    command: Extract<Command, { kind: Kind }>,
    nowMs: number,
    facts: Partial<Facts> = {},
  ) => {
    const { entries, reply } = decide<Kind>(state, command, { intentTtlMs: TTL_MS, ...facts }, nowMs);
    for (const entry of entries) apply(state, structuredClone(entry));
    return reply;
  };
  const call = (changes: Partial<AdmitCall> = {}): AdmitCall => ({
    lookupId: `lkp_${(made += 1)}`,
    keyId: KEY_ID,
    scope: "scores:read",
    ip: null,
    reference: null,
    cpfReference: "2026:0",
    idempotency: null,
    ...changes,
  });
  run({ kind: "configure", terms }, NOW_MS);
  return {
    run,
    call,
    state: () => state,
    evict: () => {
      state = parseState(serializeState(state));
    },
    admit: (nowMs: number, changes: Partial<AdmitCall> = {}) => {
      const admission = call(changes);
      return { id: admission.lookupId, reply: run({ kind: "admit", call: admission }, nowMs) };
    },
    settle: (lookupId: string, outcome: "delivered" | "failed" | "unknown", nowMs: number) =>
      run({ kind: "settle", call: { lookupId, outcome, transactionId: null, answer: null } }, nowMs),
  };
}

describe("early calls", () => {
  test("of twelve that were granted none is thrown away when another isolate empties the bucket, and they are paid back", () => {
    const ledger = ledgerOf(termsOf({ ratePerSecond: 10, burst: 100 }));
    expect(ledger.admit(NOW_MS, { earlyCallsAsked: 12 }).reply).toMatchObject({ kind: "admitted", earlyCalls: 12 });
    while (ledger.admit(NOW_MS).reply.kind === "admitted");
    for (let n = 0; n < 12; n += 1) {
      expect(ledger.admit(NOW_MS + 100, { isSent: true }).reply).toMatchObject({ kind: "admitted", isLate: false });
    }
    expect(ledger.admit(NOW_MS + 1100).reply).toMatchObject({ kind: "refused", failure: { code: "rate_limited" } });
    expect(ledger.admit(NOW_MS + 1500).reply.kind).toBe("admitted");
  });

  // Wherever the grants begin: lookups of others come as fast as the rate lets them, early calls as late as they may.
  test("never take an allowance of 301 past 301, however late they come", () => {
    let early = 0;
    for (let before = 140; before <= 300; before += 1) {
      const ledger = ledgerOf(termsOf({ allowance: { requests: 301, endsAt: null }, ratePerSecond: 2, burst: 40 }));
      let admitted = 0;
      let startMs = NOW_MS;
      for (; admitted < before; startMs += 500) {
        expect(ledger.admit(startMs).reply.kind).toBe("admitted");
        admitted += 1;
      }
      startMs += 30_000;
      const late: number[] = [];
      for (let atMs = startMs; atMs < startMs + 150_000; atMs += 250) {
        while (late[0] !== undefined && late[0] <= atMs) {
          late.shift();
          expect(ledger.admit(atMs, { isSent: true }).reply).toMatchObject({ kind: "admitted", isLate: false });
          admitted += 1;
          early += 1;
        }
        for (;;) {
          const { reply } = ledger.admit(atMs, { earlyCallsAsked: 32 });
          if (reply.kind !== "admitted") break;
          admitted += 1;
          late.push(...Array.from({ length: reply.earlyCalls ?? 0 }, () => atMs + GRANT_HELD_MS - 2 * GRANT_STEP_MS));
        }
      }
      expect(admitted, `${before} before`).toBe(301);
    }
    expect(early).toBeGreaterThan(100);
  });

  test("are waited for by a suspension, after an eviction too, and by its repeat", () => {
    const ledger = ledgerOf(termsOf());
    ledger.admit(NOW_MS, { earlyCallsAsked: 8 });
    ledger.evict();
    const suspended = termsOf({}, { status: "suspended", version: 2 });
    const first = ledger.run({ kind: "configure", terms: suspended }, NOW_MS + 100);
    expect(first.kind === "configured" && first.waitMs > GRANT_MS - 600 && first.waitMs <= GRANT_MS).toBe(true);
    ledger.evict();
    const again = ledger.run({ kind: "configure", terms: suspended }, NOW_MS + 200);
    expect(again.kind === "configured" && first.kind === "configured" && again.waitMs === first.waitMs - 100).toBe(
      true,
    );
  });
});

test("terms below the ledger's own, or others under its version, are stale and change nothing", () => {
  const ledger = ledgerOf(termsOf({}, { version: 5 }));
  const lower = ledger.run({ kind: "configure", terms: termsOf({}, { version: 4, status: "suspended" }) }, NOW_MS);
  const other = ledger.run({ kind: "configure", terms: termsOf({}, { version: 5, status: "suspended" }) }, NOW_MS);
  expect([lower, other]).toMatchObject([
    { kind: "stale", version: 5 },
    { kind: "stale", version: 5 },
  ]);
  expect(ledger.state().terms?.status).toBe("active");
});

test("terms that a row could not hold are refused whole, and smaller ones are taken after them", () => {
  const base = termsOf({}, { version: 2 });
  const [key] = base.keys;
  if (key === undefined) throw new Error("a key");
  const keys = Array.from({ length: 10_000 }, (_, n) => ({ ...key, keyId: `csg_live_${n}` }));
  const ledger = ledgerOf(termsOf());
  const before = serializeState(ledger.state());
  expect(ledger.run({ kind: "configure", terms: { ...base, keys } }, NOW_MS)).toMatchObject({ kind: "too_large" });
  expect(serializeState(ledger.state())).toBe(before);
  const fitting = { ...base, keys: [key, ...keys.slice(0, 1000)] };
  expect(ledger.run({ kind: "configure", terms: fitting }, NOW_MS)).toMatchObject({ kind: "configured" });
});

test("an intent that nobody settles ends at the end of its time, whenever that is noticed", () => {
  const ledger = ledgerOf(termsOf());
  const { id } = ledger.admit(NOW_MS);
  const noticedMs = NOW_MS + 20 * 3_600_000;
  expect(overdueLookups(ledger.state(), noticedMs)).toEqual([id]);
  ledger.run({ kind: "expire", lookupId: id }, noticedMs);
  expect([...ledger.state().waiting.values()]).toMatchObject([{ outcome: "unknown", occurred_at: NOW_MS + TTL_MS }]);
});

describe("a clock", () => {
  test("that is read a year ahead once moves no later event", () => {
    const ledger = ledgerOf(termsOf());
    const wrong = believedNowMs(NOW_MS + YEAR_MS, NOW_MS);
    const { id } = ledger.admit(wrong);
    ledger.settle(id, "delivered", wrong);
    const next = ledger.admit(NOW_MS + 1000);
    ledger.settle(next.id, "delivered", NOW_MS + 1000);
    expect([...ledger.state().waiting.values()].map(({ period }) => period)).toEqual(["2026-11", "2026-11"]);
  });

  test("that was ahead at an admission charges the lookup to the month by which its cap was decided", () => {
    const december = parsePeriod("2026-12");
    if (!december.ok) throw new Error("a month");
    const { startMs } = periodBounds(december.value);
    const ledger = ledgerOf(
      termsOf({ tiers: [{ upTo: null, unitPriceMicros: 300_000 }], monthlySpendCapMicros: 300_000 }),
    );
    ledger.settle(ledger.admit(startMs - 60_000).id, "delivered", startMs - 60_000);
    const { id } = ledger.admit(startMs + 10);
    ledger.settle(id, "delivered", startMs - 50);
    const events = [...ledger.state().waiting.values()];
    expect(events.map(({ period, amount_micros: micros }) => [period, micros])).toEqual([
      ["2026-11", 300_000],
      ["2026-12", 300_000],
    ]);
  });

  test("that goes back over a closed month's end leaves the month closed", () => {
    const november = parsePeriod("2026-11");
    if (!november.ok) throw new Error("a month");
    const { endMs } = periodBounds(november.value);
    const ledger = ledgerOf(termsOf());
    ledger.run({ kind: "close", period: november.value }, endMs);
    const { id } = ledger.admit(endMs - 20);
    ledger.settle(id, "delivered", endMs - 20);
    expect([...ledger.state().waiting.values()]).toMatchObject([{ period: "2026-12", occurred_at: endMs }]);
  });
});

describe("a charge that is taken back", () => {
  const price = { tiers: [{ upTo: null, unitPriceMicros: 150_000 }], monthlySpendCapMicros: 300_000 };
  const putRight = (lookupId: string, idempotency: AdmitCall["idempotency"]) =>
    ({
      kind: "put_right",
      call: { lookupId, sent: null, idempotency, outcome: "unknown", transactionId: null },
    }) as const;

  test("gives the cap its room again", () => {
    const ledger = ledgerOf(termsOf(price));
    const ids = [1, 2].map((n) => ledger.admit(NOW_MS + n).id);
    for (const id of ids) ledger.settle(id, "delivered", NOW_MS + 10);
    expect(ledger.admit(NOW_MS + 20).reply).toMatchObject({ failure: { code: "spend_cap_reached" } });
    const event = ledger.state().waiting.get(ids[0] as string);
    ledger.run(putRight(ids[0] as string, null), NOW_MS + 30, { event });
    expect(ledger.admit(NOW_MS + 40).reply.kind).toBe("admitted");
    expect([...ledger.state().waiting.values()].reduce((sum, { amount_micros: each }) => sum + each, 0)).toBe(150_000);
  });

  test.each([
    ["is kept", new Uint8Array([1]), false],
    ["was kept and has been erased", null, true],
  ])("stands where its answer %s under an idempotency key", (_, answer, isErased) => {
    const ledger = ledgerOf(termsOf(price));
    const { id } = ledger.admit(NOW_MS);
    ledger.settle(id, "delivered", NOW_MS + 10);
    const identity = { keyHash: "k", requestHash: "r" };
    const remembered = { requestHash: "r", createdAtMs: NOW_MS, answer, unitPriceMicros: 150_000, isErased };
    const facts = { event: ledger.state().waiting.get(id), idempotency: { remembered, requestHash: "r" } };
    ledger.run(putRight(id, identity), NOW_MS + 20, facts);
    expect(ledger.state().waiting.size).toBe(1);
  });
});

test("a trial's free lookups take no place in the tiers of the plan after it", () => {
  const ledger = ledgerOf(termsOf({ tiers: [{ upTo: null, unitPriceMicros: 0 }] }));
  for (let n = 0; n < 5; n += 1) ledger.settle(ledger.admit(NOW_MS + n).id, "delivered", NOW_MS + n);
  const tiers = [
    { upTo: 2, unitPriceMicros: 200_000 },
    { upTo: null, unitPriceMicros: 100_000 },
  ];
  ledger.run({ kind: "configure", terms: termsOf({ tiers }, { version: 2 }) }, NOW_MS + 100);
  const charges = [1, 2, 3].map((n) => ledger.settle(ledger.admit(NOW_MS + 100 + n).id, "delivered", NOW_MS + 200));
  expect(charges.map((reply) => (reply.kind === "settled" ? reply.charge.unitPriceMicros : null))).toEqual([
    200_000, 200_000, 100_000,
  ]);
});

test("what failed is told as left again", () => {
  const ledger = ledgerOf(termsOf({ allowance: { requests: 1, endsAt: null } }));
  const { id, reply } = ledger.admit(NOW_MS);
  expect(reply).toMatchObject({ notices: { allowance: { remaining: 0 } } });
  expect(ledger.settle(id, "failed", NOW_MS + 10)).toMatchObject({ notices: { allowance: { remaining: 1 } } });
});

test("a plan that takes another's place has a bucket that was empty at the worst", () => {
  const nextPlan = { plan: termsOf({ ratePerSecond: 1, burst: 5 }).plan, fromMs: NOW_MS + 1000 };
  const ledger = ledgerOf(termsOf({ ratePerSecond: 1, burst: 500 }, { nextPlan }));
  while (ledger.admit(NOW_MS).reply.kind === "admitted");
  expect(ledger.admit(NOW_MS + 1500).reply).toMatchObject({ failure: { code: "rate_limited" } });
  expect(ledger.admit(NOW_MS + 2100).reply.kind).toBe("admitted");
});

test("a field that the tenant's policy asks for is named when it is missing", () => {
  const ledger = ledgerOf(termsOf({}, { requires: ["purpose", "consentId"] }));
  expect(ledger.admit(NOW_MS, { consentId: "c-1" }).reply).toMatchObject({
    failure: { code: "purpose_required", issues: [{ path: "purpose", code: "required" }] },
  });
  expect(ledger.admit(NOW_MS, { consentId: "c-1", purpose: "collection" }).reply.kind).toBe("admitted");
});

test("a key's own limits are exact, and the tenant's other keys are not bound by them", () => {
  const other = "csg_live_second0000";
  const base = termsOf();
  const [key] = base.keys;
  if (key === undefined) throw new Error("a key");
  const keys = [
    { ...key, limits: { dailyLookups: 3 } },
    { ...key, keyId: other },
  ];
  const ledger = ledgerOf({ ...base, keys });
  const codes = [1, 2, 3, 4].map((n) => ledger.admit(NOW_MS + n).reply.kind);
  expect(codes).toEqual(["admitted", "admitted", "admitted", "refused"]);
  expect(ledger.admit(NOW_MS + 5, { keyId: other }).reply.kind).toBe("admitted");
  expect(ledger.admit(NOW_MS + 86_400_000).reply.kind).toBe("admitted");
});

describe("streams of files", () => {
  const lease = (id: string) => ({ kind: "hold_stream", call: { id, leaseMs: 60_000 } }) as const;
  const end = (id: string) => ({ kind: "hold_stream", call: { id, leaseMs: 0 } }) as const;

  test.each<[string, (run: ReturnType<typeof ledgerOf>["run"]) => boolean, boolean]>([
    ["a third at once is not held", (run) => run(lease("c"), NOW_MS).isHeld, false],
    ["a repeat of one that is held is held", (run) => run(lease("a"), NOW_MS).isHeld, true],
    [
      "one takes the place of one that ended",
      (run) => [run(end("a"), NOW_MS), run(lease("c"), NOW_MS)][1]!.isHeld,
      true,
    ],
    [
      "the end of one that is not known frees no place",
      (run) => [run(end("x"), NOW_MS), run(lease("c"), NOW_MS)][1]!.isHeld,
      false,
    ],
    ["a lease is over after its time", (run) => run(lease("c"), NOW_MS + 60_000).isHeld, true],
    ["and not before", (run) => run(lease("c"), NOW_MS + 59_999).isHeld, false],
    [
      "one that was renewed goes on",
      (run) => {
        run(lease("a"), NOW_MS + 50_000);
        run(lease("b"), NOW_MS + 50_000);
        return run(lease("c"), NOW_MS + 60_001).isHeld;
      },
      false,
    ],
    [
      "a lease is never longer than the longest",
      (run) => {
        run({ kind: "hold_stream", call: { id: "a", leaseMs: 1e12 } }, NOW_MS);
        return run(lease("c"), NOW_MS + 60_001).isHeld;
      },
      true,
    ],
    ["a clock that jumped back locks nobody out", (run) => run(lease("c"), NOW_MS - YEAR_MS).isHeld, true],
  ])("%s", (_, hold, expected) => {
    const { run } = ledgerOf(termsOf());
    expect([run(lease("a"), NOW_MS).isHeld, run(lease("b"), NOW_MS).isHeld]).toEqual([true, true]);
    expect(hold(run)).toBe(expected);
  });
});
