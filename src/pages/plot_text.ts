import { COMMON } from "./common_texts.ts";
import type { PageTools } from "./page.ts";
import type { PlotText } from "./plots/plot.ts";

/** What a plot says: `across` heads its table's first column. Values are counts where nothing else is said. */
export function plotText(
  { say, format }: Pick<PageTools, "say" | "format">,
  title: string,
  { across, formatValue = format.count }: { across: string; formatValue?: (value: number) => string },
): PlotText {
  return { title, across, asTable: say(COMMON.asTable), formatValue };
}
