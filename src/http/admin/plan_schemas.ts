import * as z from "zod";
import { PLAN_NAMES, type Plan, type PlanTerms } from "../../domain/plan.ts";
import { validateTiers } from "../../domain/pricing.ts";
import { told } from "../language.ts";
import { issue } from "../zod_issues.ts";

/** A plan's terms as operators give them and as a tenant shows them. */
const MAX_MICROS = 1_000_000_000_000;
const micros = z.int().min(0).max(MAX_MICROS);

export const tier = z
  .strictObject({
    upTo: z
      .int()
      .min(1)
      .nullable()
      .meta(
        told(
          {
            "pt-BR": "A última consulta da faixa; `null` na última faixa.",
            en: "The tier's last lookup; null in the last tier.",
          },
          { examples: [100_000] },
        ),
      ),
    unitPriceMicros: micros.meta(
      told(
        { "pt-BR": "O preço de cada uma, em milionésimos de real.", en: "The price of each, in micros of BRL." },
        { examples: [150_000] },
      ),
    ),
  })
  .meta({
    id: "PriceTier",
    ...told({
      "pt-BR": "Até a consulta `upTo` do mês, cada uma custa `unitPriceMicros`.",
      en: "Lookups up to the `upTo`-th of a month cost `unitPriceMicros` each.",
    }),
  });

const requests = z
  .int()
  .min(0)
  .meta(told({ "pt-BR": "Quantas consultas.", en: "How many lookups." }, { examples: [1000] }));
const ALLOWANCE = {
  "pt-BR": "Quantas consultas o plano permite ao todo; `null` é sem limite.",
  en: "How many lookups the plan grants in all; null is no limit.",
};
const ENDS = told(
  { "pt-BR": "Até quando; `null` é sem fim.", en: "Until when; null is for ever." },
  { examples: ["2027-02-01T03:00:00.000Z"] },
);
// Kept in UTC, in which way ever it was written.
const instant = z.iso
  .datetime({ offset: true, error: issue("date_time") })
  .meta(ENDS)
  .transform((text) => new Date(text).toISOString());

const TIERS = { "pt-BR": "O preço por faixa, em ordem crescente.", en: "The price by tier, in ascending order." };
const RATE = told(
  { "pt-BR": "Consultas por segundo, em média.", en: "Lookups a second, in the long run." },
  { examples: [50] },
);
const BURST = told(
  { "pt-BR": "Consultas de uma vez, depois de uma pausa.", en: "Lookups at once, after a pause." },
  { examples: [50] },
);
const CAP = told(
  {
    "pt-BR": "Milionésimos de real por mês de São Paulo; `null` é sem limite.",
    en: "Micros of BRL a São Paulo month; null is no cap.",
  },
  { examples: [5_000_000_000] },
);

const READS = told(
  {
    "pt-BR": "Leituras de consumo, demonstrativos e consultas por minuto, à parte das consultas; sem valor, 120.",
    en: "Reads of usage, statements and lookups a minute, apart from lookups; 120 where it is not given.",
  },
  { examples: [120] },
);
export const EFFECTIVE_FROM = told(
  {
    "pt-BR": "O primeiro dia de um mês por vir, em São Paulo; sem ele, o plano vale já.",
    en: "The first day of a coming month, in São Paulo; without it, the plan begins now.",
  },
  { examples: ["2026-12-01"] },
);

const planTerms = {
  allowance: z
    .strictObject({ requests, endsAt: instant.nullable().optional().meta(ENDS) })
    .nullable()
    .meta(told(ALLOWANCE)),
  tiers: z
    .array(tier)
    .min(1)
    .max(20)
    .refine((tiers) => validateTiers(tiers).ok, issue("tiers"))
    .meta(told(TIERS)),
  ratePerSecond: z.number().min(0.01).max(10_000).meta(RATE),
  burst: z.int().min(1).max(100_000).meta(BURST),
  monthlySpendCapMicros: micros.nullable().meta(CAP),
  readsPerMinute: z.int().min(1).max(100_000).meta(READS),
} satisfies Record<Exclude<keyof PlanTerms, "name">, z.ZodType>;
export const planName = z
  .enum(PLAN_NAMES)
  .meta(told({ "pt-BR": "O nome do plano.", en: "The plan's name." }, { examples: ["pay-per-use"] }));
export const namedPlan = z.strictObject({ name: planName, ...z.object(planTerms).partial().shape });
export const planChange = z.strictObject({
  name: planName.optional(),
  ...z.object(planTerms).partial().shape,
  effectiveFrom: z
    .string()
    .regex(/^\d{4}-\d{2}-01$/, issue("date"))
    .optional()
    .meta(EFFECTIVE_FROM),
});
export const PLAN = told(
  {
    "pt-BR": "O nome de um plano, com os termos padrão, ou um objeto que os muda.",
    en: "A plan's name, with its default terms, or an object that changes them.",
  },
  { examples: ["pay-per-use"] },
);

export const plan = z
  .object({
    name: planName,
    allowance: z
      .object({ requests, endsAt: z.iso.datetime().nullable().meta(ENDS) })
      .nullable()
      .meta(told(ALLOWANCE)),
    tiers: z.array(tier).meta(told(TIERS)),
    ratePerSecond: z.number().meta(RATE),
    burst: z.int().meta(BURST),
    monthlySpendCapMicros: z.int().nullable().meta(CAP),
    readsPerMinute: z.int().optional().meta(READS),
  } satisfies Record<keyof Plan, z.ZodType>)
  .meta({
    id: "Plan",
    ...told({ "pt-BR": "Os termos em que o parceiro é atendido.", en: "The terms that the tenant is served under." }),
  });
