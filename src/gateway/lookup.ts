import type { Cpf } from "../domain/cpf.ts";
import type { Failure } from "../domain/failure.ts";
import type { LimitNotices } from "../domain/ledger/limits.ts";
import type { LookupGrounds } from "../domain/lookup_grounds.ts";
import { newLookupId } from "../domain/lookup_id.ts";
import type { Mode, Outcome } from "../domain/meter_event.ts";
import type { ClaroCause } from "../platform/claro/cause.ts";
import type { Caller } from "../platform/key_directory.ts";
import { LookupLedger } from "../platform/ledger/ledger_client.ts";
import type { Services } from "../platform/services.ts";

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
      /** Whether it costs the tenant money. */
      readonly billed: boolean;
      /** What the event says that it costs; absent from answers that were kept before it was told. */
      readonly unitPriceMicros?: number;
      readonly transactionId: string | null;
      readonly createdAtMs: number;
      /** As Claro wrote them, for those who speak Claro's shape. */
      readonly claro: { readonly apiVersion: string | null; readonly score: number | string };
    }
  | { readonly kind: "failure"; readonly lookupId: string; readonly failure: Failure };

/** Durations in whole milliseconds, as `Server-Timing` and the log show them. */
type LookupTimings = { admit?: number; claro?: number; settle?: number };

export type LookupReport = {
  readonly answer: LookupAnswer;
  /** How the lookup ended; null when it was not admitted. */
  readonly outcome: Outcome | null;
  readonly replayed: boolean;
  /** What is left of the limits, after this lookup's outcome. */
  readonly notices: LimitNotices | null;
  readonly timings: LookupTimings;
  /** For the log: what Claro's answer was, and what was wrong with it. */
  readonly upstreamStatus: number | null;
  readonly cause: ClaroCause | null;
};

export type LookupOptions = {
  readonly startedAtMs: number;
  /** Lets work go on after the answer; only what puts the ledger right when it gave no reply. */
  readonly waitUntil: (work: Promise<unknown>) => void;
};

/** One lookup on its way, as its steps share it. */
export type Lookup = {
  readonly services: Services;
  readonly caller: Caller;
  readonly request: LookupRequest;
  readonly lookupId: string;
  readonly ledger: LookupLedger;
  /** By the isolate's clock: Claro has answered by then, or is waited for no more. */
  readonly deadlineMs: number;
  readonly timings: LookupTimings;
  readonly waitUntil: LookupOptions["waitUntil"];
};

export function beginLookup(
  services: Services,
  caller: Caller,
  { request, startedAtMs, waitUntil }: LookupOptions & { request: LookupRequest },
): Lookup {
  return {
    services,
    caller,
    request,
    lookupId: newLookupId(services.clock.nowMs(), crypto.getRandomValues(new Uint8Array(10))),
    ledger: new LookupLedger(services.callBatches, caller, waitUntil),
    deadlineMs: startedAtMs + services.settings.claro.timeoutMs,
    timings: {},
    waitUntil,
  };
}

/** The answer with what its event charges. */
export function withCharge(
  answer: LookupAnswer,
  charge: { readonly billed: boolean; readonly unitPriceMicros: number } | null,
): LookupAnswer {
  if (answer.kind === "failure" || charge === null) return answer;
  return { ...answer, billed: charge.billed, unitPriceMicros: charge.unitPriceMicros };
}
