import type { Failure } from "../../domain/failure.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../domain/ledger/commands.ts";
import { ADMIT_MS, ADMIT_TRY_MS, SETTLE_MS, SETTLE_TRY_MS } from "../../domain/ledger/times.ts";
import type { LedgerName } from "../../domain/meter_event.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { logEvent, messageOf } from "../log.ts";
import type { Remote } from "../remote.ts";
import type { CallBatches, SendOptions } from "./call_batches.ts";
import type { LookupCall, LookupReply } from "./messages.ts";
import type { TenantLedger } from "./tenant_ledger.ts";

export type LedgerStub = Remote<
  TenantLedger,
  | "configure"
  | "revokeNow"
  | "authorize"
  | "holdStream"
  | "putRight"
  | "usage"
  | "monthTotals"
  | "testEvents"
  | "adjust"
  | "closePeriod"
  | "flush"
  | "heldEvents"
  | "recopy"
  | "release"
  | "seqRange"
  | "status"
  | "beginRestore"
  | "takeRecorded"
  | "finishRestore"
  | "inspect"
  | "batchDigests"
  | "terms"
>;

export type LedgerCallOptions = {
  /** For all tries together. */
  readonly timeoutMs?: number;
  /** For each try; a call that hangs longer is made again, on a new stub. */
  readonly tryMs?: number;
  readonly tries?: number;
  /** Also when the object says that it is overloaded: only what must be recorded goes on then. */
  readonly throughOverload?: boolean;
};

const CALL_TIMEOUT_MS = 5000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 800;
/** Of an object that says that it is overloaded, each repeat makes it worse. */
const OVERLOADED_PAUSE_MS = 1000;

/**
 * One call of a tenant's ledger. What the platform throws (object unreachable, overloaded, restarted) becomes
 * `ledger_unavailable`. Every call of a ledger may be repeated, so it is.
 */
export async function callLedger<Reply>(
  namespace: DurableObjectNamespace<TenantLedger>,
  ledger: LedgerName,
  call: (stub: LedgerStub) => Promise<Reply>,
  options: LedgerCallOptions = {},
): Promise<Result<Reply, Failure>> {
  const name = nameOf(ledger);
  // After an error a stub stays broken: each try has its own.
  return await untilReply(() => call(namespace.getByName(name) as unknown as LedgerStub), options);
}

/** A tenant's ledger as one lookup reaches it: as `callLedger` does, in requests that lookups share. */
export class LookupLedger {
  readonly #batches: CallBatches;
  readonly #name: string;
  readonly #waitUntil: SendOptions["waitUntil"];

  constructor(batches: CallBatches, ledger: LedgerName, waitUntil: SendOptions["waitUntil"]) {
    this.#batches = batches;
    this.#name = nameOf(ledger);
    this.#waitUntil = waitUntil;
  }

  /** `onLeave` is called when the first try has left, and not for another. */
  admit(call: AdmitCall, onLeave?: () => void): Promise<Result<AdmitReply, Failure>> {
    const times = { timeoutMs: ADMIT_MS, tryMs: ADMIT_TRY_MS };
    return this.#send<AdmitReply>({ kind: "admit", call }, times, onLeave);
  }

  settle(call: SettleCall): Promise<Result<SettleReply, Failure>> {
    const times = { timeoutMs: SETTLE_MS, tryMs: SETTLE_TRY_MS, tries: Number.POSITIVE_INFINITY };
    return this.#send<SettleReply>({ kind: "settle", call }, times);
  }

  #send<Reply extends LookupReply>(
    call: LookupCall,
    times: LedgerCallOptions,
    onLeave?: () => void,
  ): Promise<Result<Reply, Failure>> {
    const waitUntil = this.#waitUntil;
    const attempt = (number: number) => {
      const options = number === 1 ? { isAlone: false, waitUntil, onLeave } : { isAlone: true, waitUntil };
      return this.#batches.send(this.#name, call, options) as Promise<Reply>;
    };
    return untilReply(attempt, times);
  }
}

async function untilReply<Reply>(
  call: (attempt: number) => Promise<Reply>,
  options: LedgerCallOptions,
): Promise<Result<Reply, Failure>> {
  const { timeoutMs = CALL_TIMEOUT_MS, tries = 2, tryMs = timeoutMs, throughOverload = false } = options;
  const endsAtMs = Date.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    let error: unknown;
    try {
      const reply = await withDeadline(Math.min(tryMs, endsAtMs - Date.now()), () => call(attempt));
      if (!isDeadlinePassed(reply)) return ok(reply);
      error = new Error("the ledger gave no answer in time");
    } catch (thrown) {
      error = thrown;
    }
    const isBusy = isOverloaded(error);
    const backOffMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10), LONGEST_PAUSE_MS);
    const pauseMs = isBusy ? OVERLOADED_PAUSE_MS : backOffMs;
    const isLast = attempt >= tries || Date.now() + pauseMs >= endsAtMs;
    if (isLast || (isBusy && !throughOverload)) return unavailable(error);
    await scheduler.wait(pauseMs);
  }
}

function nameOf({ tenantId, mode }: LedgerName): string {
  return `${tenantId}:${mode}`;
}

function unavailable(error: unknown): Result<never, Failure> {
  logEvent("warn", { event: "ledger_unavailable", error: messageOf(error) });
  return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
}

function isOverloaded(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { overloaded?: unknown }).overloaded === true;
}
