import { describe, expect, test } from "vitest";
import { formatMetrics, type Metric } from "../../src/domain/metrics_text.ts";

const METRICS: readonly Metric[] = [
  { name: "a_lookups", type: "counter", help: "Ended.", samples: [{ labels: { outcome: "delivered" }, value: 3 }] },
  { name: "a_brl", type: "gauge", help: "Reais.", samples: [{ value: "-12.3450" }] },
  { name: "a_none", type: "gauge", help: "Nothing is known.", samples: [] },
  { name: "a_seconds", type: "histogram", help: "Time.", bounds: [0.05, 1], counts: [2, 0, 1], sum: 4.5 },
];

describe("metrics as text", () => {
  test("in OpenMetrics a counter's family has no _total, its sample has, and the text has an end", () => {
    expect(formatMetrics(METRICS, "openmetrics")).toBe(
      `# HELP a_lookups Ended.
# TYPE a_lookups counter
a_lookups_total{outcome="delivered"} 3
# HELP a_brl Reais.
# TYPE a_brl gauge
a_brl -12.3450
# HELP a_seconds Time.
# TYPE a_seconds histogram
a_seconds_bucket{le="0.05"} 2
a_seconds_bucket{le="1"} 2
a_seconds_bucket{le="+Inf"} 3
a_seconds_sum 4.5
a_seconds_count 3
# EOF
`,
    );
  });

  test("in the older format the family is called as its sample, and nothing ends the text", () => {
    const text = formatMetrics(METRICS, "plain");
    expect(text).toContain("# TYPE a_lookups_total counter\na_lookups_total{");
    expect(text).not.toContain("EOF");
  });

  test("a label's value cannot end its line or its quotes", () => {
    const hostile: Metric = {
      name: "a",
      type: "gauge",
      help: "A.",
      samples: [{ labels: { x: '"} 9\n\\' }, value: 1 }],
    };
    expect(formatMetrics([hostile], "plain").split("\n")[2]).toBe('a{x="\\"} 9\\n\\\\"} 1');
  });
});
