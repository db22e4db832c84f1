import { html } from "hono/html";
import type { Html } from "../html.ts";

/**
 * Plots are SVG that is drawn here, by pure functions of what they show: they need no script, print, and can be read out.
 * Every one has a title, a legend where it has several series, and its numbers as a table.
 */
export type PlotText = {
  readonly title: string;
  /** What the table's first column is called. */
  readonly across: string;
  readonly asTable: string;
  readonly formatValue: (value: number) => string;
};

/** One series of a plot: as many values as the plot has places, null where there is none. */
export type Series = { readonly name: string; readonly values: readonly (number | null)[] };

export const WIDTH = 500;
export const HEIGHT = 208;
/** The bottom keeps the x axis' labels clear of the y axis' lowest one, in the larger type of a phone too. */
export const MARGIN = { top: 8, right: 8, bottom: 30, left: 74 } as const;
export const INNER = {
  width: WIDTH - MARGIN.left - MARGIN.right,
  height: HEIGHT - MARGIN.top - MARGIN.bottom,
} as const;
const MOST_LABELS = 8;

/** A plot with its legend, and its numbers as a table. */
export function figure(text: PlotText, drawing: Html, rest: { legend: Html; table: Html }): Html {
  return html`<figure class="plot">
    ${rest.legend}
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text.title}">
      <title>${text.title}</title>
      ${drawing}
    </svg>
    <details class="more">
      <summary>${text.asTable}</summary>
      ${rest.table}
    </details>
  </figure>`;
}

/** The lines and figures at the left, and the places below, as many of them as there is room for. */
export function axes(
  ticks: readonly { readonly y: number; readonly text: string }[],
  places: readonly { readonly x: number; readonly text: string }[],
): Html {
  const every = Math.ceil(places.length / MOST_LABELS);
  const shown = places.filter((_, index) => index % every === 0);
  return html`${ticks.map(
    ({ y, text }, index) =>
      html`<line
          class="${index === 0 ? "base" : "rule"}"
          x1="${MARGIN.left}"
          x2="${WIDTH - MARGIN.right}"
          y1="${round(y)}"
          y2="${round(y)}"
        /><text x="${MARGIN.left - 8}" y="${round(y + 4)}" text-anchor="end">${text}</text>`,
  )}${shown.map(({ x, text }, index) => html`<text class="${index % 2 === 0 ? "" : "every-other"}" x="${round(x)}" y="${HEIGHT - 6}" text-anchor="middle">${text}</text>`)}`;
}

/** The series by name, each with its colour and, for lines, its stroke. */
export function legend(names: readonly string[], kind: "fill" | "line"): Html {
  if (names.length < 2) return html``;
  return html`<ul class="legend">
    ${names.map(
      (name, index) =>
        html`<li>
          <svg viewBox="0 0 16 12" aria-hidden="true">
            ${
              kind === "fill"
                ? html`<rect class="s${index + 1}" y="1" width="16" height="10" rx="2" />`
                : html`<line
                    class="line l${index + 1} ${strokeOf(index)}"
                    x1="0"
                    x2="16"
                    y1="6"
                    y2="6"
                    stroke-width="2.5"
                  />`
            }</svg
          >${name}
        </li>`,
    )}
  </ul>`;
}

/** Lines differ by more than colour. */
export function strokeOf(index: number): string {
  return ["", "dashed", "dotted"][index % 3] ?? "";
}

/** The numbers that a plot shows. */
export function numbers(text: PlotText, places: readonly string[], series: readonly Series[]): Html {
  const written = (value: number | null | undefined) =>
    value === null || value === undefined ? "–" : text.formatValue(value);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${text.title}">
    <table>
      <thead>
        <tr>
          <th scope="col">${text.across}</th>
          ${series.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${places.map(
          (place, index) =>
            html`<tr>
              <th scope="row">${place}</th>
              ${series.map(({ values }) => html`<td class="number">${written(values[index])}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** The greatest of all values, 0 where there is none. */
export function greatest(series: readonly Series[]): number {
  return series.flatMap(({ values }) => values).reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
}

/** Keeps a scale's whole numbers, because plots show counts; only 0 when every value is 0. */
export function wholeTicks(ticks: readonly number[], most: number): number[] {
  return most > 0 ? ticks.filter((value) => Number.isInteger(value)) : [0];
}

/** Coordinates have two places: more are only bytes. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
