import type { Failure } from "../../domain/failure.ts";
import type { Mode } from "../../domain/meter_event.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { logEvent, messageOf } from "../log.ts";
import type { Remote } from "../remote.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "./messages.ts";
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
  async admit(
    call: AdmitCall,
    { onLeave, ...times }: LedgerCallOptions & Pick<TripOptions, "onLeave">,
  ): Promise<Result<AdmitReply, Failure>> {
    return await untilReply(async (attempt) => {
      const first = attempt === 1 ? onLeave : undefined;
      return (await this.#trips.send(
        this.#name,
        { kind: "admit", call },
        this.#tripOptions(attempt, first),
      )) as AdmitReply;
    }, times);
  }

  async settle(call: SettleCall, times: LedgerCallOptions): Promise<Result<SettleReply, Failure>> {
    return await untilReply(async (attempt) => {
      return (await this.#trips.send(this.#name, { kind: "settle", call }, this.#tripOptions(attempt))) as SettleReply;
    }, times);
  }

  #tripOptions(attempt: number, onLeave?: () => void): TripOptions {
    return { isAlone: attempt > 1, waitUntil: this.#waitUntil, onLeave };
  }
}

async function untilReply<Reply>(
  call: (attempt: number) => Promise<Reply>,
  options: LedgerCallOptions,
): Promise<Result<Reply, Failure>> {
  const { timeoutMs = CALL_TIMEOUT_MS, tries = 2, tryMs = timeoutMs } = options;
  const endsAtMs = Date.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const reply = await tryOnce(() => call(attempt), Math.min(tryMs, endsAtMs - Date.now()));
    if (reply.ok) return reply;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    const isLast = attempt >= tries || Date.now() + pauseMs >= endsAtMs;
    if (isLast || isOverloaded(reply.failure)) return unavailable(reply.failure);
    await scheduler.wait(pauseMs);
  }
}

async function tryOnce<Reply>(call: () => Promise<Reply>, timeoutMs: number): Promise<Result<Reply, unknown>> {
  try {
    const reply = await withDeadline(timeoutMs, call);
    return isDeadlinePassed(reply) ? fail(new Error("the ledger gave no answer in time")) : ok(reply);
  } catch (error) {
    return fail(error);
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
