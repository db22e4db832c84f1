import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { phases } from "../../src/pages/console/lookups.ts";
import { formatFor } from "../../src/pages/format.ts";
import { bars } from "../../src/pages/plots/bars.ts";
import { lines } from "../../src/pages/plots/lines.ts";
import { spansOf } from "../../src/pages/console/claro_now.ts";
import { sparkline } from "../../src/pages/plots/sparkline.ts";
import { timeline } from "../../src/pages/plots/timeline.ts";

const TEXT = { title: "Consultas <por> dia", across: "Dia", asTable: "ver como tabela", formatValue: String };
const places = ["01/11", "02/11", "03/11"];

const DAY = { fromMs: 1000, toMs: 2000, wrong: "unknown", isWrong: false };

/** A plot's markup, which is at hand at once: nothing in it is waited for. */
const drawn = (plot: unknown) => String(plot);
const heights = (svg: string) =>
  [...svg.matchAll(/<rect\s+x="[\d.]+"\s+y="[\d.]+"\s+width="[\d.]+"\s+height="([\d.]+)"/g)].map(([, height]) =>
    Number(height),
  );

test("the places below stand clear of the lowest figure, in the larger type of a phone too", () => {
  const svg = drawn(bars(TEXT, { places, series: [{ name: "a", values: [1, 2, 3] }] }));
  const baselines = (anchor: string) =>
    [...svg.matchAll(/<text[^>]* y="([\d.]+)" text-anchor="(\w+)"/g)].flatMap(([, y, at]) =>
      at === anchor ? [Number(y)] : [],
    );
  const phonePixels = 16;
  expect(Math.min(...baselines("middle")) - Math.max(...baselines("end"))).toBeGreaterThan(phonePixels);
});

describe("bars", () => {
  test("stand upon each other, as high as their values are to each other", () => {
    const svg = drawn(
      bars(TEXT, {
        places,
        series: [
          { name: "a", values: [10, 20, 0] },
          { name: "b", values: [30, 0, 0] },
        ],
      }),
    );
    const [a1 = 0, a2 = 0, b1 = 0] = heights(svg);
    expect(heights(svg).length).toBe(3);
    expect(a2 / a1).toBeCloseTo(2, 1);
    expect(b1 / a1).toBeCloseTo(3, 1);
  });

  test("have a title, a legend and the same numbers as a table, and what they are called is text", () => {
    const svg = drawn(
      bars(TEXT, {
        places,
        series: [
          { name: "a & b", values: [1, null, 3] },
          { name: "c", values: [0, 0, 0] },
        ],
      }),
    );
    expect(svg).toContain("<title>Consultas &lt;por&gt; dia</title>");
    expect(svg).toContain("a &amp; b");
    expect(svg).toContain('class="legend"');
    expect(svg).toContain("ver como tabela");
    expect(svg.match(/<td class="number">/g)?.length).toBe(6);
    expect(svg).toContain("–");
  });

  test("of nothing at all show nothing, and no numbers that cannot be", () => {
    const svg = drawn(bars(TEXT, { places, series: [{ name: "a", values: [0, 0, 0] }] }));
    expect(heights(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|>0[.,]\d/);
    expect(drawn(bars(TEXT, { places: [], series: [] }))).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("lines", () => {
  test("are broken where a value is missing, and differ by more than colour", () => {
    const svg = drawn(
      lines(TEXT, {
        places,
        series: [
          { name: "a", values: [1, null, 3] },
          { name: "b", values: [1, 2, 3] },
        ],
      }),
    );
    const [, broken = ""] = /class="line l1[^"]*"\s+d="([^"]*)"/.exec(svg) ?? [];
    expect(broken.match(/M/g)?.length).toBe(2);
    expect(svg).toContain("dashed");
  });

  test("have a band from its low to its high, and a mark across", () => {
    const band = { name: "faixa", low: [0, 1, 2], high: [2, 3, 4] };
    const svg = drawn(lines(TEXT, { places, series: [{ name: "a", values: [1, 2, 3] }], band, mark: 5 }));
    expect(svg).toMatch(/class="band s1"\s+d="M[\d.,LZ]+"/);
    expect(svg).toContain('class="mark"');
    expect(svg).toContain("faixa ↓");
  });
});

test("no plot draws outside of its frame, whatever the numbers", () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 1e12 }), fc.constant(null));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), (values) => {
      const named = values.map((_, index) => String(index));
      for (const plot of [
        bars(TEXT, { places: named, series: [{ name: "a", values }] }),
        lines(TEXT, { places: named, series: [{ name: "a", values }] }),
        sparkline(
          values.map((one) => one ?? 0),
          "curso",
        ),
      ]) {
        const svg = drawn(plot);
        expect(svg).not.toMatch(/NaN|Infinity|undefined|="-\d/);
        for (const [, path = ""] of svg.matchAll(/ d="([^"]*)"/g)) {
          for (const number of path.match(/[\d.]+/g) ?? []) expect(Number(number)).toBeLessThanOrEqual(500);
        }
      }
    }),
  );
});

describe("a timeline", () => {
  test("shows a bar for each row, and upon it what was wrong when, as text and as a table", () => {
    const rows = [
      { name: "Disjuntor", spans: [{ fromMs: 1250, toMs: 1500, text: "aberto <b>" }] },
      { name: "Token", spans: [] },
    ];
    const text = {
      title: "24 horas",
      calm: "sem problemas",
      asTable: "ver como tabela",
      columns: ["O quê", "Desde", "Até", "Situação"] as const,
      formatTime: String,
    };
    const svg = drawn(timeline(text, { rows, fromMs: 1000, toMs: 2000, hours: [[1500, "12h"]] }));
    expect(svg.match(/class="calm"/g)?.length).toBe(2);
    expect(svg).toMatch(/class="trouble"\s+x="125"\s+y="18"\s+width="125"/);
    expect(svg).toContain("aberto &lt;b&gt;, 1250 – 1500");
    expect(svg).toMatch(/<td>1250<\/td>\s*<td>1500<\/td>/);
    expect(svg).toContain(">12h</text");
  });

  test.each([
    ["nothing that changed", [], {}, []],
    ["nothing that changed while something is wrong", [], { isWrong: true }, [[1000, 2000, "unknown"]]],
    ["what began within it", [[1200, "a"]], {}, [[1200, 2000, "a"]]],
    [
      "what began and ended within it",
      [
        [1500, null],
        [1200, "a"],
      ],
      {},
      [[1200, 1500, "a"]],
    ],
    ["what ended within it", [[1500, null]], {}, [[1000, 1500, "unknown"]]],
    [
      "what began before it and ended within it",
      [
        [1500, null],
        [900, "a"],
      ],
      {},
      [[1000, 1500, "a"]],
    ],
    ["what began before it", [[900, "a"]], {}, [[1000, 2000, "a"]]],
    [
      "what was over before it",
      [
        [900, null],
        [800, "a"],
      ],
      {},
      [],
    ],
    [
      "what became another thing",
      [
        [1500, "b"],
        [1200, "a"],
      ],
      {},
      [
        [1200, 1500, "a"],
        [1500, 2000, "b"],
      ],
    ],
  ] as const)("tells of %s", (_, changes, more, expected) => {
    const told = changes.map(([atMs, text]) => ({ atMs, text }));
    expect(spansOf(told, { ...DAY, ...more }).map(({ fromMs, toMs, text }) => [fromMs, toMs, text])).toEqual(expected);
  });
});

test("a phase that was not measured is not said to have taken 0 ms", async () => {
  const tools = { say: (text: { readonly en: string }) => text.en, format: formatFor("en") };
  const times = { admittedAt: null, endedAt: "2026-10-27T21:20:40.123Z", admitMs: null, claroMs: 180 };
  const shown = String(await phases(times, tools)).replaceAll(/\s+/g, " ");
  expect(shown).toContain("<dt>Admission</dt> <dd>–</dd>");
  expect(shown).toContain("<dt>Claro</dt> <dd>180 ms</dd>");
  expect(shown).toContain("<dt>Settling and answering</dt> <dd>–</dd>");
});
