import type { Outcome, UsageCounts } from "../domain/meter_event.ts";
import { OUTCOME_TEXTS } from "./common_texts.ts";
import { badge, type Html, type Tone } from "./html.ts";
import type { Say } from "./page.ts";
import type { Series } from "./plots/plot.ts";

/** How lookups ended, by the names that counts have, in the order of plots and tables. */
export const OUTCOMES = ["delivered", "notFound", "rejected", "failed", "unknown"] as const;

type CountName = (typeof OUTCOMES)[number];

const SHOWN: Readonly<Record<Outcome, readonly [CountName, Tone]>> = {
  delivered: ["delivered", "good"],
  not_found: ["notFound", "quiet"],
  rejected: ["rejected", "warn"],
  failed: ["failed", "bad"],
  unknown: ["unknown", "bad"],
};

/** Places with their counts as series by outcome, for stacked bars. */
export function outcomeSeries(counts: readonly Pick<UsageCounts, CountName>[], say: Say): Series[] {
  return OUTCOMES.map((outcome) => ({
    name: say(OUTCOME_TEXTS[outcome]),
    values: counts.map((one) => one[outcome]),
  }));
}

/** How one lookup ended; one without an outcome was never answered. */
export function outcomeBadge(outcome: Outcome | null, say: Say): Html {
  const [name, tone] = SHOWN[outcome ?? "unknown"];
  return badge(say(OUTCOME_TEXTS[name]), tone);
}
