import type { LimitNotices } from "../domain/admission.ts";
import type { Cpf } from "../domain/cpf.ts";
import type { Failure } from "../domain/failure.ts";
import type { Mode, Outcome } from "../domain/meter_event.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import { askClaro } from "./ask_claro.ts";
import { keepAnswer, openAnswer, requestIdentity } from "./idempotent_answer.ts";
import type { ScoreOutcome } from "./score_outcome.ts";

/** A partner's request for one score. `ip` is the caller's address where the platform vouches for it. */
export type LookupRequest = {
  readonly cpf: Cpf;
  readonly reference: string | null;
  readonly idempotencyKey: string | null;
  readonly ip: string | null;
};

/** What a lookup answers; with an idempotency key, again and again. */
export type LookupAnswer =
  | {
      readonly kind: "score";
      readonly lookupId: string;
      readonly score: number;
      readonly mode: Mode;
      readonly billed: boolean;
      readonly transactionId: string | null;
      readonly createdAtMs: number;
      /** As Claro wrote them, for those who speak Claro's shape. */
      readonly claro: { readonly apiVersion: string | null; readonly score: number | string };
    }
  | { readonly kind: "failure"; readonly lookupId: string; readonly failure: Failure };

/** Durations in whole milliseconds, as `Server-Timing` and the log show them. */
export type LookupTimings = { admit?: number; claro?: number; settle?: number };

export type LookupReport = {
  readonly answer: LookupAnswer;
  /** How the lookup ended; null when it was not admitted. */
  readonly outcome: Outcome | null;
  readonly replayed: boolean;
  readonly notices: LimitNotices | null;
  readonly timings: LookupTimings;
};

/**
 * A lookup, from admission to the answer. The intent is durable before Claro is called and its event before the answer
 * leaves; a score whose event could not be recorded is not given.
 */
export async function lookupScore(
  services: Services,
  caller: Caller,
  request: LookupRequest,
  options: { startedAtMs: number },
): Promise<LookupReport> {
  const { mode, tenantId } = caller;
  const lookupId = `lkp_${crypto.randomUUID()}`;
  const deadlineMs = options.startedAtMs + services.settings.claro.timeoutMs;
  const timings: LookupTimings = {};
  const report = { outcome: null, replayed: false, notices: null, timings } as const;

  const identity = await requestIdentity(services, caller, request);
  const admitted = await timed(timings, "admit", () =>
    callLedger(services.ledgers, caller, (ledger) =>
      ledger.admit({
        lookupId,
        keyId: caller.keyId,
        scope: "scores:read",
        ip: request.ip,
        reference: request.reference,
        ...identity,
      }),
    ),
  );
  if (!admitted.ok) return { ...report, answer: failed(lookupId, admitted.failure) };
  const { notices } = admitted.value;
  if (admitted.value.kind === "refused") {
    return { ...report, answer: failed(lookupId, admitted.value.failure), notices };
  }
  if (admitted.value.kind === "replay") {
    const answer = await openAnswer(services, { tenantId, request, lookupId }, admitted.value.answer);
    return { ...report, answer, notices, replayed: true };
  }

  const { customerId, admittedAtMs } = admitted.value;
  const ended = await timed(timings, "claro", () =>
    askClaro(services, mode, { cpf: request.cpf, customerId, deadlineMs }),
  );
  const answer = toAnswer(ended, { lookupId, mode, createdAtMs: admittedAtMs });
  const kept = await keepAnswer(services, { tenantId, request }, answer);
  const settled = await timed(timings, "settle", () =>
    callLedger(
      services.ledgers,
      caller,
      (ledger) => ledger.settle({ lookupId, outcome: ended.outcome, transactionId: ended.transactionId, answer: kept }),
      { tries: SETTLE_TRIES },
    ),
  );
  const isRecorded = settled.ok && settled.value.kind === "settled";
  if (!isRecorded) {
    return { ...report, answer: failed(lookupId, { code: "ledger_unavailable" }), outcome: "unknown", notices };
  }
  return { ...report, answer, outcome: ended.outcome, notices };
}

const SETTLE_TRIES = 4;

function toAnswer(ended: ScoreOutcome, lookup: { lookupId: string; mode: Mode; createdAtMs: number }): LookupAnswer {
  if (ended.outcome !== "delivered") return failed(lookup.lookupId, ended.failure);
  const { score, transactionId, apiVersion, writtenScore } = ended;
  const claro = { apiVersion, score: writtenScore };
  return { kind: "score", ...lookup, score, transactionId, billed: lookup.mode === "live", claro };
}

function failed(lookupId: string, failure: Failure): LookupAnswer {
  return { kind: "failure", lookupId, failure };
}

async function timed<Value>(
  timings: LookupTimings,
  name: keyof LookupTimings,
  work: () => Promise<Value>,
): Promise<Value> {
  const startMs = Date.now();
  const value = await work();
  timings[name] = Date.now() - startMs;
  return value;
}
