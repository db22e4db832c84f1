import { scaleTime } from "d3-scale";
import { html } from "hono/html";
import type { Html } from "../html.ts";
import { round, WIDTH } from "./plot.ts";

/** A time in which something was not as it should be. */
export type Span = { readonly fromMs: number; readonly toMs: number; readonly text: string };
export type TimelineRow = { readonly name: string; readonly spans: readonly Span[] };

type TimelineText = {
  readonly title: string;
  /** The text of a row without a span. */
  readonly calm: string;
  readonly asTable: string;
  readonly columns: readonly [name: string, from: string, to: string, what: string];
  readonly formatTime: (ms: number) => string;
};

const ROW = { height: 36, bar: 12, text: 14 } as const;
const AXIS = 20;
const LEAST_WIDTH = 3;

/** A row for each thing, its bar coloured where something was wrong. `hours` label the axis. */
export function timeline(
  text: TimelineText,
  {
    rows,
    fromMs,
    toMs,
    hours,
  }: {
    rows: readonly TimelineRow[];
    fromMs: number;
    toMs: number;
    hours: readonly (readonly [atMs: number, text: string])[];
  },
): Html {
  const x = scaleTime([fromMs, toMs], [0, WIDTH]);
  const height = rows.length * ROW.height + AXIS;
  const drawn = rows.map(({ name, spans }, index) => {
    const top = index * ROW.height;
    const bar = top + ROW.text + 4;
    return html`<text x="0" y="${top + ROW.text}">${name}</text
      ><rect class="calm" x="0" y="${bar}" width="${WIDTH}" height="${ROW.bar}" rx="3"
        ><title>${name}: ${text.calm}</title></rect
      >${spans.map(({ fromMs: from, toMs: to, text: what }) => {
        const left = x(Math.max(from, fromMs));
        const width = Math.max(x(Math.min(to, toMs)) - left, LEAST_WIDTH);
        return html`<rect
          class="trouble"
          x="${round(Math.min(left, WIDTH - width))}"
          y="${bar}"
          width="${round(width)}"
          height="${ROW.bar}"
          ><title>${what}, ${text.formatTime(from)} – ${text.formatTime(to)}</title></rect
        >`;
      })}`;
  });
  const labels = hours.map(
    ([atMs, hour]) =>
      html`<text x="${round(x(atMs))}" y="${height - 4}" text-anchor="middle">${hour}</text
        ><line
          class="rule"
          x1="${round(x(atMs))}"
          x2="${round(x(atMs))}"
          y1="${height - AXIS}"
          y2="${height - AXIS + 4}"
        />`,
  );
  return html`<figure class="plot timeline">
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${text.title}">
      <title>${text.title}</title>
      ${drawn}${labels}
    </svg>
    <details class="more">
      <summary>${text.asTable}</summary>
      ${spanTable(text, rows)}
    </details>
  </figure>`;
}

function spanTable({ title, calm, columns, formatTime }: TimelineText, rows: readonly TimelineRow[]): Html {
  const lines = rows.flatMap(({ name, spans }): (readonly string[])[] =>
    spans.length === 0
      ? [[name, "–", "–", calm]]
      : spans.map(({ fromMs, toMs, text }) => [name, formatTime(fromMs), formatTime(toMs), text]),
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}">
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          ([name, ...cells]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
