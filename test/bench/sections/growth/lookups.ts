import { lookupsWith, newTenant, type BenchTenant } from "../../contenders.ts";
import type { LedgerRows } from "../../grown/ledger.ts";
import { LoadGenerator } from "../../load/load.ts";
import { cpuMs } from "../../runtime/process_usage.ts";
import { spreadOf } from "../../statistics.ts";
import { order, startGrown, takeCounts, type GrownGateway } from "./grown_gateway.ts";
import type { Series } from "./series.ts";

/** Enough that the gateway is never idle, little enough that its queue says nothing. */
const CONCURRENCY = 8;
/** Rows of one call can be told apart where one call runs at a time. */
const COUNTED_MS = 1000;
const TENANTS_MADE_AT_ONCE = 8;

/** Lookups of one size: with so many events behind their tenant, or of so many tenants. */
export type Sized = { readonly size: number; readonly gateway: GrownGateway; readonly keys: readonly string[] };

type Figures = { readonly p50Ms: number; readonly cpuMs: number; readonly thousandSeconds: number };
type Rows = Pick<LedgerRows, "admit" | "settle">;
type Run = { readonly sized: Sized; readonly requests: string[]; readonly figures: Figures[]; rows: Rows };

/**
 * What a lookup costs at each size: time and processor time in turns, so that what else the machine does strikes all
 * sizes alike, then rows.
 */
export async function measureLookups(
  sizes: readonly Sized[],
  options: { rounds: number; seconds: number },
): Promise<Series[]> {
  const load = new LoadGenerator();
  const runs = sizes.map((sized): Run => {
    return { sized, requests: lookupsWith(sized.keys), figures: [], rows: { admit: [], settle: [] } };
  });
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const run of runs) {
      const figures = await timeRound(load, run, options.seconds);
      // The first round is for the compiler.
      if (round > 0) run.figures.push(figures);
    }
  }
  for (const run of runs) run.rows = await countRows(load, run);
  load.stop();
  return [
    seriesOf(runs, "time, ms", ({ figures }) => figures.map(({ p50Ms }) => p50Ms)),
    seriesOf(runs, "CPU, ms", ({ figures }) => figures.map(({ cpuMs: ms }) => ms)),
    seriesOf(runs, "time of 1000, s", ({ figures }) => figures.map(({ thousandSeconds }) => thousandSeconds)),
    seriesOf(runs, "admit, rows read", ({ rows }) => rows.admit.map(({ read }) => read)),
    seriesOf(runs, "admit, rows written", ({ rows }) => rows.admit.map(({ written }) => written)),
    seriesOf(runs, "settle, rows read", ({ rows }) => rows.settle.map(({ read }) => read)),
    seriesOf(runs, "settle, rows written", ({ rows }) => rows.settle.map(({ written }) => written)),
  ];
}

async function timeRound(load: LoadGenerator, { sized, requests }: Run, roundSeconds: number): Promise<Figures> {
  const { worker, url } = sized.gateway;
  const before = cpuMs(worker.pid);
  const target = { url, requests };
  const result = await load.run(target, { concurrency: CONCURRENCY, warmUpMs: 0, durationMs: roundSeconds * 1000 });
  const { answers, seconds, latenciesMs } = result;
  rotate(requests, answers);
  return {
    p50Ms: latenciesMs.p50,
    cpuMs: (cpuMs(worker.pid) - before) / answers,
    thousandSeconds: (1000 * seconds) / answers,
  };
}

async function countRows(load: LoadGenerator, { sized, requests }: Run): Promise<Rows> {
  const { gateway } = sized;
  await takeCounts(gateway);
  await load.run({ url: gateway.url, requests }, { concurrency: 1, warmUpMs: 0, durationMs: COUNTED_MS });
  return (await takeCounts(gateway)).rows;
}

function seriesOf(runs: readonly Run[], name: string, of: (run: Run) => readonly number[]): Series {
  return { name, points: runs.map((run) => ({ size: run.sized.size, value: spreadOf(of(run)) })) };
}

/** How many rows of lookups each tenant's object holds. */
export async function measureHeld(
  gateway: GrownGateway,
  tenants: readonly { readonly tenantId: string; readonly size: number }[],
): Promise<Series> {
  const points = [];
  for (const { tenantId, size } of tenants) {
    points.push({ size, value: spreadOf([await order<number>(gateway, "held", { tenantId })]) });
  }
  return { name: "lookups held in the object", points };
}

/** A gateway with many tenants, each with a key. */
export async function startWithTenants(claroUrl: string, count: number): Promise<Sized> {
  const gateway = await startGrown(claroUrl, `tenants-${count}`);
  const keys: string[] = [];
  while (keys.length < count) {
    const some = Array.from({ length: Math.min(TENANTS_MADE_AT_ONCE, count - keys.length) }, () =>
      newTenant(gateway.url),
    );
    keys.push(...(await Promise.all(some)).map(({ key }: BenchTenant) => key));
  }
  return { size: count, gateway, keys };
}

/** So that each round goes on with the tenants that the one before did not reach. */
function rotate(requests: string[], by: number): void {
  requests.push(...requests.splice(0, by % requests.length));
}
