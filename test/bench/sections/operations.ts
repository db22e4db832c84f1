import { ASSUMED, billOf, type Bill, type BillLine } from "../bill.ts";
import { NOTHING, plus, times, type Counts } from "../counting/counts.ts";
import {
  countOperations,
  DAYS_A_MONTH,
  LOOKUPS_A_MONTH,
  MANY_TENANTS,
  PACED_LOOKUPS,
  QUIET_LOOKUPS,
  TOGETHER,
  type Measured,
} from "../counting/months.ts";
import { startGateway } from "../contenders.ts";
import { LoadGenerator } from "../load/load.ts";
import { PRICES_READ_ON } from "../prices.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { cpuMs } from "../runtime/process_usage.ts";
import { table } from "../statistics.ts";

const CRON_RUNS_A_MONTH = DAYS_A_MONTH * 24 * 12;

/** Of one tenant, warm. */
export const TARGET_USD = 3.6;
/** Of a thousand tenants, and of one whose requests have idempotency keys. */
export const TARGET_DEAR_USD = 5;
/** Of one tenant whose partners ask at once. */
export const TARGET_AT_ONCE_USD = 1.8;

export type PriceRow = { readonly name: string; readonly bill: Bill };
export type OperationsRows = {
  readonly measured: Measured;
  readonly cpuMsPerLookup: number;
  readonly prices: readonly PriceRow[];
};

export async function measureOperations(options: { seconds: number }): Promise<OperationsRows> {
  const measured = await countOperations();
  const cpuMsPerLookup = await measureCpu(options.seconds);
  return { measured, cpuMsPerLookup, prices: priceCases(measured, cpuMsPerLookup) };
}

/** Of the whole process under load: the Worker's own, and what stands in for KV, D1 and the objects' storage here. */
async function measureCpu(seconds: number): Promise<number> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const gateway = await startGateway(sandbox.url);
  const load = new LoadGenerator();
  const durationMs = seconds * 1000;
  await load.run(gateway, { concurrency: 8, warmUpMs: 0, durationMs });
  const beforeMs = cpuMs(gateway.worker.pid);
  const { answers } = await load.run(gateway, { concurrency: 8, warmUpMs: 0, durationMs });
  const usedMs = cpuMs(gateway.worker.pid) - beforeMs;
  load.stop();
  await gateway.worker.stop();
  sandbox.stop();
  return usedMs / answers;
}

/** What a million lookups in a month cost, each case put together from what was counted. */
export function priceCases(measured: Measured, cpuMsPerLookup: number): PriceRow[] {
  const { life, lookups, cron } = measured;
  const cold = {
    ...NOTHING,
    kvReads: lookups.cold.counts.kvReads - lookups.warm.counts.kvReads,
    sharedRequests: lookups.cold.counts.sharedRequests - lookups.warm.counts.sharedRequests,
    r2ClassB: lookups.cold.counts.r2ClassB - lookups.warm.counts.r2ClassB,
  };
  const many = { tenants: MANY_TENANTS, cron: cron.manyTenants };
  const one = { tenants: 1, cron: cron.oneTenant };
  const price = (name: string, life: Counts, { tenants, cron }: typeof one): PriceRow => {
    const counts = plus(
      times(plus(life, measured.statement.perEvent), LOOKUPS_A_MONTH),
      times(measured.statement.each, tenants),
      times(cron, CRON_RUNS_A_MONTH),
      times(measured.tokenADay, DAYS_A_MONTH),
    );
    const { emptyLedgers, ledgerPerEvent, d1PerEvent } = measured.bytes;
    const events = LOOKUPS_A_MONTH * (ASSUMED.eventsKeptDays / DAYS_A_MONTH);
    const bill = billOf({
      lookups: LOOKUPS_A_MONTH,
      counts,
      cpuMs: cpuMsPerLookup * LOOKUPS_A_MONTH,
      ledgerBytes: emptyLedgers * tenants + ledgerPerEvent * events,
      d1Bytes: d1PerEvent * events,
    });
    return { name, bill };
  };
  return [
    price("1 tenant, warm", life.busyTenant, one),
    price("1 tenant, cold", plus(life.busyTenant, cold), one),
    price("1000 tenants, warm", life.quietTenant, many),
    price("1000 tenants, cold", plus(life.quietTenant, cold), many),
    price("1 tenant, warm, 32 at once", life.together, one),
    price("1 tenant, warm, idempotency keys", life.repeatable, one),
  ];
}

export function printOperations({ measured, cpuMsPerLookup, prices }: OperationsRows): string {
  const { warm, repeatable, cold } = measured.lookups;
  const single = table(
    [
      "one lookup, by itself",
      "calls in a row, Claro's included",
      "objects: requests",
      "objects: rows written",
      "KV: reads",
      "D1",
    ],
    Object.entries({ warm, "warm, with an idempotency key": repeatable, cold }).map(([name, { steps, counts }]) => [
      name,
      String(steps),
      String(counts.ledgerRequests + counts.sharedRequests),
      String(counts.ledgerRowsWritten),
      String(counts.kvReads),
      String(counts.d1RowsRead + counts.d1RowsWritten),
    ]),
  );
  const names = prices.map(({ name }) => name);
  const lines = (prices[0]?.bill.lines ?? []).map(({ operation, price }, index) => ({
    operation,
    price,
    ofCases: prices.map(({ bill }) => bill.lines[index] as BillLine),
  }));
  const amounts = table(
    ["operations a lookup", "US$", ...names],
    lines.map(({ operation, price, ofCases }) => [operation, price, ...ofCases.map((line) => counted(line.perLookup))]),
  );
  const bills = table(
    ["US$ a million lookups", ...names],
    [
      ...lines.map(({ operation, ofCases }) => [operation, ...ofCases.map((line) => line.usdPerMillion.toFixed(3))]),
      ["all", ...prices.map(({ bill }) => bill.usdPerMillion.toFixed(2))],
    ],
  );
  return [single, amounts, bills, explanation(cpuMsPerLookup)].join("\n\n");
}

function counted(perLookup: number): string {
  return perLookup >= 100 ? perLookup.toFixed(0) : perLookup.toFixed(3);
}

function explanation(cpuMsPerLookup: number): string {
  return [
    `Target: at most US$ ${TARGET_USD.toFixed(2)} a million of one tenant, warm, ${TARGET_AT_ONCE_USD.toFixed(2)} where 32 ask at once, ${TARGET_DEAR_USD.toFixed(2)} of a thousand tenants and with idempotency keys. Published prices as of ${PRICES_READ_ON}, beyond what the plan includes.`,
    `Counted in workerd: ${PACED_LOOKUPS} lookups of one tenant and ${QUIET_LOOKUPS} of a tenant with a thousandth of the traffic, at the`,
    "pace of a million a month, with every alarm, flush, delete, closing, archive and prune; the second with its ledger out",
    `of memory before each. Derived: times a million; ${CRON_RUNS_A_MONTH} runs of the cron; a day of Claro's token times ${DAYS_A_MONTH}; cold is`,
    "what the first lookup of an isolate does beside a warm one's, for every lookup.",
    `At once: ${TOGETHER.partners} partners, Claro takes ${TOGETHER.claroMs} ms, a commit ${TOGETHER.commitMs} ms.`,
    `Measured: ${cpuMsPerLookup.toFixed(2)} ms of CPU a lookup, of the whole local process. Assumed: an object is busy for ${ASSUMED.callMs} ms a call`,
    `and ${ASSUMED.alarmMs} ms an alarm, and free while it waits; ${ASSUMED.logLineExtraBytes} bytes beside our own in a log line; an event stays`,
    `${ASSUMED.eventsKeptDays} days in its object and D1 on average. Statements stay in R2: each month more is its line there again.`,
  ].join("\n");
}
