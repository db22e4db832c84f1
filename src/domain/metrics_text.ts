import { assertPresent } from "./assert.ts";

/** One value of a metric, and what tells it from the others of its name. A text is a decimal that a float might change. */
export type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number | string };

/** A metric by its name; a counter's sample has `_total` behind it. Its unit, which is the last part of the name, is one of the base units. */
export type Metric = { readonly name: string; readonly help: string } & (
  | { readonly type: "gauge" | "counter"; readonly samples: readonly Sample[] }
  | {
      readonly type: "histogram";
      /** Upper bounds, each inclusive. */
      readonly bounds: readonly number[];
      /** How many are in each bucket, and in the one above them all. */
      readonly counts: readonly number[];
      readonly sum: number;
    }
);

/** The standard, and what came before it and is read by older tools, `promtool check metrics` among them. */
export type MetricsFormat = "openmetrics" | "plain";

export const METRICS_TYPES = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  plain: "text/plain; version=0.0.4; charset=utf-8",
} as const satisfies Record<MetricsFormat, string>;

/** Metrics as a monitoring system reads them. One without a sample is left out. */
export function formatMetrics(metrics: readonly Metric[], format: MetricsFormat): string {
  const told = metrics.map((metric) => formatMetric(metric, format)).join("");
  return format === "openmetrics" ? `${told}# EOF\n` : told;
}

function formatMetric(metric: Metric, format: MetricsFormat): string {
  const { name, help, type } = metric;
  const sampleName = type === "counter" ? `${name}_total` : name;
  const lines =
    metric.type === "histogram"
      ? histogramLines(metric)
      : metric.samples.map(({ labels, value }) => line(sampleName, labels, value));
  if (lines.length === 0) return "";
  const family = format === "openmetrics" ? name : sampleName;
  const head = [`# HELP ${family} ${escape(help)}`, `# TYPE ${family} ${type}`];
  return `${[...head, ...lines].join("\n")}\n`;
}

function histogramLines({ name, bounds, counts, sum }: Extract<Metric, { type: "histogram" }>): string[] {
  let soFar = 0;
  const buckets = [...bounds.map(String), "+Inf"].map((le, index) => {
    soFar += assertPresent(counts[index], `${name} has fewer counts than buckets`);
    return line(`${name}_bucket`, { le }, soFar);
  });
  return [...buckets, line(`${name}_sum`, undefined, sum), line(`${name}_count`, undefined, soFar)];
}

function line(name: string, labels: Sample["labels"], value: number | string): string {
  const told = Object.entries(labels ?? {}).map(([label, text]) => `${label}="${escape(text)}"`);
  return `${name}${told.length === 0 ? "" : `{${told.join(",")}}`} ${value}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
