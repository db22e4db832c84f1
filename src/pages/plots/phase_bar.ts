import { html } from "hono/html";
import type { Html } from "../html.ts";
import { legend, round } from "./plot.ts";

const WIDTH = 500;
const HEIGHT = 22;

/** Where the time went: phases after each other, as long as they took. */
export function phaseBar(
  phases: readonly { readonly name: string; readonly ms: number }[],
  { title, formatMs }: { title: string; formatMs: (ms: number) => string },
): Html {
  const wholeMs = Math.max(
    phases.reduce((sum, { ms }) => sum + ms, 0),
    1,
  );
  let before = 0;
  const drawn = phases.map(({ name, ms }, index) => {
    const x = (before / wholeMs) * WIDTH;
    before += ms;
    return html`<rect class="s${index + 1}" x="${round(x)}" width="${round((ms / wholeMs) * WIDTH)}" height="${HEIGHT}"
      ><title>${name}: ${formatMs(ms)}</title></rect
    >`;
  });
  const names = phases.map(({ name }) => name);
  return html`<figure class="plot">
    ${legend(names, "fill")}
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      <title>${title}</title>
      ${drawn}
    </svg>
  </figure>`;
}
