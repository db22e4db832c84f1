import * as z from "zod";
import { assertPresent } from "../domain/assert.ts";
import type { Failure } from "../domain/failure.ts";
import { DAY_MS, isoTime } from "../domain/instant.ts";
import { MODES, OUTCOMES } from "../domain/meter_event.ts";
import { CURRENCY, formatMicros } from "../domain/money.ts";
import { parseDate, saoPauloDate, startOfDayMs, startOfNextDayMs } from "../domain/period.ts";
import { ok, type Result } from "../domain/result.ts";
import {
  MOST_UNREAD,
  windowOf,
  type FoundLookup,
  type FoundPage,
  type LookupSearch,
  type SearchPlace,
} from "../gateway/find_lookups.ts";
import type { CopyPlace } from "../platform/event_search.ts";
import { invalidRequest } from "./invalid_request.ts";
import { told } from "./language.ts";
import type { AppContext } from "./context.ts";
import { cursorFor, cursorQuery } from "./paging.ts";
import {
  currencyField,
  exactReais,
  lookupIdField,
  modeField,
  monthQuery,
  periodField,
  tenantIdField,
  timeField,
  transactionIdField,
} from "./shared_fields.ts";
import { issue } from "./zod_issues.ts";

const LONGEST_RANGE_DAYS = 31;

/** Why a lookup was charged, or was not. */
const WHY = [
  "score_delivered",
  "test_mode",
  "no_score",
  "rejected",
  "failed",
  "no_answer_in_time",
  "price_zero",
] as const;
type Why = (typeof WHY)[number];

const milliseconds = (meaning: { readonly "pt-BR": string; readonly en: string }) =>
  z
    .int()
    .nullable()
    .meta(told(meaning, { examples: [184] }));

export const foundLookup = z
  .object({
    id: lookupIdField,
    tenantId: tenantIdField,
    keyId: z
      .string()
      .nullable()
      .meta(
        told({ "pt-BR": "A chave que consultou.", en: "The key that asked." }, { examples: ["csg_live_a1B2c3D4e5"] }),
      ),
    mode: modeField,
    reference: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "A referência do parceiro.", en: "The tenant's own reference." },
          { examples: ["pedido-1234"] },
        ),
      ),
    requestId: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "O `X-Request-Id` da chamada.", en: "The call's `X-Request-Id`." },
          { examples: ["7b1c2f0e-6a53-4f0c-9a57-1d2f3b4c5d6e"] },
        ),
      ),
    admittedAt: timeField({ "pt-BR": "Quando foi aceita.", en: "When it was admitted." }).nullable(),
    endedAt: timeField({ "pt-BR": "Quando terminou.", en: "When it ended." }),
    admitMs: milliseconds({ "pt-BR": "Quanto levou para ser aceita.", en: "How long its admission took." }),
    claroMs: milliseconds({ "pt-BR": "Quanto a Claro levou.", en: "How long Claro took." }),
    outcome: z
      .enum(OUTCOMES)
      .nullable()
      .meta(told({ "pt-BR": "Como terminou.", en: "How it ended." }, { examples: ["delivered"] })),
    failureCode: z
      .string()
      .nullable()
      .meta(
        told(
          {
            "pt-BR": "O código que o parceiro recebeu; `null` com score.",
            en: "The code that the tenant got; null with a score.",
          },
          { examples: ["claro_timeout"] },
        ),
      ),
    upstreamStatus: z
      .int()
      .nullable()
      .meta(
        told(
          { "pt-BR": "O status HTTP da Claro; `null` sem resposta.", en: "Claro's HTTP status; null where none came." },
          { examples: [200] },
        ),
      ),
    transactionId: transactionIdField,
    charge: z
      .object({
        billed: z
          .boolean()
          .meta(told({ "pt-BR": "Se foi cobrada.", en: "Whether it was charged." }, { examples: [true] })),
        reason: z
          .enum(WHY)
          .meta(
            told(
              { "pt-BR": "Por que foi ou não foi cobrada.", en: "Why it was charged, or was not." },
              { examples: ["score_delivered"] },
            ),
          ),
        amount: exactReais,
        currency: currencyField,
      })
      .meta(told({ "pt-BR": "O que o parceiro paga por ela.", en: "What the tenant pays for it." })),
    statement: z
      .object({
        period: periodField,
        status: z
          .enum(["open", "closed"])
          .meta(
            told(
              { "pt-BR": "Um mês fechado nunca muda.", en: "A closed month never changes." },
              { examples: ["open"] },
            ),
          ),
        seq: z.int().meta(told({ "pt-BR": "O número do evento.", en: "The event's number." }, { examples: [118] })),
      })
      .nullable()
      .meta(
        told({
          "pt-BR": "Em que extrato está; `null` em modo de teste.",
          en: "The statement that it is in; null in test mode.",
        }),
      ),
  })
  .meta({ id: "FoundLookup" });

const FOUND = "lookups";
const tenantIdText = z.string().regex(/^[\x20-\x7e]{0,50}$/);
const place = z.union([
  z.tuple([z.int().min(0), tenantIdText, z.array(tenantIdText).max(MOST_UNREAD)]),
  z.object({ period: monthQuery, mode: z.enum(MODES), next: z.int().min(0) }),
  z.object({
    beganMs: z.int(),
    endedMs: z.int(),
    tenantId: z.string().max(50),
    mode: z.enum(MODES),
    firstSeq: z.int().min(0),
    at: z.int(),
  }),
]);

const date = z.iso.date(issue("date"));

/** The query of a search for lookups. */
export const foundQuery = z.object({
  id: z
    .string()
    .regex(/^lkp_[0-9a-f-]{36}$/, issue("invalid_form", { example: "lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e" }))
    .optional()
    .meta(
      told(
        { "pt-BR": "O id de uma consulta.", en: "A lookup's id." },
        { examples: ["lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e"] },
      ),
    ),
  requestId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}$/, issue("invalid_form", { example: "pedido-1234" }))
    .optional()
    .meta(
      told(
        { "pt-BR": "O `X-Request-Id` da chamada.", en: "The call's `X-Request-Id`." },
        { examples: ["pedido-1234-tentativa-1"] },
      ),
    ),
  reference: z
    .string()
    .min(1, issue("required"))
    .max(64, issue("too_long", { most: 64 }))
    .optional()
    .meta(
      told({ "pt-BR": "A referência do parceiro.", en: "The tenant's own reference." }, { examples: ["pedido-1234"] }),
    ),
  from: date.optional().meta(
    told(
      {
        "pt-BR": "Dia de São Paulo, inclusive; padrão: 31 dias até `to`.",
        en: "São Paulo date, inclusive; default: 31 days up to `to`.",
      },
      { examples: ["2026-11-01"] },
    ),
  ),
  to: date
    .optional()
    .meta(
      told(
        { "pt-BR": "Dia de São Paulo, inclusive; padrão: hoje.", en: "São Paulo date, inclusive; default: today." },
        { examples: ["2026-11-27"] },
      ),
    ),
  cursor: cursorQuery(FOUND, place),
});

type FoundAnswer = z.infer<typeof foundLookup>;

export function shownLookup({ event, period, isClosed }: FoundLookup): FoundAnswer {
  return {
    id: event.id,
    tenantId: event.tenantId,
    keyId: event.keyId,
    mode: event.mode,
    reference: event.reference,
    requestId: event.requestId,
    admittedAt: isoTime(event.admittedAtMs),
    endedAt: isoTime(event.occurredAtMs),
    admitMs: event.admitMs,
    claroMs: event.claroMs,
    outcome: event.outcome,
    failureCode: event.failureCode,
    upstreamStatus: event.upstreamStatus,
    transactionId: event.transactionId,
    charge: {
      billed: event.billed,
      reason: whyOf(event),
      amount: formatMicros(event.amountMicros),
      currency: CURRENCY,
    },
    statement: event.mode === "test" ? null : { period, status: isClosed ? "closed" : "open", seq: event.seq },
  };
}

/** Why a lookup was charged, or was not. */
export function whyOf({ billed, mode, outcome }: FoundLookup["event"]): Why {
  if (billed) return "score_delivered";
  if (mode === "test") return "test_mode";
  switch (outcome) {
    case "not_found":
      return "no_score";
    case "rejected":
      return "rejected";
    case "unknown":
      return "no_answer_in_time";
    case "delivered":
      return "price_zero";
    default:
      return "failed";
  }
}

export function shownPage(
  context: AppContext,
  { lookups, next }: { lookups: FoundPage["lookups"]; next: unknown },
): { data: FoundAnswer[]; nextCursor: string | null } {
  return { data: lookups.map(shownLookup), nextCursor: foundCursor(context, next) };
}

/** Whether a search by an id goes on, through all tenants. */
export function isThroughTenants(cursor: z.infer<typeof place>): cursor is [number, string, string[]] {
  return Array.isArray(cursor);
}

export function foundCursor(context: AppContext, next: unknown): string | null {
  return cursorFor(context, FOUND, next);
}

/** Whether a search goes on in one tenant's ledgers, and not in the copy of all of them. */
export function isWithinTenant(from: SearchPlace | CopyPlace | null): from is SearchPlace | null {
  return from === null || "period" in from;
}

type Search = {
  readonly search: Omit<LookupSearch, "tenantId" | "modes">;
  readonly place: SearchPlace | CopyPlace | null;
};

/** What to search for, and within which days. An id contains its own time. */
export function readSearch(
  query: Omit<z.infer<typeof foundQuery>, "cursor"> & { cursor?: z.infer<typeof place> | undefined },
  nowMs: number,
): Result<Search, Failure> {
  const { id, requestId, reference, cursor = null } = query;
  const given = [
    ["id", "id", id],
    ["requestId", "request_id", requestId],
    ["reference", "reference", reference],
  ] as const;
  if (cursor !== null && isThroughTenants(cursor)) return invalidRequest("cursor", "cursor");
  const [asked, other] = given.filter(([, , text]) => text !== undefined);
  if (asked === undefined) return invalidRequest("id", "required", { others: "`requestId`, `reference`" });
  if (other !== undefined) return invalidRequest(other[0], "not_together", { other: `\`${asked[0]}\`` });
  const [, column, text] = asked;
  const value = assertPresent(text, "a field without a text is not searched by");
  const window = (id === undefined ? null : windowOf(id)) ?? undefined;
  const range = window === undefined ? rangeOf(query, nowMs) : ok(window);
  return range.ok ? ok({ search: { column, value, ...range.value }, place: cursor }) : range;
}

function rangeOf(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  nowMs: number,
): Result<{ fromMs: number; toMs: number }, Failure> {
  const last = parseDate(to ?? saoPauloDate(nowMs));
  if (!last.ok) return invalidRequest("to", "date");
  const toMs = startOfNextDayMs(last.value);
  const earliest = saoPauloDate(toMs - LONGEST_RANGE_DAYS * DAY_MS + DAY_MS / 2);
  const first = parseDate(from ?? earliest);
  if (!first.ok) return invalidRequest("from", "date");
  if (first.value > last.value) return invalidRequest("to", "before_from");
  if (first.value < earliest) return invalidRequest("to", "range_too_long", { days: LONGEST_RANGE_DAYS });
  return ok({ fromMs: startOfDayMs(first.value), toMs });
}
