import { expect } from "vitest";
import { call, lookup, newTenant, sandbox } from "./gateway.ts";

const CPF = "52998224725";
const AT_ONCE = 100;

export type Usage = {
  totals: { requests: number; delivered: number; failed: number; amount: string };
  allowance: { limit: number; used: number; remaining: number } | null;
};

/** Of many lookups, 100 at a time, exactly as many as `allowed` reach Claro and are counted; the others are refused as over quota. */
export async function expectExactQuota({ allowed, waves }: { allowed: number; waves: number }): Promise<void> {
  // Claro's token is had by then: what a new isolate waits for is no part of the first wave's time budget.
  expect((await lookup((await newTenant()).key, CPF)).status).toBe(200);
  const tenant = await newTenant({ plan: { allowance: { requests: allowed } } });
  await sandbox("reset");
  const answers = await inWaves({ waves, of: AT_ONCE }, () => lookup(tenant.key, CPF));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(allowed);
  const refused = answers.filter(({ status }) => status !== 200);
  const reasons = refused.map(async (answer) => `${answer.status} ${(await answer.json<{ code: string }>()).code}`);
  expect(new Set(await Promise.all(reasons))).toEqual(new Set(["429 quota_exceeded"]));
  expect(await scoresAsked()).toBe(allowed);
  expect(await usageOf(tenant.key)).toMatchObject({
    totals: { requests: allowed, delivered: allowed },
    allowance: { limit: allowed, used: allowed, remaining: 0 },
  });
}

/** Calls that run `of` at a time, so that what they wait for each other is no part of their time budget. */
export async function inWaves<Value>(size: { waves: number; of: number }, run: () => Promise<Value>): Promise<Value[]> {
  const values: Value[] = [];
  for (let wave = 0; wave < size.waves; wave += 1) {
    values.push(...(await Promise.all(Array.from({ length: size.of }, run))));
  }
  return values;
}

export async function usageOf(key: string): Promise<Usage> {
  return await (await call("/v1/usage", { headers: { "x-api-key": key } })).json<Usage>();
}

async function scoresAsked(): Promise<number> {
  return (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls;
}
