import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BY_CRON, closePeriod } from "../../src/gateway/close_period.ts";
import { countedEnv } from "../support/counted_env.ts";
import { month, setClock } from "../support/months.ts";
import { testServices } from "../support/gateway.ts";

const TENANTS = 10_000;
const RUNS_IN_THREE_HOURS = (3 * 60) / 5;
/** What the paid plan gives an invocation, whose tasks share it. */
const CALLS_OF_A_RUN = 10_000;
/** Months of customers are closed at a tenth of the cron's scale: runs of the same shape, a tenth as long. */
const SCALE = 10;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

test("ten thousand tenants are closed within three hours of the cron, on the calls that a run has", async () => {
  const { period, startMs, endMs } = month("2046-12");
  const made = TENANTS / SCALE / 10;
  const ids = Array.from({ length: made }, (_, index) => `ten_many_${String(index).padStart(6, "0")}`);
  await env.DB.prepare(
    `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     SELECT value, 'Loja', '12ABC34501DE35', 'loja', ?2, 'active', ?3 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(ids), JSON.stringify({ name: "trial", allowance: null, tiers: [] }), startMs)
    .run();
  setClock(endMs + 24 * 3_600_000);
  const budget = { calls: BY_CRON.calls / SCALE, timeMs: BY_CRON.timeMs };
  let before = 0;
  let runs = 0;
  for (let isDone = false; !isDone; runs += 1) {
    const counted = countedEnv();
    const report = await closePeriod(testServices(counted.env), "cron", period, budget);
    if (!report.ok) throw new Error(report.failure.code);
    const { closed, remaining, status, failures } = report.value;
    expect(failures).toEqual([]);
    isDone = status === "closed";
    // The other tasks of the cron need some 3000.
    expect(counted.calls()).toBeLessThan((CALLS_OF_A_RUN - 3000) / SCALE);
    const closedNow = closed - before;
    if (remaining > 0) expect(closedNow * SCALE * RUNS_IN_THREE_HOURS).toBeGreaterThanOrEqual(TENANTS);
    before = closed;
  }
  expect(before).toBe(made);
  expect(runs).toBeGreaterThan(2);
});
