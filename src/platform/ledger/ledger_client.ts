import type { Mode } from "../../domain/meter_event.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Failure } from "../../domain/failure.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { logEvent, messageOf } from "../log.ts";
import type { Remote } from "../remote.ts";
import type { TenantLedger } from "./tenant_ledger.ts";

export type LedgerStub = Remote<
  TenantLedger,
  | "configure"
  | "authorize"
  | "admit"
  | "settle"
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
 * Calls a tenant's ledger. What the platform throws (object unreachable, overloaded, restarted) becomes
 * `ledger_unavailable`. Every call of a ledger may be repeated, so it is, unless the object is overloaded.
 */
export async function callLedger<Reply>(
  namespace: DurableObjectNamespace<TenantLedger>,
  ledger: LedgerName,
  call: (stub: LedgerStub) => Promise<Reply>,
  options: LedgerCallOptions = {},
): Promise<Result<Reply, Failure>> {
  const { timeoutMs = CALL_TIMEOUT_MS, tries = 2, tryMs = timeoutMs } = options;
  const endsAtMs = Date.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const reply = await tryOnce();
    if (reply.ok) return reply;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    const isLast = attempt >= tries || Date.now() + pauseMs >= endsAtMs;
    if (isLast || isOverloaded(reply.failure)) return unavailable(reply.failure);
    await scheduler.wait(pauseMs);
  }

  async function tryOnce(): Promise<Result<Reply, unknown>> {
    try {
      // After an error a stub stays broken: each attempt has a new one.
      const stub = namespace.getByName(`${ledger.tenantId}:${ledger.mode}`) as unknown as LedgerStub;
      const reply = await withDeadline(Math.min(tryMs, endsAtMs - Date.now()), () => call(stub));
      return isDeadlinePassed(reply) ? fail(new Error("the ledger gave no answer in time")) : ok(reply);
    } catch (error) {
      return fail(error);
    }
  }
}

function unavailable(error: unknown): Result<never, Failure> {
  logEvent("warn", { event: "ledger_unavailable", error: messageOf(error) });
  return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
}

function isOverloaded(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { overloaded?: unknown }).overloaded === true;
}
