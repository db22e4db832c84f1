import { z } from "zod";
import type { Cpf } from "../domain/cpf.ts";
import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { lookupScore, type LookupAnswer } from "../gateway/lookup_score.ts";
import type { Caller } from "../platform/key_directory.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { refusedByLedger } from "./authenticate.ts";
import { callerIp, setHeaders, type AppContext } from "./context.ts";
import { limitHeaders } from "./limit_headers.ts";
import { HEADERS } from "./openapi_parts.ts";
import type { Operation } from "./operation.ts";
import { invalidRequest } from "./problem.ts";

/** A score and the headers of its answer, which is made of both at once: a header that is added later costs a copy of all. */
export type AnsweredLookup = {
  readonly answer: Extract<LookupAnswer, { kind: "score" }>;
  readonly headers: Readonly<Record<string, string>>;
};

/** What a body asks for, whichever shape it has. */
export type AskedLookup = { readonly cpf: Cpf; readonly reference: string | null };

export const idempotencyKeyHeader = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .meta({
    description:
      "1 to 255 visible characters, quoted or not. The same key with the same body gives the first answer again for " +
      "24 hours; the charge is not repeated for 35 days.",
    examples: ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
  });

/** What the reference says of a lookup in either shape. */
export const LOOKUP = {
  requestHeaders: { "Idempotency-Key": idempotencyKeyHeader },
  headers: { ...HEADERS.limits, ...HEADERS.timing, ...HEADERS.replayed, ...HEADERS.cacheControl },
  failures: [
    "invalid_cpf",
    "rejected_by_claro",
    "trial_ended",
    "score_not_found",
    "idempotency_in_progress",
    "idempotency_expired",
    "idempotency_mismatch",
    "rate_limited",
    "quota_exceeded",
    "spend_cap_reached",
    "claro_contract",
    "claro_unauthorized",
    "claro_forbidden",
    "claro_failed",
    "claro_throttled",
    "claro_unreachable",
    "claro_timeout",
  ],
} as const satisfies Partial<Operation>;

/**
 * One lookup over HTTP, in either shape: the same headers and the same order of refusals. A key that may not call is
 * told so even when its body is wrong, so the ledger is asked then too.
 */
export async function runLookup(
  context: AppContext,
  caller: Caller,
  asked: Result<AskedLookup, Failure>,
): Promise<Result<AnsweredLookup, Failure>> {
  const authMs = authTime(context);
  const idempotencyKey = readIdempotencyKey(context.req.header("idempotency-key"));
  if (!asked.ok || !idempotencyKey.ok) {
    noteAuthTime(context);
    const failure = asked.ok ? (idempotencyKey as { failure: Failure }).failure : asked.failure;
    return fail(await refuseBody(context, caller, failure));
  }

  const services = context.get("services");
  const startedAtMs = context.get("startedAtMs");
  const log = context.get("log");
  const request = { ...asked.value, idempotencyKey: idempotencyKey.value, ip: callerIp(context) };
  const report = await lookupScore(services, caller, request, {
    startedAtMs,
    waitUntil: (work) => context.executionCtx.waitUntil(work),
  });

  const { answer, outcome, replayed, notices } = report;
  const durationsMs = { auth: authMs, ...report.timings };
  Object.assign(log, { lookupId: answer.lookupId, durationsMs });
  if (outcome !== null) log.outcome = outcome;
  if (replayed) log.replayed = true;
  const headers = {
    "Cache-Control": "no-store",
    "Server-Timing": serverTiming(durationsMs),
    ...limitHeaders(notices),
    ...(replayed ? { "Idempotency-Replayed": "true" } : {}),
  };
  if (answer.kind === "score") return ok({ answer, headers });
  setHeaders(context, headers);
  return fail(refusedByLedger(context, answer.failure));
}

/** The whole timing of an answer that ends with knowing who calls. */
export function noteAuthTime(context: AppContext): void {
  context.header("Server-Timing", serverTiming({ auth: authTime(context) }));
}

/** How long it took to know who calls. */
function authTime(context: AppContext): number {
  return Date.now() - context.get("startedAtMs");
}

async function refuseBody(context: AppContext, caller: Caller, failure: Failure): Promise<Failure> {
  const access = { keyId: caller.keyId, scope: "scores:read", ip: callerIp(context) } as const;
  const reply = await callLedger(context.get("services").ledgers, caller, (ledger) => ledger.authorize(access));
  if (!reply.ok) return reply.failure;
  if (reply.value.kind === "refused") return refusedByLedger(context, reply.value.failure);
  setHeaders(context, limitHeaders(reply.value.notices));
  return failure;
}

/** `Idempotency-Key`: 1 to 255 visible characters, as they are or as a quoted string. A list is two headers by mistake. */
export function readIdempotencyKey(header: string | undefined): Result<string | null, Failure> {
  if (header === undefined) return ok(null);
  const key =
    /^"([\x20-\x21\x23-\x7e]{1,255})"$/.exec(header)?.[1] ?? /^[\x21\x23-\x2b\x2d-\x7e]{1,255}$/.exec(header)?.[0];
  return key === undefined ? invalidRequest("Idempotency-Key", "1 to 255 visible characters, once") : ok(key);
}

function serverTiming(durationsMs: Record<string, number>): string {
  return Object.entries(durationsMs)
    .map(([name, ms]) => `${name};dur=${ms}`)
    .join(", ");
}
