import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { CLARO_MS_BOUNDS, emptyDay, type DaySums } from "../../../src/domain/ledger/day_sums.ts";
import { saoPauloDate } from "../../../src/domain/period.ts";
import { admin } from "../../support/gateway.ts";

const DAY_MS = 86_400_000;
const TENANTS = 1000;
const DAYS = 60;
/** A million events: a day of a tenant has about 17 of them. */
const A_DAY = Math.ceil(1_000_000 / TENANTS / DAYS);
const TRIES = 5;
/** Of reading every day of every tenant, on the same machine in the same run: the day's and the month's sums are a few. */
const MOST_OF_READING_ALL = 0.5;

test(
  "the overview answers quickly with a thousand tenants and a million events behind",
  { timeout: 300_000 },
  async () => {
    const nowMs = Date.now();
    const ids = JSON.stringify(Array.from({ length: TENANTS }, (_, n) => n));
    const plan = JSON.stringify({
      allowance: null,
      tiers: [{ upTo: null, unitPriceMicros: 1 }],
      monthlySpendCapMicros: 1_000_000,
    });
    await env.DB.prepare(
      `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     SELECT 'ten_many' || value, 'Loja ' || value, '12ABC34501DE35', 'loja', ?1, 'active', ?2 FROM json_each(?3)`,
    )
      .bind(plan, nowMs - 90 * DAY_MS, ids)
      .run();
    for (let day = 0; day < DAYS; day += 1) {
      const date = saoPauloDate(nowMs - day * DAY_MS);
      await env.DB.prepare(
        `INSERT INTO usage_days (date, tenant_id, mode, last_seq, sums) SELECT ?1, 'ten_many' || value, 'live', 1, ?2 FROM json_each(?3)`,
      )
        .bind(date, JSON.stringify(sumsOf(date)), ids)
        .run();
    }
    const took: number[] = [];
    for (let count = 0; count < TRIES; count += 1) {
      const startedAtMs = performance.now();
      const response = await admin("/overview");
      const { today } = await response.json<{ today: { requests: number } }>();
      took.push(performance.now() - startedAtMs);
      expect(today.requests).toBe(TENANTS * A_DAY);
    }
    const best = Math.min(...took);
    const startedAtMs = performance.now();
    const { results } = await env.DB.prepare("SELECT sums FROM usage_days").all<{ sums: string }>();
    const days = results.map(({ sums }) => JSON.parse(sums) as DaySums);
    const allMs = performance.now() - startedAtMs;
    expect(days).toHaveLength(TENANTS * DAYS);
    console.log(
      `overview with ${TENANTS} tenants and ${TENANTS * DAYS * A_DAY} events: ${took.map(Math.round).join(", ")} ms; all rows: ${Math.round(allMs)} ms`,
    );
    expect(best / allMs).toBeLessThan(MOST_OF_READING_ALL);
  },
);

/** A day as a ledger sums it: some hours, two keys, a histogram. */
function sumsOf(date: string): DaySums {
  const counts: DaySums["counts"] = [A_DAY - 2, 1, 0, 1, 0];
  const key = { counts, billed: A_DAY - 2, units: A_DAY - 2, amountMicros: 1000 };
  return {
    ...emptyDay(date, 1),
    lastSeq: A_DAY,
    counts,
    billed: A_DAY - 2,
    units: A_DAY - 2,
    amountMicros: 1000,
    hours: Object.fromEntries(
      Array.from({ length: 12 }, (_, hour) => [
        String(hour + 8).padStart(2, "0"),
        [1, 0, 0, 0, 0] as DaySums["counts"],
      ]),
    ),
    keys: { csg_live_aaaaaaaaaa: key, csg_live_bbbbbbbbbb: key },
    claroMs: Array.from({ length: CLARO_MS_BOUNDS.length + 1 }, () => 1),
  };
}
