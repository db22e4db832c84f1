import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { closeDuePeriods, closePeriod } from "../../src/gateway/close_period.ts";
import { servicesOf } from "../../src/platform/services.ts";
import { lookup, newTenant } from "../support/gateway.ts";
import { bundle, close, month, setClock, verifyDownloaded } from "../support/months.ts";

const TENANTS = 40;
const { period, startMs, endMs } = month("2046-11");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(startMs);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("a month of many tenants is closed in bounded pieces, and one that cannot be closed holds up nobody", async () => {
  const ids: string[] = [];
  for (let made = 0; made < TENANTS; made += 1) {
    setClock(startMs + made);
    ids.push((await newTenant()).tenantId);
  }
  const broken = await newTenant();
  await lookup(broken.key, "52998224725");
  setClock(endMs);
  // The ledger has an event that D1 will not give back.
  const prepare = env.DB.prepare.bind(env.DB);
  const failing = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
    if (sql.includes("FROM event_batches, json_each")) throw new Error("D1_ERROR: Network connection lost");
    return prepare(sql);
  });

  const first = await close(period);
  expect(first).toMatchObject({ httpStatus: 202, status: "closing" });
  expect(first.closed).toBeGreaterThan(10);
  expect(first.closed).toBeLessThan(TENANTS);
  const second = await close(period);
  expect(second).toMatchObject({ status: "closing", closed: TENANTS, remaining: 1 });
  expect(second.failures).toEqual([{ tenantId: broken.tenantId, period, reason: "unavailable", seq: null }]);
  const third = await close(period);
  expect(third).toMatchObject({ closed: TENANTS, remaining: 1, failures: second.failures });

  // The cron goes on with what was begun by hand, long before its own grace is over.
  failing.mockRestore();
  const services = servicesOf(env);
  if (!services.ok) throw new Error("misconfigured");
  await closeDuePeriods(services.value);
  expect(await close(period)).toMatchObject({ httpStatus: 200, closed: TENANTS + 1, remaining: 0, failures: [] });
  for (const tenantId of [ids[0] ?? "", ids.at(-1) ?? "", broken.tenantId]) {
    expect(await verifyDownloaded(await bundle(tenantId, period))).toEqual([]);
  }
  const audit = await env.DB.prepare(
    "SELECT actor, count(*) AS n FROM audit WHERE action LIKE '%.close' GROUP BY actor ORDER BY actor",
  ).all();
  expect(audit.results).toEqual([
    { actor: "admin-token", n: TENANTS + 1 },
    { actor: "cron", n: 1 },
  ]);
});

test("a month too long for what is left of a run's calls is closed by a run of its own", async () => {
  const earlier = month("2045-05");
  setClock(earlier.startMs);
  const small = await newTenant();
  setClock(earlier.startMs + 1);
  const large = await newTenant();
  setClock(earlier.endMs);
  const made = servicesOf(env);
  if (!made.ok) throw new Error("misconfigured");
  // Two thirds of a million events, none of which D1 has: whoever begins to read them finds that out.
  const long = { closePeriod: async () => ({ kind: "closed", range: { first: 1, last: 666_666 } }) };
  const getByName = (name: string) => (name.startsWith(large.tenantId) ? long : env.TENANT_LEDGER.getByName(name));
  const services = { ...made.value, ledgers: { getByName } as unknown as typeof made.value.ledgers };

  const first = await closePeriod(services, "test", earlier.period);
  expect(first).toMatchObject({ ok: true, value: { status: "closing", closed: 1, remaining: 1, failures: [] } });
  const second = await closePeriod(services, "test", earlier.period);
  const gap = { tenantId: large.tenantId, period: earlier.period, reason: "sequence_gap", seq: 1 };
  expect(second).toMatchObject({ ok: true, value: { status: "closing", closed: 1, failures: [gap] } });
  expect(await services.statements.statement(small.tenantId, earlier.period)).not.toBeNull();
});
