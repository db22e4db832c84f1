import type { Failure } from "../../domain/failure.ts";
import type { Mode } from "../../domain/meter_event.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { logEvent, messageOf } from "../log.ts";
import type { Remote } from "../remote.ts";
import type { AdmitCall, AdmitReply, LookupCall, LookupReply, SettleCall, SettleReply } from "./messages.ts";
import type { TripOptions, SharedTrips } from "./shared_trips.ts";
import type { TenantLedger } from "./tenant_ledger.ts";

export type LedgerStub = Remote<
  TenantLedger,
  | "configure"
  | "authorize"
  | "withdraw"
  | "usage"
  | "monthTotals"
  | "adjust"
  | "closePeriod"
  | "flush"
  | "recopy"
  | "release"
  | "seqRange"
  | "status"
>;

/** One ledger for each tenant and mode, so that test lookups leave no holes in the live sequence. */
export type LedgerName = { readonly tenantId: string; readonly mode: Mode };

export type LedgerCallOptions = {
  /** For all tries together. */
  readonly timeoutMs?: number;
  /** For each try; a call that hangs longer is made again, on a new stub. */
  readonly tryMs?: number;
  readonly tries?: number;
};

const CALL_TIMEOUT_MS = 5000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 800;

/**
 * One call of a tenant's ledger. What the platform throws (object unreachable, overloaded, restarted) becomes
 * `ledger_unavailable`. Every call of a ledger may be repeated, so it is, unless the object is overloaded.
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

/** A tenant's ledger as one lookup reaches it: as `callLedger` does, on trips that lookups share. */
export class LookupLedger {
  readonly #trips: SharedTrips;
  readonly #name: string;
  readonly #waitUntil: TripOptions["waitUntil"];

  constructor(trips: SharedTrips, ledger: LedgerName, waitUntil: TripOptions["waitUntil"]) {
    this.#trips = trips;
    this.#name = nameOf(ledger);
    this.#waitUntil = waitUntil;
  }

  /** `onLeave` is called when the first try is on its way, and not for another. */
  admit(
    call: AdmitCall,
    { onLeave, ...times }: LedgerCallOptions & Pick<TripOptions, "onLeave">,
  ): Promise<Result<AdmitReply, Failure>> {
    return this.#send<AdmitReply>({ kind: "admit", call }, times, onLeave);
  }

  settle(call: SettleCall, times: LedgerCallOptions): Promise<Result<SettleReply, Failure>> {
    return this.#send<SettleReply>({ kind: "settle", call }, times);
  }

  #send<Reply extends LookupReply>(
    call: LookupCall,
    times: LedgerCallOptions,
    onLeave?: () => void,
  ): Promise<Result<Reply, Failure>> {
    const waitUntil = this.#waitUntil;
    const attempt = (number: number) => {
      const trip = number === 1 ? { isAlone: false, waitUntil, onLeave } : { isAlone: true, waitUntil };
      return this.#trips.send(this.#name, call, trip) as Promise<Reply>;
    };
    return untilReply(attempt, times);
  }
}

async function untilReply<Reply>(
  call: (attempt: number) => Promise<Reply>,
  options: LedgerCallOptions,
): Promise<Result<Reply, Failure>> {
  const { timeoutMs = CALL_TIMEOUT_MS, tries = 2, tryMs = timeoutMs } = options;
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
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    const isLast = attempt >= tries || Date.now() + pauseMs >= endsAtMs;
    if (isLast || isOverloaded(error)) return unavailable(error);
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
