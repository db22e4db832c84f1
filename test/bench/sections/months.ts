import { setTimeout as pause } from "node:timers/promises";
import { linesOf } from "../../../src/platform/lines.ts";
import { REPORT_COLUMNS } from "../../../src/domain/claro_report.ts";
import { ADMIN_TOKEN, newTenant } from "../contenders.ts";
import { IsolateMemory } from "../runtime/isolate_memory.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { table } from "../statistics.ts";
import { grow, HOUR_MS, MONTH, PERIOD, setClock, startGrown, type GrownGateway } from "./growth/grown_gateway.ts";
import { costOf, FILE, measureMonth, type Cost } from "./growth/months.ts";
import { measureClosingHeap, type ClosingHeap } from "./months/closing_heap.ts";
import { measureEncoding, type Encoding } from "./months/encoding.ts";

/** From so many on all files of a month but its print are sent in parts, and a longer month needs no more memory. */
const CLOSING_HEAP_EVENTS = 100_000;
const MOST_STEPS = 1000;
const BETWEEN_STEPS_MS = 10;

export type MonthFigures = {
  readonly events: number;
  /** By what is done with the month, in the order in which it is done. */
  readonly costs: Readonly<Record<string, Cost>>;
  readonly usageRowsRead: number;
  /** Null where the month's report is longer than one request may be. */
  readonly reconciliation: ReconciliationFigures | null;
  readonly encoding: Encoding;
  readonly closingHeap: ClosingHeap;
};

type ReconciliationFigures = Cost & {
  readonly lines: number;
  readonly matched: number;
  readonly longestCallMs: number;
  readonly httpCalls: number;
};

/** As much as the platform takes of a request. */
const MOST_REPORT_BYTES = 100 * 1024 * 1024;

/** One tenant's month of `events`: its usage, its files, its close, and the comparison with Claro's report of it. */
export async function measureMonthFigures({ events }: { events: number }): Promise<MonthFigures> {
  const encoding = measureEncoding();
  const sandbox = await startSandbox({ latencyMs: 0 });
  const gateway = await startGrown(sandbox.url, "months");
  await setClock(gateway, MONTH.startMs);
  const tenant = { ...(await newTenant(gateway.url)), size: events };
  await grow(gateway, tenant, events);
  await setClock(gateway, MONTH.endMs + HOUR_MS);
  const memory = await IsolateMemory.of(gateway.worker, gateway.name);
  const { costs, usageRows } = await measureMonth(gateway, memory, tenant);
  const report = await reportOf(gateway, tenant.key);
  const reconciliation = report.text.length > MOST_REPORT_BYTES ? null : await reconcile(gateway, memory, report);
  memory.close();
  await gateway.worker.stop();
  sandbox.stop();
  const closingHeap = await measureClosingHeap([Math.min(events, CLOSING_HEAP_EVENTS)]);
  const usageRowsRead = usageRows.median;
  return { events, costs: Object.fromEntries(costs), usageRowsRead, reconciliation, encoding, closingHeap };
}

type Report = { readonly text: string; readonly lines: number };

/** What Claro would say of the month: each lookup that it delivered. */
async function reportOf({ url }: GrownGateway, key: string): Promise<Report> {
  const response = await fetch(`${url}/v1/statements/${PERIOD}/${FILE}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  if (!response.ok || response.body === null) throw new Error(`the month's file answered ${response.status}`);
  const lines = [REPORT_COLUMNS.join(",")];
  for await (const line of linesOf(response.body)) {
    const { transactionId, occurredAt, customerId, outcome } = JSON.parse(line) as Record<string, string>;
    lines.push(`${transactionId},${occurredAt},${customerId},${outcome === "delivered" ? 200 : 404}`);
  }
  return { text: `${lines.join("\n")}\n`, lines: lines.length - 1 };
}

type Run = { readonly id: string; readonly status: string; readonly matched?: number; readonly unexplained?: number };

/** Sends the report and goes on, call by call, until the comparison has ended. */
async function reconcile(
  gateway: GrownGateway,
  memory: IsolateMemory,
  { text, lines }: Report,
): Promise<ReconciliationFigures> {
  let longestCallMs = 0;
  let httpCalls = 0;
  const call = async (path: string, body: string | null): Promise<Run> => {
    const startMs = performance.now();
    const response = await fetch(`${gateway.url}/admin/v1/reconciliations${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "text/csv" },
      body,
    });
    const answer = await response.json<Run>();
    if (!response.ok) throw new Error(`a reconciliation answered ${response.status}: ${JSON.stringify(answer)}`);
    longestCallMs = Math.max(longestCallMs, performance.now() - startMs);
    httpCalls += 1;
    return answer;
  };
  let run: Run = { id: "", status: "" };
  const cost = await costOf(gateway, memory, async () => {
    run = await call(`?period=${PERIOD}`, text);
    for (let step = 0; run.status === "running"; step += 1) {
      if (step === MOST_STEPS) throw new Error("a reconciliation never ends");
      await pause(BETWEEN_STEPS_MS);
      run = await call(`/${run.id}`, null);
    }
  });
  if (run.status !== "done" || run.unexplained !== 0) throw new Error(`a report of ours: ${JSON.stringify(run)}`);
  return { ...cost, lines, matched: run.matched ?? 0, longestCallMs, httpCalls };
}

export function printMonthFigures(figures: MonthFigures): string {
  const { events, costs, usageRowsRead, reconciliation, encoding, closingHeap } = figures;
  const named = { ...costs };
  if (reconciliation !== null) {
    named[`reconciliation of ${reconciliation.lines.toLocaleString("en")} lines`] = reconciliation;
  }
  return [
    table(
      [
        `a month of ${events.toLocaleString("en")} events`,
        "s",
        "processor, s",
        "the Worker's own, s",
        "isolate, MiB",
        "half the time under, MiB",
        "calls to services",
      ],
      Object.entries(named).map(([name, { seconds, cpuSeconds, ownSeconds, isolateMib, isolateMedianMib, calls }]) => [
        name,
        seconds.toFixed(2),
        cpuSeconds.toFixed(2),
        ownSeconds.toFixed(2),
        isolateMib.toFixed(0),
        isolateMedianMib.toFixed(0),
        String(calls),
      ]),
    ),
    "Processor time is the whole runtime's, with the D1 and R2 that it simulates; both are somebody else's on the platform. " +
      "The Worker's own is sampled by V8's profiler, a thousand times a second.",
    `A usage report reads ${usageRowsRead} rows of its ledger. ${reconciliationText(reconciliation)}`,
    closingHeapText(closingHeap),
    table(
      ["the close's own work alone, in Node", "processor, s a million events"],
      Object.entries(encoding.secondsAMillion).map(([name, seconds]) => [name, seconds.toFixed(2)]),
    ),
  ].join("\n\n");
}

function closingHeapText({ months, closesWithMib, failsWithMib, buffersMib, ownSeconds }: ClosingHeap): string {
  const failed = failsWithMib.length === 0 ? "" : `, fails with ${failsWithMib.at(-1)} MiB`;
  return (
    `A month of ${(months[0] ?? 0).toLocaleString("en")} events closes with a heap that may have ${closesWithMib} MiB${failed}. Its ` +
    `buffers have ${buffersMib.toFixed(0)} MiB besides: ${(closesWithMib + buffersMib).toFixed(0)} MiB in all, and ${ownSeconds.toFixed(2)} s of the Worker's own. What the ` +
    "table says of the isolate's memory is with no such limit, garbage that V8 has not taken yet included."
  );
}

function reconciliationText(figures: ReconciliationFigures | null): string {
  if (figures === null) return "The month's report is longer than one request may be, and was not compared.";
  const { matched, longestCallMs, httpCalls } = figures;
  const longest = (longestCallMs / 1000).toFixed(1);
  return `The reconciliation matched ${matched.toLocaleString("en")} lookups in ${httpCalls} calls, the longest of which took ${longest} s.`;
}
