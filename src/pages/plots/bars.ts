import { scaleBand, scaleLinear } from "d3-scale";
import { stack } from "d3-shape";
import { html } from "hono/html";
import { assertPresent } from "../../domain/assert.ts";
import type { Html } from "../html.ts";
import {
  axes,
  figure,
  HEIGHT,
  INNER,
  legend,
  MARGIN,
  numbers,
  round,
  wholeTicks,
  WIDTH,
  type PlotText,
  type Series,
} from "./plot.ts";

const TICKS = 4;

/** Stacked bars, one for each place. `mark` is a line across, such as a limit. */
export function bars(
  text: PlotText,
  { places, series, mark = null }: { places: readonly string[]; series: readonly Series[]; mark?: number | null },
): Html {
  const heights = places.map((_, index) =>
    series.reduce((sum, { values }) => sum + Math.max(values[index] ?? 0, 0), 0),
  );
  const most = Math.max(...heights, mark ?? 0);
  const y = scaleLinear([0, most > 0 ? most : 1], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(TICKS);
  const x = scaleBand(
    places.map((_, index) => index),
    [MARGIN.left, MARGIN.left + INNER.width],
  ).padding(0.25);
  const ticks = wholeTicks(y.ticks(TICKS), most).map((value) => ({ y: y(value), text: text.formatValue(value) }));
  const at = (index: number) => assertPresent(x(index), "a place that is not on the axis");
  const labels = places.map((place, index) => ({ x: at(index) + x.bandwidth() / 2, text: place }));
  const layers = stack<number, number>()
    .keys(series.map((_, index) => index))
    .value((place, key) => Math.max(series[key]?.values[place] ?? 0, 0))(places.map((_, index) => index));
  const nameOf = (key: number) => assertPresent(series[key], "a layer without its series").name;
  const drawing = html`${axes(ticks, labels)}${layers.map(
    (layer, key) =>
      html`<g class="s${key + 1}"
        >${layer.map(([low, high], place) =>
          high > low
            ? html`<rect
                x="${round(at(place))}"
                y="${round(y(high))}"
                width="${round(x.bandwidth())}"
                height="${round(y(low) - y(high))}"
                ><title>${places[place]} · ${nameOf(key)}: ${text.formatValue(high - low)}</title></rect
              >`
            : "",
        )}</g
      >`,
  )}${mark === null ? "" : html`<line class="mark" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${round(y(mark))}" y2="${round(y(mark))}" />`}`;
  return figure(text, drawing, {
    legend: legend(
      series.map(({ name }) => name),
      "fill",
    ),
    table: numbers(text, places, series),
  });
}
