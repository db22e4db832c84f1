import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { closeDuePeriods, closePeriod } from "../../src/gateway/close_period.ts";
import { lookup, newTenant, testServices } from "../support/gateway.ts";
import { bundle, month, setClock, verifyDownloaded } from "../support/months.ts";

const TENANTS = 40;
const SMALL_RUN = { calls: 400, timeMs: 20_000 };
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
    if (sql.includes("SELECT first_seq, events FROM event_batches"))
      throw new Error("D1_ERROR: Network connection lost");
    return prepare(sql);
  });
  const close = async () => {
    const report = await closePeriod(testServices(), "somebody", period, SMALL_RUN);
    if (!report.ok) throw new Error(report.failure.code);
    return report.value;
  };

  const first = await close();
  expect(first.status).toBe("closing");
  expect(first.closed).toBeGreaterThan(10);
  expect(first.closed).toBeLessThan(TENANTS);
  let last = first;
  for (let run = 0; run < 3 && last.closed < TENANTS; run += 1) last = await close();
  expect(last).toMatchObject({ status: "closing", closed: TENANTS, remaining: 1 });
  const failures = [{ tenantId: broken.tenantId, period, reason: "unavailable", seq: null }];
  expect(await close()).toMatchObject({ closed: TENANTS, remaining: 1, failures });

  // The cron goes on with what was begun by hand, long before its own grace is over, when it is the month's turn again.
  failing.mockRestore();
  await closeDuePeriods(testServices());
  expect(await testServices().statements.statement(broken.tenantId, period)).toBeNull();
  setClock(endMs + 2 * 3_600_000);
  await closeDuePeriods(testServices());
  expect(await close()).toMatchObject({ status: "closed", closed: TENANTS + 1, remaining: 0, failures: [] });
  for (const tenantId of [ids[0] ?? "", ids.at(-1) ?? "", broken.tenantId]) {
    expect(await verifyDownloaded(await bundle(tenantId, period))).toEqual([]);
  }
  expect((await testServices().statements.problems(1)).count).toBe(0);
  const audit = await env.DB.prepare(
    "SELECT actor, count(*) AS n FROM audit WHERE action LIKE '%.close' GROUP BY actor ORDER BY actor",
  ).all();
  expect(audit.results).toEqual([
    { actor: "cron", n: 1 },
    { actor: "somebody", n: TENANTS + 1 },
  ]);
});

test("a month too long for what is left of a run's calls is closed by a run of its own", async () => {
  const earlier = month("2045-05");
  setClock(earlier.startMs);
  const small = await newTenant();
  setClock(earlier.startMs + 1);
  const large = await newTenant();
  setClock(earlier.endMs);
  const real = testServices();
  // Two thirds of a million events, none of which D1 has: whoever begins to read them finds that out.
  const long = {
    closePeriod: async () => ({ kind: "closed", range: { first: 1, last: 666_666 }, isCopied: true }),
    heldEvents: async () => null,
  };
  const getByName = (name: string) => (name.startsWith(large.tenantId) ? long : env.TENANT_LEDGER.getByName(name));
  const disturbed = { ...real, ledgers: { getByName } as unknown as typeof real.ledgers };

  const first = await closePeriod(disturbed, "test", earlier.period, SMALL_RUN);
  expect(first).toMatchObject({ ok: true, value: { status: "closing", closed: 1, remaining: 1, failures: [] } });
  const second = await closePeriod(disturbed, "test", earlier.period, SMALL_RUN);
  const gap = { tenantId: large.tenantId, period: earlier.period, reason: "sequence_gap", seq: 1 };
  expect(second).toMatchObject({ ok: true, value: { status: "closing", closed: 1, failures: [gap] } });
  expect(await real.statements.statement(small.tenantId, earlier.period)).not.toBeNull();
});

let monthsLeft = 12;

test.each([
  { events: 1000, atOnce: 4 },
  { events: 1001, atOnce: 3 },
  { events: 2000, atOnce: 2 },
  { events: 2001, atOnce: 1 },
  { events: 50_000, atOnce: 1 },
])("months of $events events are read $atOnce at once: their buffers share an isolate", async ({ events, atOnce }) => {
  // Before all other tenants of this file.
  const earlier = month(`2044-${String(monthsLeft--).padStart(2, "0")}`);
  setClock(earlier.startMs);
  for (let made = 0; made < 9; made += 1) await newTenant();
  setClock(earlier.endMs);
  const reading = { now: 0, most: 0, all: 0 };
  const ledger = {
    closePeriod: async () => ({ kind: "closed", range: { first: 1, last: events } }),
    heldEvents: async () => {
      reading.now += 1;
      reading.all += 1;
      reading.most = Math.max(reading.most, reading.now);
      await scheduler.wait(100);
      reading.now -= 1;
      return null;
    },
  };
  const ledgers = { getByName: () => ledger } as unknown as ReturnType<typeof testServices>["ledgers"];
  const closed = await closePeriod({ ...testServices(), ledgers }, "test", earlier.period);
  expect(closed.ok && closed.value.failures.length).toBe(9);
  expect(reading).toEqual({ now: 0, most: atOnce, all: 9 });
});
