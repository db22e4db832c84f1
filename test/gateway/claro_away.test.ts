import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { healthAnswer } from "../../src/http/admin/health.ts";
import { admin, lookup, newTenant, persons, sandbox } from "../support/gateway.ts";
import { failureCode, usageOf } from "../support/shapes.ts";

const CPF = "52998224725";
const HOUR_MS = 3_600_000;
const startMs = Date.now();

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: startMs });
  await sandbox("reset");
});

afterEach(() => {
  vi.useRealTimers();
});

test("a day without Claro costs nobody anything, and lookups pass with the first that succeeds", async () => {
  const tenants = await Promise.all([newTenant(), newTenant()]);
  await sandbox("faults", [{ target: "score", kind: "status", status: 503 }]);
  const seen = new Set<string>();
  for (let hour = 0; hour < 24; hour += 4) {
    vi.setSystemTime(startMs + hour * HOUR_MS);
    for (const cpf of persons(10, 20 * hour)) {
      for (const { key } of tenants) {
        const answer = await lookup(key, cpf);
        seen.add(`${answer.status} ${await failureCode(answer)}`);
      }
    }
  }
  expect(
    [...seen].every((each) => /^50[23] claro_/.test(each)),
    [...seen].join(),
  ).toBe(true);
  expect(seen).toContain("503 claro_unreachable");
  expect((await health()).claro.breaker?.state).not.toBe("closed");
  for (const tenant of tenants) expect(Object.keys(await usageOf(tenant))).toEqual(["requests", "failed"]);

  await sandbox("reset");
  vi.setSystemTime(startMs + 24 * HOUR_MS);
  for (const { key } of [...tenants, ...tenants]) expect((await lookup(key, CPF)).status).toBe(200);
  expect((await health()).claro).toMatchObject({ breaker: { state: "closed" }, token: { failures: 0 } });
  for (const tenant of tenants) expect(await usageOf(tenant)).toMatchObject({ delivered: 2, billed: 2 });
});

async function health() {
  return healthAnswer.parse(await (await admin("/health")).json());
}
