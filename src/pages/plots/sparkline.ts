import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { html } from "hono/html";
import type { Html } from "../html.ts";
import { round } from "./plot.ts";

const WIDTH = 120;
const HEIGHT = 26;

/** A small line plot for a table's cell. `title` says its sum in words. */
export function sparkline(values: readonly number[], title: string): Html {
  if (values.length === 0) return html`<span class="quiet">–</span>`;
  const y = scaleLinear([0, Math.max(...values, 1)], [HEIGHT - 2, 2]);
  const x = scaleLinear([0, Math.max(values.length - 1, 1)], [1, WIDTH - 1]);
  const course = line<number>(
    (_, index) => round(x(index)),
    (value) => round(y(value)),
  );
  const below = area<number>(
    (_, index) => round(x(index)),
    HEIGHT - 2,
    (value) => round(y(value)),
  );
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
    <title>${title}</title>
    <path class="area" d="${below([...values]) ?? ""}" />
    <path class="line" d="${course([...values]) ?? ""}" />
  </svg>`;
}
