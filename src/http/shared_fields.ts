import * as z from "zod";
import { MODES } from "../domain/meter_event.ts";
import { CURRENCY } from "../domain/money.ts";
import { TIME_ZONE } from "../domain/period.ts";
import { told, type Text } from "./language.ts";
import { issue } from "./zod_issues.ts";

/** Fields that several answers have, so that each is explained once. */
export const timeZoneField = z
  .literal(TIME_ZONE)
  .meta(told({ "pt-BR": "O fuso dos dias e dos meses.", en: "The zone that days and months are of." }));

export const currencyField = z.literal(CURRENCY).meta(told({ "pt-BR": "Sempre BRL.", en: "Always BRL." }));

export const exactReais = z
  .string()
  .meta(
    told(
      { "pt-BR": "Em reais, exato, antes de arredondar.", en: "BRL, exact, before any rounding." },
      { examples: ["12.3450"] },
    ),
  );

export const roundedReais = z
  .string()
  .meta(
    told({ "pt-BR": "Em reais, arredondado ao centavo.", en: "BRL, rounded to the centavo." }, { examples: ["12.35"] }),
  );

export const periodField = z
  .string()
  .meta(
    told(
      { "pt-BR": "Um mês no horário de São Paulo.", en: "A month of `America/Sao_Paulo`." },
      { examples: ["2026-11"] },
    ),
  );

export const tenantIdField = z
  .string()
  .meta(told({ "pt-BR": "O id do parceiro.", en: "The tenant's id." }, { examples: ["ten_0123456789abcdef0123"] }));

export const lookupIdField = z
  .string()
  .meta(
    told(
      { "pt-BR": "O id da consulta.", en: "The lookup's id." },
      { examples: ["lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e"] },
    ),
  );

export const transactionIdField = z
  .string()
  .nullable()
  .meta(
    told(
      { "pt-BR": "O id da transação na Claro.", en: "Claro's own id of the transaction." },
      { examples: ["0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58"] },
    ),
  );

export const modeField = z
  .enum(MODES)
  .meta(told({ "pt-BR": "`test` é do sandbox.", en: "`test` is of the sandbox." }, { examples: ["live"] }));

export const sha256Field = z
  .string()
  .meta(
    told(
      { "pt-BR": "SHA-256 em hexadecimal minúsculo.", en: "SHA-256, lower-case hexadecimal." },
      { examples: ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] },
    ),
  );

/** A time as it is answered, with what it is the time of. */
export function timeField(meaning: { readonly "pt-BR": string; readonly en: string }) {
  return z.iso.datetime().meta(told(meaning, { examples: ["2026-11-27T21:20:40.123Z"] }));
}

/** How many lookups ended in each way. */
export const outcomeFields = {
  delivered: z
    .int()
    .meta(told({ "pt-BR": "Com score entregue.", en: "Whose score was delivered." }, { examples: [118] })),
  notFound: z
    .int()
    .meta(
      told({ "pt-BR": "Para as quais a Claro não tem score.", en: "For which Claro has no score." }, { examples: [4] }),
    ),
  rejected: z.int().meta(told({ "pt-BR": "Que a Claro recusou.", en: "That Claro rejected." }, { examples: [1] })),
  failed: z
    .int()
    .meta(
      told({ "pt-BR": "Que falharam sem custo para ninguém.", en: "That failed at nobody's cost." }, { examples: [2] }),
    ),
  unknown: z
    .int()
    .meta(
      told(
        { "pt-BR": "Sem resposta da Claro a tempo.", en: "Without an answer from Claro in time." },
        { examples: [0] },
      ),
    ),
};

export const billedField = z
  .int()
  .meta(told({ "pt-BR": "As que são cobradas.", en: "Those that are charged." }, { examples: [118] }));

export const countFields = {
  requests: z.int().meta(told({ "pt-BR": "Consultas ao todo.", en: "Lookups in all." }, { examples: [125] })),
  ...outcomeFields,
  billed: billedField,
};

type WholeNumber = {
  readonly least: number;
  readonly most: number;
  /** What it is when it is not given. */
  readonly otherwise: number;
  readonly example: number;
};

/** A whole number in a query, in digits: `1e3`, `0x10`, ` 5` and Arabic digits are none, although `Number` reads some of them. */
export function wholeNumberQuery(meaning: Text, { least, most, otherwise, example }: WholeNumber) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]*)$/, issue("wrong_type", { expected: "int" }))
    .meta({
      ...told(meaning),
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        const bounds = most === Number.MAX_SAFE_INTEGER ? { minimum: least } : { minimum: least, maximum: most };
        Object.assign(jsonSchema, { type: "integer", ...bounds, default: otherwise, examples: [example] });
      },
    })
    .transform(Number)
    .pipe(z.number().min(least, issue("too_small", { least })).max(most, issue("too_large", { most })))
    .default(otherwise);
}

/** A month in a query. */
export const monthQuery = z.string().regex(/^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])$/, issue("month"));
