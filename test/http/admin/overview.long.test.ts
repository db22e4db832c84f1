import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { CLARO_MS_BOUNDS, emptyDay, type DaySums } from "../../../src/domain/ledger/day_sums.ts";
import { saoPauloDate } from "../../../src/domain/period.ts";
import { sumUsage } from "../../../src/gateway/sum_usage.ts";
import { admin, testServices } from "../../support/gateway.ts";

const DAY_MS = 86_400_000;
const TENANTS = 1000;
const DAYS = 60;
/** A million events: a day of a tenant has about 17 of them. */
const A_DAY = Math.ceil(1_000_000 / TENANTS / DAYS);
/** And one tenant whose batches are full: they are all that the failures are looked for in. */
const FULL_BATCHES = 200;
const FULL_BATCH = 500;
const TRIES = 7;
/** Of one sum over every day of every tenant, the plainest query there is, on the same machine in the same run. */
const MOST_OF_ONE_SUM = 3;

test(
  "the overview answers quickly with a thousand tenants and a million events behind, each on a cap and an allowance",
  { timeout: 300_000 },
  async () => {
    const nowMs = Date.now();
    await fill(nowMs);
    const read = async () => {
      const startedAtMs = performance.now();
      const response = await admin("/overview");
      const { today, failures } = await response.json<{ today: { requests: number }; failures: object[] }>();
      const tookMs = performance.now() - startedAtMs;
      expect(today.requests).toBe(TENANTS * A_DAY);
      expect(failures).toHaveLength(1);
      return tookMs;
    };
    const first = await read();
    // As the cron does, and as the first reading has begun to where there is none.
    await sumUsage(testServices());
    const later: number[] = [];
    for (let count = 0; count < TRIES; count += 1) later.push(await read());
    const sums: number[] = [];
    for (let count = 0; count < TRIES; count += 1) {
      const startedAtMs = performance.now();
      const billed = await env.DB.prepare("SELECT sum(sums->>'$.billed') AS n FROM usage_days").first<number>("n");
      sums.push(performance.now() - startedAtMs);
      expect(billed).toBe(TENANTS * DAYS * (A_DAY - 2));
    }
    console.log(
      `overview with ${TENANTS} tenants and ${TENANTS * DAYS * A_DAY} events: ${later.map(Math.round).join(", ")} ms, at first ${Math.round(first)} ms; one sum over all days: ${sums.map(Math.round).join(", ")} ms`,
    );
    expect(Math.min(...later) / Math.min(...sums)).toBeLessThan(MOST_OF_ONE_SUM);
  },
);

async function fill(nowMs: number): Promise<void> {
  const ids = JSON.stringify(Array.from({ length: TENANTS }, (_, n) => n));
  const plan = JSON.stringify({
    allowance: { requests: 2 * DAYS * A_DAY, endsAt: null },
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
  await env.DB.prepare(
    `INSERT INTO event_batches SELECT 'ten_many' || value, 'live', 1, ?1, ?2 FROM json_each(?3) WHERE value > 0`,
  )
    .bind(A_DAY, eventsOf(1, A_DAY, nowMs - DAY_MS / 2), ids)
    .run();
  for (let batch = 0; batch < FULL_BATCHES; batch += 1) {
    const first = batch * FULL_BATCH + 1;
    const events = eventsOf(first, FULL_BATCH, nowMs - (FULL_BATCHES - batch) * 60_000);
    await env.DB.prepare("INSERT INTO event_batches VALUES ('ten_many0', 'live', ?, ?, ?)")
      .bind(first, first + FULL_BATCH - 1, events)
      .run();
  }
}

/** A batch of events as a ledger copies it; one in ten has failed. */
function eventsOf(first: number, count: number, atMs: number): string {
  const text = (name: string, length: number) => name.padEnd(length, "0123456789abcdef");
  return JSON.stringify(
    Array.from({ length: count }, (_, index) => ({
      seq: first + index,
      id: text("lkp_", 30),
      occurred_at: atMs + index * 100,
      key_id: "csg_live_aaaaaaaaaa",
      reference: text("pedido-", 20),
      outcome: index % 10 === 9 ? "failed" : "delivered",
      billed: 1,
      units: 1,
      unit_price_micros: 450_000,
      amount_micros: 450_000,
      transaction_id: text("tx_", 36),
      cpf_reference: text("v1:", 46),
      kind: "lookup",
      corrects: null,
      failure_code: index % 10 === 9 ? "claro_timeout" : null,
      claro_ms: 184,
    })),
  );
}

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
