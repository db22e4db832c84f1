import * as z from "zod";
import { ok } from "../../domain/result.ts";
import { closePeriod as closeMonth } from "../../gateway/close_period.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { periodField, tenantIdField } from "../shared_fields.ts";

const closing = z
  .object({
    period: periodField,
    status: z.enum(["closed", "closing"]).meta(
      told(
        {
          "pt-BR": "`closing`: repita a chamada ou deixe para o cron.",
          en: "`closing`: repeat the call, or leave it to the cron.",
        },
        { examples: ["closed"] },
      ),
    ),
    closed: z
      .int()
      .meta(
        told({ "pt-BR": "Parceiros com o mês fechado.", en: "Tenants whose month is closed." }, { examples: [42] }),
      ),
    remaining: z
      .int()
      .meta(
        told(
          { "pt-BR": "Parceiros com o mês ainda aberto.", en: "Tenants whose month is not closed yet." },
          { examples: [0] },
        ),
      ),
    failures: z
      .array(
        z.object({
          tenantId: tenantIdField,
          period: periodField,
          reason: z
            .enum([
              "unavailable",
              "tenant_mismatch",
              "mode_mismatch",
              "period_mismatch",
              "amount_mismatch",
              "sequence_gap",
              "sequence_repeat",
            ])
            .meta(
              told({ "pt-BR": "Por que não fechou.", en: "Why it was not closed." }, { examples: ["unavailable"] }),
            ),
          seq: z
            .int()
            .nullable()
            .meta(
              told({ "pt-BR": "O evento em que parou.", en: "The event at which it stopped." }, { examples: [null] }),
            ),
        }),
      )
      .meta(told({ "pt-BR": "O que esta chamada não conseguiu fechar.", en: "What this call could not close." })),
  })
  .meta({ id: "Closing" });

/** `POST /admin/v1/periods/{period}/close`. */
export const closePeriod = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/periods/:period/close",
  id: "closePeriod",
  tag: "Operations",
  summary: { "pt-BR": "Fechar um mês encerrado de todos os parceiros", en: "Close an ended month for all tenants" },
  description: {
    "pt-BR":
      "Congela e assina o extrato de cada parceiro, uma única vez, e os de meses anteriores ainda abertos. Cada chamada faz " +
      "uma parte limitada e diz o que falta; o que está fechado continua fechado. O cron faz o mesmo um dia depois do fim do mês.",
    en:
      "Freezes and signs every tenant's statement, once, and those of earlier months that are still open. A call does a " +
      "bounded piece of work and says what is left; what is closed stays closed. The cron does the same a day after a month's end.",
  },
  role: "finance",
  audit: "in_change",
  headers: HEADERS.cacheControl,
  answers: {
    200: {
      description: { "pt-BR": "O mês está fechado para todos.", en: "The month is closed for all tenants." },
      content: closing,
    },
    202: {
      description: { "pt-BR": "Faltam alguns parceiros: chame de novo.", en: "Some tenants are left: call again." },
      content: closing,
    },
  },
  failures: ["period_open", "statement_unavailable"],
  outage: "statement_unavailable",
  handle: async ({ context, services, actor, params: { period } }) => {
    const report = await closeMonth(services, actor, period);
    if (report.ok) return ok(context.json(report.value, report.value.status === "closed" ? 200 : 202));
    if (report.failure.code === "misconfigured") context.get("log").settings = ["EXPORT_SIGNING_KEY"];
    return report;
  },
});
