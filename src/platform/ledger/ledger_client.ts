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
 * A tenant's ledger as one request reaches it. What the platform throws (object unreachable, overloaded, restarted)
 * becomes `ledger_unavailable`. Every call of a ledger may be repeated, so it is, unless the object is overloaded.
 */
export class LedgerLine {
  readonly #namespace: DurableObjectNamespace<TenantLedger>;
  readonly #name: string;
  #stub: LedgerStub | null = null;

  constructor(namespace: DurableObjectNamespace<TenantLedger>, { tenantId, mode }: LedgerName) {
    this.#namespace = namespace;
    this.#name = `${tenantId}:${mode}`;
  }

  async call<Reply>(
    call: (stub: LedgerStub) => Promise<Reply>,
    options: LedgerCallOptions = {},
  ): Promise<Result<Reply, Failure>> {
    const { timeoutMs = CALL_TIMEOUT_MS, tries = 2, tryMs = timeoutMs } = options;
    const endsAtMs = Date.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.#tryOnce(call, Math.min(tryMs, endsAtMs - Date.now()));
      if (reply.ok) return reply;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
      const isLast = attempt >= tries || Date.now() + pauseMs >= endsAtMs;
      if (isLast || isOverloaded(reply.failure)) return unavailable(reply.failure);
      await scheduler.wait(pauseMs);
    }
  }

  async #tryOnce<Reply>(
    call: (stub: LedgerStub) => Promise<Reply>,
    timeoutMs: number,
  ): Promise<Result<Reply, unknown>> {
    try {
      const stub = (this.#stub ??= this.#namespace.getByName(this.#name) as unknown as LedgerStub);
      const reply = await withDeadline(timeoutMs, () => call(stub));
      if (!isDeadlinePassed(reply)) return ok(reply);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#failed(new Error("the ledger gave no answer in time"));
  }

  // After an error a stub stays broken: the next call has a new one.
  #failed(error: unknown): Result<never, unknown> {
    this.#stub = null;
    return fail(error);
  }
}

/** One call of a tenant's ledger; see `LedgerLine`. */
export async function callLedger<Reply>(
  namespace: DurableObjectNamespace<TenantLedger>,
  ledger: LedgerName,
  call: (stub: LedgerStub) => Promise<Reply>,
  options: LedgerCallOptions = {},
): Promise<Result<Reply, Failure>> {
  return await new LedgerLine(namespace, ledger).call(call, options);
}

function unavailable(error: unknown): Result<never, Failure> {
  logEvent("warn", { event: "ledger_unavailable", error: messageOf(error) });
  return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
}

function isOverloaded(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { overloaded?: unknown }).overloaded === true;
}
