import { setTimeout as pause } from "node:timers/promises";
import type { RowCounts } from "../../support/counted_sql.ts";
import { lookupsWith, newTenant, type BenchTenant } from "../contenders.ts";
import { LoadGenerator } from "../load/load.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { spreadOf, table, written, type Spread } from "../statistics.ts";
import { order, startGrown, takeCounts, type GrownGateway } from "./growth/grown_gateway.ts";

/** One by one since the last cut: the journal is then as long as it gets. */
const TAIL_LOOKUPS = 490;
/** Lookups whose rows are counted, one at a time; with the tail they make no cut. */
const COUNTED_LOOKUPS = 5;
const LOOKUPS_A_STEP = 10_000;
/** What an hour without D1 leaves at 55 lookups a second. */
const TAKEN_OVER_EVENTS = 200_000;
const CONCURRENCY = 8;

export const MOST_ROWS_OF_A_START = 5000;

/** What an object with so many events that D1 does not have reads and writes. */
type BacklogRows = {
  readonly waiting: number;
  readonly start: RowCounts;
  readonly admit: readonly RowCounts[];
  readonly settle: readonly RowCounts[];
};

type Wait = { readonly what: string; readonly longestMs: Spread };
export type Backlog = { readonly rows: readonly BacklogRows[]; readonly waits: readonly Wait[] };

type Options = { readonly rounds: number; readonly seconds: number; readonly events: number };

/** A ledger that D1 does not take anything from, with nothing and with many events waiting. */
export async function measureBacklog(options: Options): Promise<Backlog> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const gateway = await startGrown(sandbox.url, "backlog");
  const load = new LoadGenerator();
  await order(gateway, "d1_down", { isDown: "true" });
  try {
    const rows: BacklogRows[] = [];
    const tenants: BenchTenant[] = [];
    for (const waiting of [0, options.events]) {
      const tenant = await newTenant(gateway.url);
      await wait(gateway, tenant, waiting);
      rows.push(await countRows(gateway, tenant, waiting));
      tenants.push(tenant);
    }
    return { rows, waits: await measureWaits(gateway, tenants, { ...options, load }) };
  } finally {
    load.stop();
    await gateway.worker.stop();
    sandbox.stop();
  }
}

/** Has events wait in a tenant's ledger, the last of them of lookups that came one by one. */
async function wait(gateway: GrownGateway, { tenantId, keyId }: BenchTenant, waiting: number): Promise<void> {
  for (let left = waiting; left > 0; left -= LOOKUPS_A_STEP) {
    await order(gateway, "grow", { tenantId, keyId, lookups: Math.min(left, LOOKUPS_A_STEP) });
  }
  await order(gateway, "grow", { tenantId, keyId, lookups: TAIL_LOOKUPS, atOnce: 1 });
}

async function countRows(gateway: GrownGateway, { tenantId, key }: BenchTenant, waiting: number): Promise<BacklogRows> {
  await order(gateway, "restart", { tenantId });
  const start = await order<RowCounts>(gateway, "rows_since_start", { tenantId });
  await takeCounts(gateway);
  for (let n = 0; n < COUNTED_LOOKUPS; n += 1) await lookUp(gateway, key);
  const { admit, settle } = (await takeCounts(gateway)).rows;
  return { waiting, start, admit, settle };
}

async function lookUp(gateway: GrownGateway, key: string): Promise<void> {
  const response = await fetch(`${gateway.url}/v1/scores`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ cpf: "52998224725" }),
  });
  if (response.status !== 200) throw new Error(`a lookup answered ${response.status}: ${await response.text()}`);
  await response.text();
}

/** The longest that a lookup takes while its ledger's object ends and starts, all lookups answered with their score. */
async function measureWaits(
  gateway: GrownGateway,
  [empty, full]: readonly BenchTenant[],
  { rounds, seconds, events, load }: Options & { load: LoadGenerator },
): Promise<Wait[]> {
  if (empty === undefined || full === undefined) throw new Error("a tenant is missing");
  const durationMs = seconds * 1000;
  const longest = async ({ key }: BenchTenant, disturb: () => Promise<void>): Promise<number> => {
    const target = { url: gateway.url, requests: lookupsWith([key]) };
    await load.run(target, { concurrency: CONCURRENCY, warmUpMs: 0, durationMs: 200 });
    const running = load.run(target, { concurrency: CONCURRENCY, warmUpMs: 0, durationMs });
    await disturb();
    return (await running).latenciesMs.max;
  };
  const restarted = (tenant: BenchTenant) => async () => {
    await pause(durationMs / 2);
    await order(gateway, "restart", { tenantId: tenant.tenantId });
  };
  const waits = {
    "nothing happens": () => longest(empty, () => Promise.resolve()),
    "started again, little waiting": () => longest(empty, restarted(empty)),
    [`started again, ${events} events waiting`]: () => longest(full, restarted(full)),
    "taken over from schema version 1, nothing waiting": () => takenOver(0),
    [`taken over from schema version 1, ${TAKEN_OVER_EVENTS} events waiting`]: () => takenOver(TAKEN_OVER_EVENTS),
  };
  // Nothing is under way when the object becomes an old one: lookups that are open would be lost with it.
  async function takenOver(waiting: number): Promise<number> {
    const tenant = await newTenant(gateway.url);
    const { tenantId, key } = tenant;
    await lookUp(gateway, key);
    await order(gateway, "age", { tenantId, waiting });
    await order(gateway, "restart", { tenantId });
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: CONCURRENCY }, () => lookUp(gateway, key)));
    return performance.now() - startedMs;
  }
  const measured = Object.keys(waits).map(() => [] as number[]);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, measure] of Object.values(waits).entries()) measured[index]?.push(await measure());
  }
  return Object.keys(waits).map((what, index) => ({ what, longestMs: spreadOf(measured[index] ?? []) }));
}

export function printBacklog({ rows, waits }: Backlog): string {
  const counts = table(
    ["events waiting", "a start reads", "at most", "admit reads", "writes", "settle reads", "writes"],
    rows.map(({ waiting, start, admit, settle }) => [
      String(waiting),
      String(start.read),
      String(MOST_ROWS_OF_A_START),
      ...[admit, settle].flatMap((calls) => [
        written(spreadOf(calls.map(({ read }) => read)), 0),
        written(spreadOf(calls.map((call) => call.written)), 0),
      ]),
    ]),
  );
  const longest = table(
    [`the longest of all lookups, ${CONCURRENCY} at once, while their object is`, "ms"],
    waits.map(({ what, longestMs }) => [what, written(longestMs, 0)]),
  );
  return `${counts}

${longest}`;
}
