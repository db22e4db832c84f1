import { parseAmountMicros } from "./money.ts";
import { fail, type Result } from "./result.ts";

/** Reais with thousands in points and a decimal comma, as Brazilians write them: `5.000,00`, `1.234.567`. */
const GROUPED = /^[1-9]\d{0,2}(?:\.\d{3})+(?:,\d{1,6})?$/;
/** Without thousands, and with a decimal comma or a decimal point: `5000`, `5000,50`, `0.15`. */
const PLAIN = /^(?:0|[1-9]\d*)(?:[.,]\d{1,6})?$/;
/** Five thousand to some, five to others: `5.000` and `5,000`. */
const AMBIGUOUS = /^[1-9]\d{0,2}[.,]\d{3}$/;
const SIGN_AND_CURRENCY = /^(-?)(?:R\$\s?)?(-?)(.*)$/s;

/** Why a text is no amount, for whoever typed it. */
export type NoAmount = "ambiguous" | "malformed" | "too_large";

/**
 * An amount in reais as people type it, in micros: `5000`, `5000,50`, `5.000,00`, `0.15`, `R$ 5.000,00`, with a minus
 * before or after `R$`. What could mean two amounts is refused: a thousandfold mistake is no typo to guess at.
 */
export function readAmountMicros(text: string): Result<number, NoAmount> {
  const [, before = "", after = "", digits = ""] = SIGN_AND_CURRENCY.exec(text) ?? [];
  if (before !== "" && after !== "") return fail("malformed");
  if (AMBIGUOUS.test(digits)) return fail("ambiguous");
  const isGrouped = GROUPED.test(digits);
  if (!isGrouped && !PLAIN.test(digits)) return fail("malformed");
  const decimal = (isGrouped ? digits.replaceAll(".", "") : digits).replace(",", ".");
  const micros = parseAmountMicros(`${before}${after}${decimal}`);
  return micros.ok ? micros : fail("too_large");
}

/** What to write instead of an ambiguous amount: `5.000` is `5000` or `5,00`. */
export function waysToWrite(ambiguous: string): string {
  const [, sign = "", whole = "", rest = ""] = /(-?)(\d+)[.,](\d+)$/.exec(ambiguous) ?? [];
  return `${sign}${whole}${rest} (thousands) or ${sign}${whole},${rest === "000" ? "00" : `${rest}0`} (decimals)`;
}

/** An amount as the admin API takes it: a decimal with a point, exact. */
export function formatDecimal(micros: number): string {
  const sign = micros < 0 ? "-" : "";
  const digits = String(Math.abs(micros)).padStart(7, "0");
  return `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, "");
}
