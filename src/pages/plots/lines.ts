import { scaleLinear, scalePoint } from "d3-scale";
import { area, line } from "d3-shape";
import { html } from "hono/html";
import { assertPresent } from "../../domain/assert.ts";
import type { Html } from "../html.ts";
import {
  axes,
  figure,
  greatest,
  HEIGHT,
  INNER,
  legend,
  MARGIN,
  numbers,
  round,
  strokeOf,
  wholeTicks,
  WIDTH,
  type PlotText,
  type Series,
} from "./plot.ts";

const TICKS = 4;

/** What lies between two series, behind the lines: the range of a forecast. */
export type Band = {
  readonly name: string;
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
};

/** Lines, broken where a value is missing; a band behind them, and `mark` as a line across. */
export function lines(
  text: PlotText,
  {
    places,
    series,
    band = null,
    mark = null,
  }: { places: readonly string[]; series: readonly Series[]; band?: Band | null; mark?: number | null },
): Html {
  const bandSeries = band === null ? [] : [{ name: band.name, values: band.high }];
  const most = Math.max(greatest([...series, ...bandSeries]), mark ?? 0);
  const y = scaleLinear([0, most > 0 ? most : 1], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(TICKS);
  const x = scalePoint(
    places.map((_, index) => index),
    [MARGIN.left + 4, MARGIN.left + INNER.width - 4],
  );
  const at = (index: number) => assertPresent(x(index), "a place that is not on the axis");
  const ticks = wholeTicks(y.ticks(TICKS), most).map((value) => ({ y: y(value), text: text.formatValue(value) }));
  const labels = places.map((place, index) => ({ x: at(index), text: place }));
  const draw = line<number | null>()
    .defined((value) => value !== null)
    .x((_, index) => round(at(index)))
    .y((value) => round(y(value ?? 0)));
  const drawing = html`${axes(ticks, labels)}${band === null ? "" : drawBand(band, { at, y })}${series.map(
    ({ name, values }, index) =>
      html`<path class="line l${index + 1} ${strokeOf(index)}" d="${draw(values) ?? ""}"><title>${name}</title></path>`,
  )}${mark === null ? "" : html`<line class="mark" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${round(y(mark))}" y2="${round(y(mark))}" />`}`;
  const edges =
    band === null
      ? []
      : [
          { name: `${band.name} ↓`, values: band.low },
          { name: `${band.name} ↑`, values: band.high },
        ];
  return figure(text, drawing, {
    legend: legend(
      series.map(({ name }) => name),
      "line",
    ),
    table: numbers(text, places, [...series, ...edges]),
  });
}

function drawBand(
  { name, low, high }: Band,
  { at, y }: { at: (index: number) => number; y: (value: number) => number },
): Html {
  const draw = area<number | null>()
    .defined((value, index) => value !== null && low[index] !== null && low[index] !== undefined)
    .x((_, index) => round(at(index)))
    .y0((_, index) => round(y(low[index] ?? 0)))
    .y1((value) => round(y(value ?? 0)));
  return html`<path class="band s1" d="${draw(high) ?? ""}"><title>${name}</title></path>`;
}
