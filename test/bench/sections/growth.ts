import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newTenant } from "../contenders.ts";
import { ROOT } from "../runtime/bundle.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { drawChart, type Panel } from "./growth/chart.ts";
import { grow, HOUR_MS, MONTH, setClock, startGrown } from "./growth/grown_gateway.ts";
import { measureHeld, measureLookups, startWithTenants, type Sized } from "./growth/lookups.ts";
import { measureMonths, MOST_ISOLATE_MIB, type GrownTenant, type MonthCosts } from "./growth/months.ts";
import { growthTable, type Series } from "./growth/series.ts";

const MS = ", ms";
const MOST_TENANTS = 10_000;
const MOST_EVENTS = 1_000_000;
/** The picture of docs/performance.md. One of a smaller trial does not take its place. */
const CHART = "test/bench/growth.svg";
const TRIAL_CHART = ".tmp/bench/growth.svg";

export type GrowthOptions = {
  readonly rounds: number;
  readonly seconds: number;
  /** Of the largest month; the others have a tenth and a hundredth of it. */
  readonly events: number;
};

/** Quantities at growing sizes, by what the sizes are of. */
type Measured = {
  /** Lookups of a tenant with so many events behind it. */
  readonly behind: readonly Series[];
  /** Lookups of so many tenants. */
  readonly tenants: readonly Series[];
  /** What is done with a month of so many events. */
  readonly months: MonthCosts;
};

export type Growth = Measured & {
  /** Where it is drawn, from the project's root. */
  readonly chart: string;
};

/** What grows with events and tenants, and how, measured and drawn. */
export async function measureGrowth(options: GrowthOptions): Promise<Growth> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const byEvents = await measureEvents(sandbox.url, options);
  const tenants = await measureTenants(sandbox.url, options);
  sandbox.stop();
  const measured = { ...byEvents, tenants };
  const chart = options.events === MOST_EVENTS ? CHART : TRIAL_CHART;
  writeFileSync(join(ROOT, chart), drawGrowth(measured));
  return { ...measured, chart };
}

async function measureEvents(claroUrl: string, options: GrowthOptions): Promise<Pick<Measured, "behind" | "months">> {
  const gateway = await startGrown(claroUrl, "grown");
  const tenants: GrownTenant[] = [];
  for (const size of [0, options.events / 100, options.events / 10, options.events]) {
    await setClock(gateway, MONTH.startMs);
    const tenant = { ...(await newTenant(gateway.url)), size };
    await grow(gateway, tenant, size);
    tenants.push(tenant);
  }
  const held = await measureHeld(gateway, tenants);
  // While the month is still open. What comes now counts for the next one.
  await setClock(gateway, MONTH.endMs + HOUR_MS);
  const sizes = tenants.map(({ size, key }) => ({ size, gateway, keys: [key] }));
  const behind = [...(await measureLookups(sizes, options)), held];
  const months = await measureMonths(gateway, tenants.slice(1));
  await gateway.worker.stop();
  return { behind, months };
}

async function measureTenants(claroUrl: string, options: GrowthOptions): Promise<Series[]> {
  const sizes: Sized[] = [];
  for (const count of [1, MOST_TENANTS / 100, MOST_TENANTS]) sizes.push(await startWithTenants(claroUrl, count));
  const one = await measureLookups(
    sizes.map((sized) => ({ ...sized, keys: sized.keys.slice(0, 1) })),
    options,
  );
  const all = await measureLookups(sizes, options);
  const series = [...prefixed("one of them", one), ...prefixed("all in turns", all)];
  for (const { gateway } of sizes) await gateway.worker.stop();
  return series;
}

function prefixed(prefix: string, list: readonly Series[]): Series[] {
  return list.map(({ name, points }) => ({ name: `${prefix}, ${name}`, points }));
}

/** Tables of everything that was measured. */
export function printGrowth({ behind, tenants, months, chart }: Growth): string {
  return [
    growthTable("a lookup: events behind its tenant", behind),
    growthTable("a lookup: tenants of the gateway", tenants),
    growthTable("events in the month: time, s", months.seconds),
    growthTable("its CPU, s", months.cpuSeconds),
    growthTable("the isolate's memory at most, MiB", months.isolateMib),
    growthTable("the whole runtime's, D1 and R2 included, MiB", months.processMib),
    growthTable("calls to D1, R2 and objects", months.calls),
    growthTable("rows of the ledger", months.ledgerRows),
    `Drawn in ${chart}.`,
  ].join("\n\n");
}

function drawGrowth({ behind, tenants, months }: Measured): string {
  const inMs = (list: readonly Series[]) =>
    list
      .filter(({ name }) => name.endsWith(MS))
      .map(({ name, points }) => ({ name: name.slice(0, -MS.length), points }));
  const month = "events in the month";
  const panels: Panel[] = [
    {
      title: "A lookup, with events behind its tenant",
      sizeLabel: "events behind",
      valueLabel: "ms",
      lines: inMs(behind),
    },
    {
      title: "A lookup, with tenants of the gateway",
      sizeLabel: "tenants",
      valueLabel: "ms",
      lines: inMs(tenants),
    },
    { title: "A month's usage, files and close", sizeLabel: month, valueLabel: "s", lines: months.seconds },
    {
      title: "The Worker's memory meanwhile",
      sizeLabel: month,
      valueLabel: "MiB at most",
      lines: months.isolateMib,
      limit: { value: MOST_ISOLATE_MIB, name: "an isolate's limit" },
    },
  ];
  return drawChart(
    { title: "What grows, and how", subtitle: "Flat: does not grow. Straight: in proportion at most" },
    panels,
  );
}
