import { LONGEST_STREAM_LEASE_MS, STREAM_RENEWAL_MS } from "../domain/ledger/times.ts";
import type { LedgerName } from "../domain/meter_event.ts";
import { callLedger } from "./ledger/ledger_client.ts";
import type { TenantLedger } from "./ledger/tenant_ledger.ts";

/** A stream of a tenant's files that has begun. */
export type FileStream = { readonly end: () => Promise<void> };

/**
 * Begins a stream of a tenant's files, or is null when the tenant has as many as it may, in this isolate and others: the
 * ledger counts them. It renews its lease until `end` is called.
 */
export async function beginFileStream(
  ledgers: DurableObjectNamespace<TenantLedger>,
  ledger: LedgerName,
): Promise<FileStream | null> {
  const id = crypto.randomUUID();
  const hold = async (leaseMs: number): Promise<boolean> => {
    const held = await callLedger(ledgers, ledger, (stub) => stub.holdStream({ id, leaseMs }), { tries: 1 });
    // A ledger that cannot be asked, or is of the version before, has no say: what is read next asks it again.
    return !held.ok || held.value.isHeld;
  };
  if (!(await hold(LONGEST_STREAM_LEASE_MS))) return null;
  const renewal = setInterval(() => void hold(LONGEST_STREAM_LEASE_MS), STREAM_RENEWAL_MS);
  return {
    end: async () => {
      clearInterval(renewal);
      await hold(0);
    },
  };
}
