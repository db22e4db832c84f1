import * as z from "zod";
import type { KeyLimits } from "../../domain/ledger/terms.ts";
import { LEGAL_BASES, PURPOSES, type LookupDefaults } from "../../domain/lookup_grounds.ts";
import { told } from "../language.ts";

const MAX_MICROS = 1_000_000_000_000;

/** What a key may be limited to by itself, and what it says of its lookups. */
export const LIMITS = told({
  "pt-BR": "Limites só desta chave, além dos do parceiro: 429 `key_limit_reached`; `null` é nenhum.",
  en: "Limits of this key alone, beside the tenant's: 429 `key_limit_reached`; null is none.",
});
export const DEFAULTS = told({
  "pt-BR":
    "O que vale para uma consulta que não o diz, também no formato da Claro, que não tem lugar para isso; `null` é nada.",
  en: "What counts for a lookup that does not say it, in Claro's shape too, which has no place for it; null is nothing.",
});

const limitsFields = {
  dailyLookups: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .optional()
    .meta(told({ "pt-BR": "Consultas por dia de São Paulo.", en: "Lookups a São Paulo day." }, { examples: [5000] })),
  monthlySpendCapMicros: z
    .int()
    .min(0)
    .max(MAX_MICROS)
    .optional()
    .meta(
      told(
        { "pt-BR": "Milionésimos de real por mês de São Paulo.", en: "Micros of BRL a São Paulo month." },
        { examples: [500_000_000] },
      ),
    ),
  ratePerSecond: z
    .number()
    .min(0.001)
    .max(10_000)
    .optional()
    .meta(told({ "pt-BR": "Consultas por segundo.", en: "Lookups a second." }, { examples: [5] })),
};

const defaultsFields = {
  purpose: z
    .enum(PURPOSES)
    .optional()
    .meta(
      told(
        { "pt-BR": "Para que o score é consultado.", en: "What the score is for." },
        { examples: ["credit_granting"] },
      ),
    ),
  legalBasis: z
    .enum(LEGAL_BASES)
    .optional()
    .meta(
      told(
        { "pt-BR": "A base legal da LGPD.", en: "The legal basis under the LGPD." },
        { examples: ["credit_protection"] },
      ),
    ),
};

/** As bodies give them. An empty object means none. */
export const keyLimits = z
  .strictObject(limitsFields)
  .transform((limits) => withoutAbsent<KeyLimits>(limits))
  .nullable();
export const keyDefaults = z
  .strictObject(defaultsFields)
  .transform((defaults) => withoutAbsent<LookupDefaults>(defaults))
  .nullable();

/** As they are shown. */
export const shownLimits = z.object(limitsFields).nullable().meta(LIMITS);
export const shownDefaults = z.object(defaultsFields).nullable().meta(DEFAULTS);

/** Null for an object without any value. */
function withoutAbsent<Value extends object>(given: { [Name in keyof Value]?: Value[Name] | undefined }): Value | null {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? null : (Object.fromEntries(entries) as Value);
}
