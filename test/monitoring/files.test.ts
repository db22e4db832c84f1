import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formatMetrics } from "../../src/domain/metrics_text.ts";
import { everyMetric } from "./reading.ts";

const dir = fileURLToPath(new URL("../../docs/monitoring/", import.meta.url).href);
const read = (file: string) => readFileSync(join(dir, file), "utf8");
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
if (!hasPromtool)
  console.warn("skipped: promtool (Debian: prometheus) is not installed, metrics and rules were not checked by it");

/** What Prometheus calls the samples of a metric. */
const SAMPLES = new Map(
  everyMetric().flatMap((metric) => {
    const suffixes = { counter: ["_total"], gauge: [""], histogram: ["_bucket", "_sum", "_count"] }[metric.type];
    return suffixes.map((suffix) => [`${metric.name}${suffix}`, metric]);
  }),
);

type Rule = { readonly name: string; readonly body: string };
const alerts: readonly Rule[] = read("alerts.rules.yml")
  .split(/^ +- (?=alert:|record:)/m)
  .filter((part) => part.startsWith("alert:"))
  .map((body) => ({ name: /^alert: (\w+)/.exec(body)?.[1] ?? "", body }));

test("a metric is told of by README.md: each with its labels, its type and what it is", () => {
  const told = read("README.md")
    .split("\n")
    .filter((line) => line.startsWith("| `claro_gateway_"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const known = everyMetric().map((metric) => {
    const labels = metric.type === "histogram" ? ["le"] : Object.keys(metric.samples[0]?.labels ?? {});
    const by = labels.length === 0 ? "" : ` by ${labels.map((label) => `\`${label}\``).join(", ")}`;
    return [`\`${metric.name}${metric.type === "counter" ? "_total" : ""}\`${by}`, `${metric.type}: ${metric.help}`];
  });
  expect(told.map(([, name, what]) => [name, what])).toEqual(known);
});

test("every metric has a value where all could be asked and nothing is well", () => {
  for (const metric of everyMetric()) {
    if (metric.type !== "histogram") expect(metric.samples.length, metric.name).toBeGreaterThan(0);
  }
});

test.each(globSync("*.{yml,json}", { cwd: dir }))("%s names no metric that the gateway does not tell", (file) => {
  const named = [...read(file).matchAll(/claro_gateway_\w+/g)].map(([name]) => name);
  const groups = new Set([...read(file).matchAll(/name: (claro_gateway_\w+)/g)].map(([, name]) => name));
  expect(named.filter((name) => !SAMPLES.has(name) && !groups.has(name))).toEqual([]);
});

describe("the alerts", () => {
  test("are there", () => {
    expect(alerts.length).toBeGreaterThan(15);
  });

  test.each(alerts)("$name says how urgent it is and leads to its place in the runbook", ({ name, body }) => {
    expect(body).toMatch(/severity: (?:page|ticket)\b/);
    expect(body).toContain(`runbook_url: docs/operations.md#${name.toLowerCase()}`);
  });

  test.each(alerts)("$name is shown to come, and not to come, by alerts.test.yml", ({ name }) => {
    const cases = read("alerts.test.yml")
      .split(/eval_time: /)
      .slice(1);
    const its = cases.filter((text) => new RegExp(`alertname: ${name}\\b`).test(text));
    expect(its.some((text) => text.includes("exp_alerts"))).toBe(true);
    expect(its.some((text) => !text.includes("exp_alerts"))).toBe(true);
  });
});

describe.skipIf(!hasPromtool)("promtool", () => {
  const promtool = (args: readonly string[], input = "") =>
    execFileSync("promtool", args, { input, encoding: "utf8", stdio: "pipe" });

  test("finds nothing to say of the metrics", () => {
    const checked = spawnSync("promtool", ["check", "metrics"], {
      input: formatMetrics(everyMetric(), "plain"),
      encoding: "utf8",
    });
    expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, "", ""]);
  });

  test("takes the rules, and every alert comes when it should", () => {
    expect(promtool(["check", "rules", join(dir, "alerts.rules.yml")])).toContain("SUCCESS");
    expect(promtool(["test", "rules", join(dir, "alerts.test.yml")])).toContain("SUCCESS");
  });

  test("takes prometheus.yml", () => {
    const place = mkdtempSync(join(tmpdir(), "prometheus-"));
    try {
      for (const file of ["prometheus.yml", "alerts.rules.yml"]) copyFileSync(join(dir, file), join(place, file));
      writeFileSync(join(place, "operator-token"), "csg_op_0000000000");
      expect(promtool(["check", "config", join(place, "prometheus.yml")])).toContain("SUCCESS");
    } finally {
      rmSync(place, { recursive: true });
    }
  });
});
