import { html, raw } from "hono/html";
import type { Html } from "../http/pages/layout.ts";

export type { Html };
export type Content = Html | string | number | null | readonly (Html | string)[];

/** An attribute that is there or not: `${attribute("disabled", isBusy)}`. The name is ours and never a visitor's. */
export function attribute(name: string, isThere: boolean): Html | string {
  return isThere ? raw(name) : "";
}

export type Tone = "good" | "warn" | "bad" | "quiet";

export function badge(text: string, tone: Tone = "quiet"): Html {
  return html`<span class="badge ${tone}">${text}</span>`;
}

export function notice(content: Content, tone: Tone = "quiet"): Html {
  return html`<div class="notice ${tone}" role="${tone === "bad" ? "alert" : "status"}">${content}</div>`;
}

export function empty(text: Content): Html {
  return html`<p class="empty">${text}</p>`;
}

/** A page's title, with its actions on the right. */
export function heading(
  title: string,
  { note = null, crumbs = [], actions = null }: { note?: Content; crumbs?: readonly Link[]; actions?: Content } = {},
): Html {
  return html`<div class="head">
    <div>
      ${crumbs.length === 0 ? "" : html`<p class="crumbs">${crumbs.map(({ to, text }) => html`<a href="${to}">${text}</a> › `)}</p>`}
      <h1>${title}</h1>
      ${note === null ? "" : html`<p class="quiet">${note}</p>`}
    </div>
    ${actions === null ? "" : html`<div class="row no-print">${actions}</div>`}
  </div>`;
}

export type Link = { readonly to: string; readonly text: string };

export function card(title: string | null, content: Content, aside: Content = null): Html {
  const header =
    title === null
      ? ""
      : html`<header>
          <h2>${title}</h2>
          ${aside === null ? "" : html`<span class="small quiet">${aside}</span>`}
        </header>`;
  return html`<section class="card">${header} ${content}</section>`;
}

export type Figure = { readonly name: string; readonly value: Content; readonly note?: Content };

/** The page's main numbers. */
export function figures(list: readonly Figure[]): Html {
  return html`<dl class="figures">
    ${list.map(
      ({ name, value, note }) =>
        html`<div class="figure">
          <dt>${name}</dt>
          <dd class="value">${value}</dd>
          ${note === undefined ? "" : html`<dd class="note">${note}</dd>`}
        </div>`,
    )}
  </dl>`;
}

/** Names and their values. */
export function facts(list: readonly (readonly [name: string, value: Content])[]): Html {
  return html`<dl class="facts">
    ${list.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

export type Column<Row> = {
  readonly head: Content;
  readonly cell: (row: Row) => Content;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** Names may be long: they have room, and break. */
  readonly isName?: boolean;
  readonly sorted?: "ascending" | "descending" | undefined;
  /** What the column is called beside its cell on a phone, where the head is more than text. */
  readonly label?: string;
};

/** A table. On a phone each row becomes a block. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { caption, foot }: { caption?: string; foot?: readonly Content[] } = {},
): Html {
  const classOf = ({ isNumber, isName }: Column<Row>) => (isNumber === true ? "number" : isName === true ? "name" : "");
  const labelOf = ({ label, head }: Column<Row>) => label ?? (typeof head === "string" ? head : "");
  return html`<div
    class="scroll"
    tabindex="0"
    role="region"
    aria-label="${caption ?? labelOf(columns[0] as Column<Row>)}"
  >
    <table class="stacks">
      ${
        caption === undefined
          ? ""
          : html`<caption class="visually-hidden">
              ${caption}
            </caption>`
      }
      <thead>
        <tr>
          ${columns.map(
            (column) =>
              html`<th
                scope="col"
                class="${classOf(column)}"
                ${column.sorted === undefined ? "" : raw(`aria-sort="${column.sorted}"`)}
              >
                ${column.head}
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map((column, index) =>
                index === 0
                  ? html`<th scope="row" class="${classOf(column)}" data-label="${labelOf(column)}">
                      ${whole(column.cell(row))}
                    </th>`
                  : html`<td class="${classOf(column)}" data-label="${labelOf(column)}">
                      ${whole(column.cell(row))}
                    </td>`,
              )}
            </tr>`,
        )}
      </tbody>
      ${
        foot === undefined
          ? ""
          : html`<tfoot>
              <tr>
                ${foot.map((cell, index) =>
                  index === 0
                    ? html`<th scope="row">${cell}</th>`
                    : html`<td
                        class="${classOf(columns[index] as Column<Row>)}"
                        data-label="${labelOf(columns[index] as Column<Row>)}"
                      >
                        ${cell}
                      </td>`,
                )}
              </tr>
            </tfoot>`
      }
    </table>
  </div>`;
}

/** Wraps a cell's content, which on a phone stands beside its label. */
function whole(content: Content): Content {
  return typeof content === "string" || typeof content === "number"
    ? content
    : html`<div class="cell">${content}</div>`;
}

/** How full something is, 0 to 1. The colour changes near 1; `label` says it in words. */
export function meter(share: number, label: string): Html {
  const width = Math.round(Math.min(Math.max(share, 0), 1) * 100);
  const tone = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "";
  return html`<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="${label}">
    <rect class="track" width="100" height="8" />
    <rect class="full ${tone}" width="${width}" height="8" />
  </svg>`;
}
