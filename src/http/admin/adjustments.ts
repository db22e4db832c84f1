import { z } from "zod";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import { CURRENCY, formatMicros, parseAmountMicros } from "../../domain/money.ts";
import { periodOf } from "../../domain/period.ts";
import { adjust } from "../../gateway/adjust.ts";
import type { AppContext } from "../context.ts";
import { idempotencyKeyHeader, readIdempotencyKey } from "../lookup_call.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { problemResponse } from "../problem.ts";
import { readJson } from "../read_body.ts";
import { issuesOf } from "../scores.ts";
import { actorOf } from "./authenticate_operator.ts";

const MOST_UNITS = 1_000_000_000;
const MOST_MICROS = 1_000_000_000_000;

/** Text that goes into exports: no line of it may hold a CPF. */
const shownText = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}*$/u, "no control characters")
    .refine((text) => !looksLikeCpf(text), "must not hold a CPF");

const newAdjustment = z
  .strictObject({
    id: z
      .string()
      .regex(/^(?!lkp_)[A-Za-z0-9._-]{1,64}$/)
      .optional()
      .meta({ description: "Your own id: a repeat with it is the same adjustment. Else give an `Idempotency-Key`." }),
    corrects: shownText(100)
      .nullish()
      .meta({ description: "A lookup's id or a period.", examples: ["2026-10"] }),
    units: z.int().min(-MOST_UNITS).max(MOST_UNITS).meta({ description: "Lookups; below zero for a credit." }),
    amount: z
      .union([z.string(), z.number()])
      .refine((amount) => {
        const micros = parseAmountMicros(String(amount));
        return micros.ok && Math.abs(micros.value) <= MOST_MICROS;
      }, "reais with a decimal point and at most six places, at most a million")
      .meta({ description: "BRL; below zero for a credit.", examples: ["-12.34"] }),
    reason: shownText(200).meta({ examples: ["Cobrança em dobro em outubro"] }),
  })
  .refine(({ units, amount }) => units !== 0 || Number(amount) !== 0, "must change units or amount")
  .meta({ id: "NewAdjustment" });

const adjustment = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    period: z.string().meta({ description: "The open month that it is in." }),
    seq: z.int(),
    occurredAt: z.iso.datetime(),
    units: z.int(),
    amount: z.string(),
    currency: z.literal(CURRENCY),
    reason: z.string(),
    corrects: z.string().nullable(),
  })
  .meta({ id: "Adjustment" });

export const adjustOperation: Operation = {
  id: "adjust",
  tag: "Operations",
  access: "operator",
  summary: "Correct what a tenant is charged",
  description:
    "An event in the open month that says what it corrects; a closed month never changes. A repeat with the same `id` or " +
    "`Idempotency-Key` gives the first answer again.",
  requestHeaders: { "Idempotency-Key": idempotencyKeyHeader },
  body: {
    schema: newAdjustment,
    example: { corrects: "2026-10", units: -1, amount: "-0.15", reason: "Cobrança em dobro" },
  },
  answers: { 201: { description: "The adjustment.", content: adjustment } },
  headers: { ...HEADERS.cacheControl, ...HEADERS.replayed },
  failures: ["idempotency_mismatch", "ledger_unavailable"],
};

/** `POST /admin/v1/tenants/{id}/adjustments`. */
export async function postAdjustment(context: AppContext): Promise<Response> {
  const body = await readJson(context);
  if (!body.ok) return problemResponse(context, body.failure);
  const parsed = newAdjustment.safeParse(body.value);
  if (!parsed.success) return problemResponse(context, { code: "invalid_request", issues: issuesOf(parsed.error) });
  const idempotencyKey = readIdempotencyKey(context.req.header("idempotency-key"));
  if (!idempotencyKey.ok) return problemResponse(context, idempotencyKey.failure);
  const { id = null, corrects = null, units, amount, reason } = parsed.data;
  const micros = parseAmountMicros(String(amount));
  const amountMicros = micros.ok ? micros.value : 0;
  const adjusted = await adjust(context.get("services"), actorOf(context), {
    tenantId: context.req.param("tenantId") ?? "",
    asked: { id, idempotencyKey: idempotencyKey.value, units, amountMicros, reason, corrects },
  });
  if (!adjusted.ok) return problemResponse(context, adjusted.failure);
  if (adjusted.value.isRepeat) context.header("Idempotency-Replayed", "true");
  const { event, ...made } = adjusted.value.adjustment;
  const shown: z.infer<typeof adjustment> = {
    id: made.id,
    tenantId: made.tenantId,
    period: periodOf(event.occurredAtMs),
    seq: event.seq,
    occurredAt: new Date(event.occurredAtMs).toISOString(),
    units: made.units,
    amount: formatMicros(made.amountMicros),
    currency: CURRENCY,
    reason: made.reason,
    corrects: made.corrects,
  };
  return context.json(shown, 201);
}
