import * as z from "zod";
import { ALARM_KINDS } from "../../domain/alarms.ts";
import { isoTime } from "../../domain/instant.ts";
import type { RaisedAlarm } from "../../platform/alarms.ts";
import { told } from "../language.ts";
import { tenantIdField, timeField } from "../shared_fields.ts";

const alarm = z.object({
  kind: z.enum(ALARM_KINDS).meta(
    told(
      {
        "pt-BR":
          "`enumeration`: muitas pessoas nunca consultadas antes pelo parceiro, numa hora; `spend`: gasto do dia muito acima do usual; `failed_logins`: muitas credenciais erradas.",
        en: "`enumeration`: many persons whom the tenant never looked up before, in an hour; `spend`: a day's spend far above the usual; `failed_logins`: many wrong credentials.",
      },
      { examples: ["enumeration"] },
    ),
  ),
  tenantId: tenantIdField.nullable(),
  since: z.string().meta(
    told(
      {
        "pt-BR": "A hora, ou o dia em São Paulo, de que fala.",
        en: "The hour, or the São Paulo day, that it is about.",
      },
      { examples: ["2026-11-27T21:00:00.000Z"] },
    ),
  ),
  raisedAt: timeField({ "pt-BR": "Quando foi notado.", en: "When it was noticed." }),
  observed: z.int().meta(
    told(
      {
        "pt-BR": "Pessoas, milionésimos de real, ou credenciais erradas.",
        en: "Persons, micros of BRL, or wrong credentials.",
      },
      { examples: [840] },
    ),
  ),
  usual: z
    .int()
    .meta(told({ "pt-BR": "O mesmo, na média de antes.", en: "The same, on average before." }, { examples: [22] })),
});

/** What health says of alarms, and of who bills. */
export const alarmsHealth = z
  .array(alarm)
  .nullable()
  .meta(
    told({
      "pt-BR": "O que esteve longe do usual nas últimas 24 horas, até 20; `null` quando o D1 não respondeu.",
      en: "What was far from the usual in the last 24 hours, up to 20; null when D1 could not be asked.",
    }),
  );

export const issuerHealth = z
  .object({
    missing: z.array(z.string()).meta(
      told(
        {
          "pt-BR": "Atenção: sem estas configurações, os documentos dizem `não informado`.",
          en: "A warning: without these settings documents say `não informado`.",
        },
        { examples: [["ISSUER_ADDRESS"]] },
      ),
    ),
  })
  .meta(told({ "pt-BR": "Quem cobra, nos documentos.", en: "Who bills, in documents." }));

export function shownAlarm({ kind, tenantId, since, raisedAtMs, observed, usual }: RaisedAlarm) {
  return { kind, tenantId, since, raisedAt: isoTime(raisedAtMs), observed, usual };
}
