import { verdictOf, type Point, type Series } from "./series.ts";

/** One set of axes, both logarithmic. */
export type Panel = {
  readonly title: string;
  readonly sizeLabel: string;
  readonly valueLabel: string;
  readonly lines: readonly Series[];
  /** A value that no line may reach. */
  readonly limit?: { readonly value: number; readonly name: string };
};

const COLUMNS = 2;
const PANEL = { width: 540, height: 330 };
const PLOT = { left: 58, right: 212, top: 48, bottom: 52 };
const HEADER_HEIGHT = 56;
const LABEL_HEIGHT = 15;

const STYLE = `
  svg { --back: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4; --limit: #cf222e;
    --c0: #0969da; --c1: #9a6700; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989; --c5: #0a7b83; }
  @media (prefers-color-scheme: dark) {
    svg { --back: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #30363d; --limit: #ff7b72;
      --c0: #58a6ff; --c1: #d29922; --c2: #3fb950; --c3: #bc8cff; --c4: #f778ba; --c5: #39c5cf; }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
  .head { font-size: 17px; font-weight: 600; }
  .title { font-size: 13.5px; font-weight: 600; }
  .soft { fill: var(--soft); font-size: 11px; }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 6 4; }
  .line { fill: none; stroke-width: 2; }
  .leader { stroke-width: 1; opacity: 0.5; }`;

/** A picture of panels, two in a row, that stands on its own on a light page and on a dark one. */
export function drawChart(head: { title: string; subtitle: string }, panels: readonly Panel[]): string {
  const width = COLUMNS * PANEL.width;
  const height = HEADER_HEIGHT + Math.ceil(panels.length / COLUMNS) * PANEL.height;
  const told = panels.map(({ title, lines }) => `${title}: ${lines.map(named).join(", ")}`).join(". ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${escaped(head.title)}</title>
<desc id="desc">${escaped(`${head.subtitle}. ${told}.`)}</desc>
<style>${STYLE}
</style>
<rect width="${width}" height="${height}" rx="8" fill="var(--back)"/>
<text class="head" x="20" y="28">${escaped(head.title)}</text>
<text class="soft" x="20" y="46">${escaped(head.subtitle)}</text>
${panels.map((panel, index) => placed(panel, index)).join("\n")}
</svg>
`;
}

function placed(panel: Panel, index: number): string {
  const x = (index % COLUMNS) * PANEL.width;
  const y = HEADER_HEIGHT + Math.floor(index / COLUMNS) * PANEL.height;
  return `<g transform="translate(${x} ${y})">\n${drawPanel(panel)}\n</g>`;
}

/** Places on a logarithmic axis between two powers of ten. */
type Axis = { readonly decades: readonly number[]; readonly at: (value: number) => number };

function drawPanel({ title, sizeLabel, valueLabel, lines, limit }: Panel): string {
  const bottom = PANEL.height - PLOT.bottom;
  const right = PANEL.width - PLOT.right;
  const points = lines.flatMap((line) => line.points);
  const sizes = points.map(({ size }) => size);
  const values = points.flatMap(({ value }) => [value.min, value.max]);
  const least = Math.min(...sizes.filter((size) => size > 0));
  // A logarithmic axis has no zero: it stands one power of ten before the first size.
  const shown = (size: number) => (size === 0 ? least / 10 : size);
  const x = axisOf(sizes.map(shown), [PLOT.left, right]);
  const y = axisOf([...values, ...(limit === undefined ? [] : [limit.value])], [bottom, PLOT.top]);
  const drawn = lines.map((line, index) =>
    drawLine(line, `var(--c${index})`, { x: (size) => x.at(shown(size)), y: y.at }),
  );
  return [
    text(PLOT.left - 38, 22, title, "title"),
    text(PLOT.left - 38, 39, valueLabel, "soft"),
    ...y.decades.map(
      (value) =>
        `${rule(PLOT.left, y.at(value), right, y.at(value), "grid")}${text(PLOT.left - 8, y.at(value) + 4, short(value), "soft", "end")}`,
    ),
    ...x.decades.map((size) => {
      const isZero = size < least && sizes.includes(0);
      return `${rule(x.at(size), PLOT.top, x.at(size), bottom, "grid")}${text(x.at(size), bottom + 17, isZero ? "0" : short(size), "soft", "middle")}`;
    }),
    text((PLOT.left + right) / 2, bottom + 36, sizeLabel, "soft", "middle"),
    ...(limit === undefined ? [] : [rule(PLOT.left, y.at(limit.value), right, y.at(limit.value), "limit")]),
    ...drawn,
    labels(lines, y, { right, bottom, limit }),
  ].join("\n");
}

function drawLine(
  { points }: Series,
  colour: string,
  place: { x: (size: number) => number; y: (value: number) => number },
): string {
  const at = ({ size, value }: Point) => `${round(place.x(size))},${round(place.y(value.median))}`;
  const marks = points.map(({ size, value }) => {
    const x = round(place.x(size));
    const spread = `<line x1="${x}" x2="${x}" y1="${round(place.y(value.min))}" y2="${round(place.y(value.max))}" stroke="${colour}"/>`;
    return `${spread}<circle cx="${x}" cy="${round(place.y(value.median))}" r="3.5" fill="${colour}"/>`;
  });
  return `<polyline class="line" stroke="${colour}" points="${points.map(at).join(" ")}"/>${marks.join("")}`;
}

/** Each line's name at its end, moved up or down where two would lie on each other. */
function labels(
  lines: readonly Series[],
  y: Axis,
  { right, bottom, limit }: { right: number; bottom: number; limit: Panel["limit"] },
): string {
  const ends = lines.map((line, index) => ({
    text: named(line),
    colour: `var(--c${index})`,
    at: y.at(line.points.at(-1)?.value.median ?? 1),
  }));
  if (limit !== undefined) ends.push({ text: limit.name, colour: "var(--limit)", at: y.at(limit.value) });
  ends.sort((left, other) => left.at - other.at);
  const places = spreadOut(
    ends.map(({ at }) => at),
    { from: PLOT.top, to: bottom },
  );
  return ends
    .map(({ text: name, colour, at }, index) => {
      const place = places[index] ?? at;
      const leader = `<line class="leader" stroke="${colour}" x1="${right + 5}" y1="${round(at)}" x2="${right + 15}" y2="${round(place)}"/>`;
      return `${leader}<text x="${right + 19}" y="${round(place + 4)}" style="fill:${colour}">${escaped(name)}</text>`;
    })
    .join("\n");
}

/** Places in order, each at least a label's height from the next, all of them as near as can be to where they were. */
function spreadOut(wanted: readonly number[], { from, to }: { from: number; to: number }): number[] {
  const places = [...wanted];
  for (let index = 1; index < places.length; index += 1) {
    places[index] = Math.max(places[index] ?? 0, (places[index - 1] ?? 0) + LABEL_HEIGHT);
  }
  let next = to + LABEL_HEIGHT;
  for (let index = places.length - 1; index >= 0; index -= 1) {
    places[index] = Math.min(places[index] ?? 0, next - LABEL_HEIGHT);
    next = places[index] ?? 0;
  }
  return places.map((place) => Math.max(place, from - LABEL_HEIGHT));
}

function axisOf(values: readonly number[], [start, end]: readonly [number, number]): Axis {
  const positive = values.filter((value) => value > 0).map(Math.log10);
  const low = Math.floor(Math.min(...positive) + 1e-9);
  const high = Math.max(Math.ceil(Math.max(...positive) - 1e-9), low + 1);
  const decades = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { decades, at: (value) => start + ((Math.log10(value) - low) / (high - low)) * (end - start) };
}

function named(line: Series): string {
  return `${line.name}: ${verdictOf(line)}`;
}

function text(x: number, y: number, content: string, style: string, anchor = "start"): string {
  return `<text class="${style}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function rule(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line class="${style}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

function short(value: number): string {
  return value >= 1 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(1)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
