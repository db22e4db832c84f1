import { adviceText } from "../../http/pages/errors.ts";
import { adviceFor } from "../../http/texts/problem_texts.ts";
import type { Say } from "../page.ts";

/** What helps a partner against a failure, in the words of the reference. */
export function partnerAdvice(code: string, say: Say): string {
  return adviceText(adviceFor(code), (portuguese, english) => say({ "pt-BR": portuguese, en: english }));
}
