import type { BenchTenant } from "../../contenders.ts";
import { IsolateMemory } from "../../runtime/isolate_memory.ts";
import { cpuMs, forgetPeakMemory, peakMemoryMib } from "../../runtime/process_usage.ts";
import { spreadOf, type Spread } from "../../statistics.ts";
import { flush, order, PERIOD, takeCounts, type GrownGateway } from "./grown_gateway.ts";
import type { Series } from "./series.ts";

/** One takes less than can be measured. */
const USAGE_CALLS = 50;
/** What the platform gives an isolate. */
export const MOST_ISOLATE_MIB = 128;
/** The largest of a month's files. */
export const FILE = "events.jsonl";
const LONGEST_ARCHIVING_RUNS = 100;

export type GrownTenant = BenchTenant & { readonly size: number };

/** What one piece of work took. Memory is the most at any moment. */
export type Cost = {
  readonly seconds: number;
  /** The whole runtime's, with the D1 and R2 that it simulates. */
  readonly cpuSeconds: number;
  /** The Worker's own: what the platform bills. */
  readonly ownSeconds: number;
  readonly isolateMib: number;
  /** Half of the time it is less. */
  readonly isolateMedianMib: number;
  readonly processMib: number;
  /** Where work is done in several invocations, those of all of them. */
  readonly calls: number;
};

/** Each kind of cost of everything that is done with a month. */
export type MonthCosts = Readonly<Record<keyof Cost | "ledgerRows", readonly Series[]>>;

/** What one month's work came to, by its name, and what a usage report read in the ledger. */
export type MonthOf = { readonly size: number; readonly costs: ReadonlyMap<string, Cost>; readonly usageRows: Spread };

/** Usage, files and close of a month of each size. */
export async function measureMonths(gateway: GrownGateway, tenants: readonly GrownTenant[]): Promise<MonthCosts> {
  const memory = await IsolateMemory.of(gateway.worker, gateway.name);
  const months: MonthOf[] = [];
  for (const tenant of tenants) months.push(await measureMonth(gateway, memory, tenant));
  memory.close();
  const works = [...(months[0]?.costs.keys() ?? [])];
  const series = (of: keyof Cost): Series[] =>
    works.map((name) => ({
      name,
      points: months.map(({ size, costs }) => ({ size, value: spreadOf([costs.get(name)?.[of] ?? Number.NaN]) })),
    }));
  const usageRows = months.map((month) => ({ size: month.size, value: month.usageRows }));
  return {
    seconds: series("seconds"),
    cpuSeconds: series("cpuSeconds"),
    ownSeconds: series("ownSeconds"),
    isolateMib: series("isolateMib"),
    isolateMedianMib: series("isolateMedianMib"),
    processMib: series("processMib"),
    calls: series("calls"),
    ledgerRows: [{ name: "usage report, rows read", points: usageRows }],
  };
}

/** Everything that is done with one month, in the order of its life. */
export async function measureMonth(
  gateway: GrownGateway,
  memory: IsolateMemory,
  tenant: GrownTenant,
): Promise<MonthOf> {
  const { tenantId, key, size } = tenant;
  const costs = new Map<string, Cost>();
  const measure = async (name: string, work: () => Promise<void>) => {
    costs.set(name, await costOf(gateway, memory, work));
  };
  const path = `/v1/statements/${PERIOD}`;
  const download = async () => {
    const lines = await read(gateway, `${path}/${FILE}`, key);
    if (lines !== size) throw new Error(`${FILE} had ${lines} lines instead of ${size}`);
  };
  const usage = async () => void (await read(gateway, `/v1/usage?from=${PERIOD}-01&to=${PERIOD}-31`, key));

  // What a lookup has just left behind is not yet a day's sum.
  await flush(gateway, tenant);
  await takeCounts(gateway);
  await usage();
  const usageRows = spreadOf((await takeCounts(gateway)).rows.usage.map((rows) => rows.read));
  await measure(`${USAGE_CALLS} usage reports`, async () => {
    for (let call = 0; call < USAGE_CALLS; call += 1) await usage();
  });
  await measure("open month, its sums", async () => void (await read(gateway, path, key)));
  await measure("open month, a file", download);
  await measure("close, all files to R2", async () => {
    const closed = await order<{ ok: boolean }>(gateway, "close", { tenantId, period: PERIOD });
    if (!closed.ok) throw new Error(`the month was not closed: ${JSON.stringify(closed)}`);
  });
  await measure("check in R2, leave D1", async () => await archiveAll(gateway));
  await measure("closed month, a file", download);
  return { size, costs, usageRows };
}

/** Has the events of all closed months verified in R2 and deleted from D1, as the cron does with each of its runs. */
async function archiveAll(gateway: GrownGateway): Promise<void> {
  const db = await gateway.worker.miniflare.getD1Database("DB");
  for (let run = 0; run < LONGEST_ARCHIVING_RUNS; run += 1) {
    await order(gateway, "archive", {});
    const left = await db.prepare("SELECT count(*) AS n FROM statements WHERE pruned_at IS NULL").first<number>("n");
    if (left === 0) return;
  }
  throw new Error("the month was not archived");
}

export async function costOf(gateway: GrownGateway, memory: IsolateMemory, work: () => Promise<void>): Promise<Cost> {
  const { pid } = gateway.worker;
  forgetPeakMemory(pid);
  const { value, peakMib, medianMib, ownSeconds } = await memory.measureDuring(async () => {
    await takeCounts(gateway);
    const cpuBeforeMs = cpuMs(pid);
    const startMs = performance.now();
    await work();
    const seconds = (performance.now() - startMs) / 1000;
    const cpuSeconds = (cpuMs(pid) - cpuBeforeMs) / 1000;
    return { seconds, cpuSeconds, calls: (await takeCounts(gateway)).calls };
  });
  return { ...value, ownSeconds, isolateMib: peakMib, isolateMedianMib: medianMib, processMib: peakMemoryMib(pid) };
}

/** Reads an answer to its end and gives the number of its lines, without keeping any of it. */
async function read({ url }: GrownGateway, path: string, key: string): Promise<number> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok || response.body === null) throw new Error(`${path} answered ${response.status}`);
  let lines = 0;
  for await (const chunk of response.body) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  return lines;
}
