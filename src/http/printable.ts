import * as z from "zod";
import { looksLikeCpf } from "../domain/cpf_like.ts";
import { issue } from "./zod_issues.ts";

/** Letters and symbols of Unicode that show nothing: fillers of Hangul, and Braille without a dot. */
const BLANK_LETTERS = /[\u115f\u1160\u2800\u3164\uffa0]/gu;
const PRINTABLE = /^(?:(?![\u2028-\u202e\u2066-\u2069\ufeff])[^\p{Cc}\p{Cs}\p{Co}\p{Cn}])+$/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * 1 to `longest` characters that are visible in any script: no control characters, no line ends, nothing that changes
 * the direction of text.
 */
function isPrintable(text: string, longest: number): boolean {
  return Array.from(text).length <= longest && PRINTABLE.test(text) && VISIBLE.test(text.replaceAll(BLANK_LETTERS, ""));
}

/** A text of the caller's that is kept and exported: visible, and no CPF in it, in whatever script. */
export function freeText(longest: number) {
  return z
    .string()
    .refine((text) => isPrintable(text, longest), issue("printable", { longest }))
    .refine((text) => !looksLikeCpf(text), issue("looks_like_cpf"))
    .meta({ minLength: 1, maxLength: longest });
}
