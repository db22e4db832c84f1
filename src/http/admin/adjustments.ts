import * as z from "zod";
import { assert } from "../../domain/assert.ts";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import { isoTime } from "../../domain/instant.ts";
import { CURRENCY, formatMicros, MICROS_PER_CENTAVO, parseAmountMicros } from "../../domain/money.ts";
import { periodOf } from "../../domain/period.ts";
import { fail, ok } from "../../domain/result.ts";
import { adjust } from "../../gateway/adjust.ts";
import type { Adjustment } from "../../platform/adjustment_records.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { idempotencyKeyHeader } from "../lookup_call.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "../paging.ts";
import { freeText } from "../printable.ts";
import { currencyField, exactReais, periodField, tenantIdField, timeField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";

const LIST = "adjustments";

const MOST_UNITS = 1_000_000_000;
const MOST_MICROS = 1_000_000_000_000;

const newAdjustment = z
  .strictObject({
    id: z
      .string()
      .regex(/^(?!lkp_)[A-Za-z0-9._-]{1,64}$/, issue("invalid_form", { example: "corr-17" }))
      .refine((text) => !looksLikeCpf(text), issue("looks_like_cpf"))
      .optional()
      .meta(
        told(
          {
            "pt-BR": "O seu próprio id: repetir com ele dá o mesmo ajuste. Sem ele, envie uma `Idempotency-Key`.",
            en: "Your own id: a repeat with it is the same adjustment. Else give an `Idempotency-Key`.",
          },
          { examples: ["credito-2026-10-loja"] },
        ),
      ),
    corrects: freeText(100)
      .nullish()
      .meta(
        told(
          { "pt-BR": "O id de uma consulta ou um mês.", en: "A lookup's id or a period." },
          { examples: ["2026-10"] },
        ),
      ),
    units: z
      .int()
      .min(-MOST_UNITS)
      .max(MOST_UNITS)
      .meta(
        told(
          { "pt-BR": "Consultas; abaixo de zero para um crédito.", en: "Lookups; below zero for a credit." },
          { examples: [-1] },
        ),
      ),
    amount: z
      .union([z.string(), z.number()])
      .refine((amount) => {
        const micros = parseAmountMicros(String(amount));
        return micros.ok && Math.abs(micros.value) <= MOST_MICROS;
      }, issue("amount"))
      .refine((amount) => {
        const micros = parseAmountMicros(String(amount));
        return !micros.ok || micros.value % MICROS_PER_CENTAVO === 0;
      }, issue("whole_centavos"))
      .meta(
        told(
          { "pt-BR": "Em reais; abaixo de zero para um crédito.", en: "BRL; below zero for a credit." },
          { examples: ["-12.34"] },
        ),
      ),
    reason: freeText(200).meta(
      told(
        { "pt-BR": "O motivo, como o parceiro vai ler.", en: "The reason, as the tenant will read it." },
        { examples: ["Cobrança em dobro em outubro"] },
      ),
    ),
  })
  .refine(({ units, amount }) => units !== 0 || Number(amount) !== 0, issue("changes_nothing"))
  .refine(({ units, amount }) => !(units * Number(amount) < 0), issue("opposite_signs"))
  .meta({ id: "NewAdjustment" });

const adjustment = z
  .object({
    id: z
      .string()
      .meta(told({ "pt-BR": "O id do ajuste.", en: "The adjustment's id." }, { examples: ["credito-2026-10-loja"] })),
    tenantId: tenantIdField,
    period: periodField
      .nullable()
      .meta(
        told(
          { "pt-BR": "O mês aberto em que ele entrou.", en: "The open month that it is in." },
          { examples: ["2026-11"] },
        ),
      ),
    seq: z
      .int()
      .nullable()
      .meta(told({ "pt-BR": "O número do evento.", en: "The event's number." }, { examples: [126] })),
    occurredAt: timeField({
      "pt-BR": "Quando foi registrado; `null` enquanto não foi.",
      en: "When it was recorded; null while it has not been yet.",
    }).nullable(),
    units: z.int().meta(told({ "pt-BR": "Consultas.", en: "Lookups." }, { examples: [-1] })),
    amount: exactReais,
    currency: currencyField,
    reason: z
      .string()
      .meta(told({ "pt-BR": "O motivo.", en: "The reason." }, { examples: ["Cobrança em dobro em outubro"] })),
    corrects: z
      .string()
      .nullable()
      .meta(told({ "pt-BR": "O que ele corrige.", en: "What it corrects." }, { examples: ["2026-10"] })),
  })
  .meta({ id: "Adjustment" });

/** `POST /admin/v1/tenants/{id}/adjustments`. */
export const adjustTenant = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/tenants/:tenantId/adjustments",
  id: "adjust",
  tag: "Operations",
  summary: { "pt-BR": "Ajustar o que um parceiro paga", en: "Correct what a tenant is charged" },
  description: {
    "pt-BR":
      "Um evento no mês aberto que diz o que corrige; um mês fechado nunca muda. O que ele corrige precisa existir, e os " +
      "créditos nunca passam do que isso custou, arredondado ao centavo para cima. Repetir com o mesmo `id` ou a mesma " +
      "`Idempotency-Key` devolve a primeira resposta.",
    en:
      "An event in the open month that says what it corrects; a closed month never changes. What it corrects must exist, " +
      "and credits are never more than it cost, rounded up to the centavo. A repeat with the same `id` or " +
      "`Idempotency-Key` gives the first answer again.",
  },
  role: "finance",
  audit: "in_change",
  requestHeaders: { "Idempotency-Key": idempotencyKeyHeader },
  body: {
    schema: newAdjustment,
    example: { corrects: "2026-10", units: -1, amount: "-0.15", reason: "Cobrança em dobro" },
  },
  answers: { 201: { description: { "pt-BR": "O ajuste.", en: "The adjustment." }, content: adjustment } },
  headers: { ...HEADERS.cacheControl, ...HEADERS.replayed },
  failures: ["not_found", "idempotency_mismatch", "ledger_unavailable"],
  handle: async ({ context, services, actor, params: { tenantId }, headers, body }) => {
    const { id = null, corrects = null, units, amount, reason } = body;
    const micros = parseAmountMicros(String(amount));
    assert(micros.ok, "an amount passed its schema and is none");
    const amountMicros = micros.value;
    const idempotencyKey = headers["Idempotency-Key"];
    const asked = { id, idempotencyKey, units, amountMicros, reason, corrects };
    const adjusted = await adjust(services, actor, { tenantId, asked });
    if (!adjusted.ok) return adjusted;
    if (adjusted.value.isRepeat) context.header("Idempotency-Replayed", "true");
    return ok(context.json(shown(adjusted.value.adjustment), 201));
  },
});

/** `GET /admin/v1/tenants/{id}/adjustments`: the oldest first. */
export const listAdjustments = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/tenants/:tenantId/adjustments",
  id: "listAdjustments",
  tag: "Operations",
  summary: { "pt-BR": "Ver os ajustes de um parceiro", en: "List a tenant's adjustments" },
  role: "read",
  query: pageQuery(LIST),
  headers: HEADERS.cacheControl,
  answers: {
    200: {
      description: { "pt-BR": "Uma página de ajustes.", en: "A page of adjustments." },
      content: pageAnswer(adjustment),
    },
  },
  failures: ["not_found"],
  handle: async ({ context, services, params: { tenantId }, query: { limit, cursor } }) => {
    if ((await services.register.tenant(tenantId)) === null) return fail({ code: "not_found" });
    const found = await services.adjustments.list(tenantId, cursor ?? null, limit + 1);
    context.header("Cache-Control", "no-store");
    const place = ({ createdAtMs, id }: Adjustment) => [createdAtMs, id] as const;
    return ok(context.json(pageOf(context, { list: LIST, entries: found, limit }, { entry: shown, place })));
  },
});

/** An adjustment that its ledger has not recorded yet has no month, number or time. */
function shown({ event, ...made }: Adjustment): z.infer<typeof adjustment> {
  return {
    id: made.id,
    tenantId: made.tenantId,
    period: event === null ? null : periodOf(event.occurredAtMs),
    seq: event === null ? null : event.seq,
    occurredAt: event === null ? null : isoTime(event.occurredAtMs),
    units: made.units,
    amount: formatMicros(made.amountMicros),
    currency: CURRENCY,
    reason: made.reason,
    corrects: made.corrects,
  };
}
