import { table, written, type Spread } from "../../statistics.ts";

/** One quantity at growing sizes, smallest first. A size of 0 is the start that the others are compared with. */
export type Series = { readonly name: string; readonly points: readonly Point[] };
export type Point = { readonly size: number; readonly value: Spread };

/** How a quantity grows with the size: not at all, in proportion at most, or faster. */
export type Verdict = "flat" | "straight" | "steeper";

/** What an exponent between two neighbouring sizes may be off by: a fifth is 1.6 times in a decade. */
const TOLERANCE = 0.2;

/** The power of the size that a quantity grows with, between each two neighbours: 0 is a flat line, 1 a straight one. */
function exponentsOf({ points }: Series): number[] {
  const sized = points.filter(({ size }) => size > 0);
  return sized.slice(1).map(({ size, value }, index) => {
    const before = sized[index] as Point;
    if (value.median === before.value.median) return 0;
    return Math.log(value.median / before.value.median) / Math.log(size / before.size);
  });
}

/**
 * By the last stretch, where it matters: before it, what a small size costs anyway hides the growth, and a buffer is not
 * yet as large as it gets.
 */
export function verdictOf(series: Series): Verdict {
  const last = exponentsOf(series).at(-1) ?? Number.NaN;
  if (last <= TOLERANCE) return "flat";
  return last <= 1 + TOLERANCE ? "straight" : "steeper";
}

/** Quantities that were taken at the same sizes, one a line, with how they grow. */
export function growthTable(title: string, list: readonly Series[]): string {
  const sizes = list[0]?.points.map(({ size }) => size.toLocaleString("en")) ?? [];
  return table(
    [title, ...sizes, "last : first", "exponents", "line"],
    list.map((series) => [
      series.name,
      ...series.points.map(({ value }) => shown(value)),
      ratioOf(series),
      exponentsOf(series)
        .map((exponent) => exponent.toFixed(2))
        .join(" "),
      verdictOf(series),
    ]),
  );
}

function shown(value: Spread): string {
  const digits = value.median >= 100 || Number.isInteger(value.median) ? 0 : 2;
  return value.min === value.max ? value.median.toFixed(digits) : written(value, digits);
}

function ratioOf({ points }: Series): string {
  const [first, last] = [points.at(0)?.value.median ?? 0, points.at(-1)?.value.median ?? 0];
  return first === last ? "1.00" : (last / first).toFixed(2);
}
