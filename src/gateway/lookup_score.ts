import type { LimitNotices } from "../domain/admission.ts";
import type { Cpf } from "../domain/cpf.ts";
import type { Failure } from "../domain/failure.ts";
import type { LookupGrounds } from "../domain/lookup_grounds.ts";
import type { Mode, Outcome } from "../domain/meter_event.ts";
import { callLedger, LookupLedger } from "../platform/ledger/ledger_client.ts";
import type { ClaroCause } from "../platform/claro/cause.ts";
import { withDeadline } from "../platform/deadline.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import { admit, endUnanswered, prepareAdmission } from "./admit_lookup.ts";
import { askClaro } from "./ask_claro.ts";
import { keepAnswer, openAnswer } from "./idempotent_answer.ts";
import type { ScoreOutcome } from "./score_outcome.ts";

/** A partner's request for one score. `ip` is the caller's address where the platform vouches for it. */
export type LookupRequest = LookupGrounds & {
  readonly cpf: Cpf;
  readonly reference: string | null;
  readonly idempotencyKey: string | null;
  readonly ip: string | null;
  /** The `X-Request-Id` that the caller knows the request by. */
  readonly requestId: string;
};

/** What a lookup answers; with an idempotency key, again and again. */
export type LookupAnswer =
  | {
      readonly kind: "score";
      readonly lookupId: string;
      readonly score: number;
      readonly mode: Mode;
      readonly billed: boolean;
      /** What the event says that it costs, where the ledger told. */
      readonly unitPriceMicros?: number;
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
  /** Of a call to Claro that failed, for the log. */
  readonly upstreamStatus: number | null;
  readonly cause: ClaroCause | null;
};

export type LookupOptions = {
  readonly startedAtMs: number;
  /** Lets work go on after the answer; only what puts the ledger right when it gave no reply. */
  readonly waitUntil: (work: Promise<unknown>) => void;
};

/** What a lookup can take of the ledger's time after Claro's. */
const SETTLE_MS = 5000;
const SETTLE_TIMES = { timeoutMs: SETTLE_MS, tryMs: 2000, tries: Number.POSITIVE_INFINITY };
/** A settlement is refused when its reply could no longer be here in time. */
const REPLY_MS = 1000;

/**
 * A lookup, from admission to the answer. The intent is durable before Claro is called (or leaves first, where the ledger
 * has given its word that there is ample room) and its event before the answer leaves; a score that was not admitted, or
 * whose event could not be recorded, is not given.
 */
export async function lookupScore(
  services: Services,
  caller: Caller,
  request: LookupRequest,
  { startedAtMs, waitUntil }: LookupOptions,
): Promise<LookupReport> {
  const { mode, tenantId } = caller;
  const lookupId = `lkp_${crypto.randomUUID()}`;
  const deadlineMs = startedAtMs + services.settings.claro.timeoutMs;
  const timings: LookupTimings = {};
  const report = { outcome: null, replayed: false, notices: null, timings, upstreamStatus: null, cause: null } as const;

  const ledger = new LookupLedger(services.trips, caller, waitUntil);
  const parties = { mode, tenantId, cpf: request.cpf };
  const permit = await services.gate.enter(parties);
  const admission = await prepareAdmission(services, caller, { lookupId, request, permit });
  const ask = async (customerId: string) => {
    const askedAtMs = Date.now();
    const ended = await askClaro(services, { ...parties, customerId, deadlineMs }, { permit, waitUntil });
    timings.claro = Date.now() - askedAtMs;
    return ended;
  };
  // On the ledger's word Claro is asked while the intent is on its way. The intent is seen to its end, whoever hangs up.
  const left = Promise.withResolvers<boolean>();
  const admitFromMs = Date.now();
  const admitting = admit(services, ledger, admission, left.resolve);
  const onWord = admission.customerId;
  const sent = onWord === null ? null : left.promise.then((isOnItsWay) => (isOnItsWay ? ask(onWord) : null));
  if (sent !== null) waitUntil(admitting);
  const admitted = await admitting;
  const admittedByMs = Date.now();
  timings.admit = admittedByMs - admitFromMs;
  if (!admitted.ok || admitted.value.kind !== "admitted") {
    const ending = endUnanswered(services, ledger, admission, { reply: admitted, sent, permit, waitUntil });
    waitUntil(ending);
    // A call to Claro whose intent may be missing: the answer waits, so that a crash meets a lookup that has none.
    if (!admitted.ok && sent !== null) await withDeadline(SETTLE_MS, () => ending);
  }
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
  const ended = (await sent) ?? (await ask(customerId));
  const answer = toAnswer(ended, { lookupId, mode, createdAtMs: admittedAtMs });
  const kept = await keepAnswer(services, { tenantId, request }, answer);
  const { outcome, transactionId, upstreamStatus, cause } = ended;
  const told = { ...report, notices, upstreamStatus, cause };
  const settleFromMs = Date.now();
  const withinMs = settleFromMs - admittedByMs + SETTLE_MS - REPLY_MS;
  const settled = await ledger.settle({ lookupId, outcome, transactionId, answer: kept, withinMs }, SETTLE_TIMES);
  timings.settle = Date.now() - settleFromMs;
  if (settled.ok && settled.value.kind === "settled") return { ...told, answer, outcome };
  if (!settled.ok && outcome === "delivered") {
    // Its event may be there all the same, with a charge for a score that is not given.
    waitUntil(callLedger(services.ledgers, caller, (stub) => stub.withdraw(lookupId)));
  }
  return { ...told, answer: failed(lookupId, { code: "ledger_unavailable" }), outcome: "unknown" };
}

function toAnswer(ended: ScoreOutcome, lookup: { lookupId: string; mode: Mode; createdAtMs: number }): LookupAnswer {
  if (ended.outcome !== "delivered") return failed(lookup.lookupId, ended.failure);
  const { score, transactionId, apiVersion, writtenScore } = ended;
  const claro = { apiVersion, score: writtenScore };
  return { kind: "score", ...lookup, score, transactionId, billed: lookup.mode === "live", claro };
}

function failed(lookupId: string, failure: Failure): LookupAnswer {
  return { kind: "failure", lookupId, failure };
}
