import * as z from "zod";
import type { Cpf } from "../domain/cpf.ts";
import type { Failure } from "../domain/failure.ts";
import type { LookupGrounds } from "../domain/lookup_grounds.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { lookupScore } from "../gateway/lookup_score.ts";
import type { LookupAnswer } from "../gateway/lookup.ts";
import type { Caller } from "../platform/key_directory.ts";
import { explainRefusal } from "./authenticate.ts";
import { callerIp, setHeaders, type AppContext } from "./context.ts";
import { told } from "./language.ts";
import { limitHeaders } from "./limit_headers.ts";
import { HEADERS } from "./openapi_parts.ts";
import { freeText } from "./printable.ts";
import { issue } from "./zod_issues.ts";

/** A score and its answer's headers, given together: adding a header to a finished response copies the response. */
export type AnsweredLookup = {
  readonly answer: Extract<LookupAnswer, { kind: "score" }>;
  readonly headers: Readonly<Record<string, string>>;
};

/** What a call asks for, whichever shape it has. */
export type AskedLookup = LookupGrounds & {
  readonly cpf: Cpf;
  readonly reference: string | null;
  readonly idempotencyKey: string | null;
};

/** `Idempotency-Key`: 1 to 255 visible characters, as they are or as a quoted string. A list is two headers by mistake. */
export const idempotencyKeyHeader = z
  .string()
  .regex(/^(?:"[\x20-\x21\x23-\x7e]{1,255}"|[\x21\x23-\x2b\x2d-\x7e]{1,255})$/, issue("visible_once"))
  .optional()
  .meta(
    told(
      {
        "pt-BR":
          "De 1 a 255 caracteres visíveis, com ou sem aspas. A mesma chave com o mesmo corpo devolve a primeira resposta " +
          "por 24 horas; a cobrança não se repete por 35 dias.",
        en:
          "1 to 255 visible characters, quoted or not. The same key with the same body gives the first answer again for " +
          "24 hours; the charge is not repeated for 35 days.",
      },
      { examples: ["8e03978e-40d5-43dd-bc93-6894a57f9324"] },
    ),
  )
  .transform((written) => (written === undefined ? null : written.replaceAll('"', "")));

/** Fields in the gateway's shape, headers in Claro's, which has no place for them in its body. */
export const consentIdField = freeText(128)
  .optional()
  .meta(
    told(
      { "pt-BR": "O seu id do consentimento da pessoa.", en: "Your id of the person's consent." },
      { examples: ["consentimento-8812"] },
    ),
  );
export const requestedByField = freeText(64)
  .optional()
  .meta(
    told(
      {
        "pt-BR": "Quem pediu a consulta na sua empresa: um id, não um nome.",
        en: "Who asked for the lookup at your company: an id, no name.",
      },
      { examples: ["analista-42"] },
    ),
  );

/** What both shapes of a lookup declare. */
export const LOOKUP = {
  requestHeaders: { "Idempotency-Key": idempotencyKeyHeader },
  headers: { ...HEADERS.limits, ...HEADERS.timing, ...HEADERS.replayed, ...HEADERS.cacheControl },
  failures: [
    "invalid_cpf",
    "purpose_required",
    "rejected_by_claro",
    "trial_ended",
    "subject_restricted",
    "score_not_found",
    "idempotency_in_progress",
    "idempotency_expired",
    "idempotency_mismatch",
    "rate_limited",
    "quota_exceeded",
    "spend_cap_reached",
    "key_limit_reached",
    "test_quota_exceeded",
    "claro_contract",
    "claro_unauthorized",
    "claro_forbidden",
    "claro_failed",
    "claro_throttled",
    "claro_unreachable",
    "claro_timeout",
  ],
} as const;

/** One lookup over HTTP, in either shape, with the headers that any end of it has. */
export async function runLookup(
  { context, caller, authMs }: { context: AppContext; caller: Caller; authMs: number },
  asked: AskedLookup,
): Promise<Result<AnsweredLookup, Failure>> {
  const services = context.get("services");
  const startedAtMs = context.get("startedAtMs");
  const report = await lookupScore(
    services,
    caller,
    { ...asked, ip: callerIp(context), requestId: context.get("requestId") },
    { startedAtMs, waitUntil: (work) => context.executionCtx.waitUntil(work) },
  );

  const { answer, outcome, replayed, notices } = report;
  const durationsMs = { auth: authMs, ...report.timings };
  const log = context.get("log");
  Object.assign(log, { lookupId: answer.lookupId, durationsMs });
  if (outcome !== null) log.outcome = outcome;
  if (replayed) log.replayed = true;
  if (report.cause !== null) Object.assign(log, { cause: report.cause, upstreamStatus: report.upstreamStatus });
  const headers = {
    "Cache-Control": "no-store",
    "Server-Timing": serverTiming(durationsMs),
    ...limitHeaders(notices),
    ...(replayed ? { "Idempotency-Replayed": "true" } : {}),
  };
  if (answer.kind === "score") return ok({ answer, headers });
  setHeaders(context, headers);
  const failure = explainRefusal(context, answer.failure, "scores:read");
  // A lookup that was not admitted is not recorded, so its id would lead nowhere.
  return fail(outcome !== null || replayed ? { ...failure, lookupId: answer.lookupId } : failure);
}

function serverTiming(durationsMs: Record<string, number>): string {
  return Object.entries(durationsMs)
    .map(([name, ms]) => `${name};dur=${ms}`)
    .join(", ");
}
