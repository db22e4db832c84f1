import { lifeState, type Lifetime, type LifeState } from "../domain/life_state.ts";
import type { Text } from "../http/language.ts";
import { badge, type Html, type Tone } from "./html.ts";
import type { PageTools } from "./page.ts";

const TONES: Readonly<Record<LifeState, Tone>> = { active: "good", expired: "warn", revoked: "bad" };

/** Whether a key or an operator still works. */
export function lifeBadge(
  lifetime: Lifetime,
  texts: Readonly<Record<LifeState, Text>>,
  { say, nowMs }: PageTools,
): Html {
  const state = lifeState(lifetime, nowMs);
  return badge(say(texts[state]), TONES[state]);
}
