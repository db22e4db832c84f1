import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import type { Health } from "../../gateway/read_health.ts";
import { told } from "../language.ts";
import { periodField, tenantIdField, timeField } from "../shared_fields.ts";

export const databaseHealth = z.object({
  sizeBytes: z
    .int()
    .meta(told({ "pt-BR": "O tamanho, em bytes.", en: "Its size in bytes." }, { examples: [1_200_000_000] })),
  limitBytes: z
    .int()
    .meta(told({ "pt-BR": "O máximo, em bytes.", en: "The most that it holds." }, { examples: [10_000_000_000] })),
  state: z.enum(["ample", "filling", "nearly_full"]).meta(
    told(
      {
        "pt-BR": "`filling`: de 70 % em diante os eventos de teste saem. `nearly_full`: de 90 % em diante.",
        en: "`filling`: from 70 % on test events leave D1. `nearly_full`: from 90 % on.",
      },
      { examples: ["ample"] },
    ),
  ),
  schema: z
    .string()
    .nullable()
    .meta(
      told({ "pt-BR": "A última migração aplicada.", en: "The last migration that it has." }, { examples: ["0031_x"] }),
    ),
});

const stuckMonth = z.object({
  tenantId: tenantIdField,
  period: periodField,
  step: z
    .enum(["close", "archive"])
    .meta(told({ "pt-BR": "O que não foi possível.", en: "What could not be done." }, { examples: ["close"] })),
  reason: z.string().meta(told({ "pt-BR": "Por quê.", en: "Why." }, { examples: ["sequence_gap"] })),
  seq: z
    .int()
    .nullable()
    .meta(told({ "pt-BR": "O evento em que parou.", en: "The event at which it stopped." }, { examples: [17] })),
  failures: z.int().meta(told({ "pt-BR": "Quantas vezes seguidas.", en: "How often in a row." }, { examples: [2] })),
  since: timeField({ "pt-BR": "Desde quando.", en: "Since when." }),
  retryAt: timeField({ "pt-BR": "Quando será tentado de novo.", en: "When it is tried again." }),
});

export const monthsHealth = z.object({
  stuck: z
    .int()
    .meta(
      told(
        { "pt-BR": "Meses de parceiros que não fecham ou não são arquivados.", en: "Tenants' months that are stuck." },
        { examples: [0] },
      ),
    ),
  oldest: z
    .array(stuckMonth)
    .meta(told({ "pt-BR": "Os que estão assim há mais tempo.", en: "Those that are so for the longest." })),
});

export const reconciliationsHealth = z.object({
  months: z
    .array(
      z.object({
        period: periodField,
        id: z
          .string()
          .meta(
            told({ "pt-BR": "A conciliação.", en: "The reconciliation." }, { examples: ["rec_0123456789abcdef0123"] }),
          ),
        unexplained: z
          .int()
          .meta(
            told({ "pt-BR": "Consultas sem explicação.", en: "Lookups without an explanation." }, { examples: [3] }),
          ),
      }),
    )
    .meta(
      told({
        "pt-BR": "Meses cuja última conciliação deixa algo sem explicação.",
        en: "Months whose last reconciliation leaves something unexplained.",
      }),
    ),
  lostAtEdges: z.int().meta(
    told(
      {
        "pt-BR": "Consultas da virada do mês que nenhum dos dois relatórios traz.",
        en: "Lookups near a month's end that neither of the two reports names.",
      },
      { examples: [0] },
    ),
  ),
});

export function shownMonths({ stuck, oldest }: NonNullable<Health["months"]>): z.infer<typeof monthsHealth> {
  return {
    stuck,
    oldest: oldest.map(({ firstAtMs, retryAtMs, ...problem }) => ({
      ...problem,
      since: isoTime(firstAtMs),
      retryAt: isoTime(retryAtMs),
    })),
  };
}
