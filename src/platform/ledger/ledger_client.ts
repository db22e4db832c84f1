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
  | "usage"
  | "monthTotals"
  | "adjust"
  | "closePeriod"
  | "flush"
  | "seqRange"
  | "status"
>;

/** One ledger for each tenant and mode, so that test lookups leave no holes in the live sequence. */
export type LedgerName = { readonly tenantId: string; readonly mode: Mode };

const CALL_TIMEOUT_MS = 5000;
const RETRY_PAUSE_MS = 50;

/**
 * Calls a tenant's ledger. What the platform throws (object unreachable, overloaded, restarted) becomes
 * `ledger_unavailable`. Every call of a ledger may be repeated, so it is, unless the object is overloaded.
 */
export async function callLedger<Reply>(
  namespace: DurableObjectNamespace<TenantLedger>,
  ledger: LedgerName,
  call: (stub: LedgerStub) => Promise<Reply>,
  options: { timeoutMs?: number; tries?: number } = {},
): Promise<Result<Reply, Failure>> {
  const { timeoutMs = CALL_TIMEOUT_MS, tries = 2 } = options;
  const reply = await withDeadline(timeoutMs, async (signal) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // After an error a stub stays broken: each attempt has a new one.
        return ok(await call(namespace.getByName(`${ledger.tenantId}:${ledger.mode}`) as unknown as LedgerStub));
      } catch (error) {
        if (attempt >= tries || signal.aborted || isOverloaded(error)) return unavailable(error);
        await scheduler.wait(RETRY_PAUSE_MS * attempt);
      }
    }
  });
  return isDeadlinePassed(reply) ? unavailable(new Error("the ledger gave no answer in time")) : reply;
}

function unavailable(error: unknown): Result<never, Failure> {
  logEvent("warn", { event: "ledger_unavailable", error: messageOf(error) });
  return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
}

function isOverloaded(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { overloaded?: unknown }).overloaded === true;
}
