import type { LedgerName, Mode } from "../../domain/meter_event.ts";

/** What a ledger said of itself when it could not copy its events; it may have copied them since. */
export type BacklogReport = LedgerName & { readonly oldestUnflushedAtMs: number };

const PREFIX = "backlog:";
/** A report that nobody takes back or repeats is gone after this long. */
const KEPT_SECONDS = 3600;
const REPORTS_READ = 1000;

/**
 * Where ledgers whose flush fails say so, in KV: of ten thousand ledgers only those have to be asked that are here. D1 is
 * what fails, so it cannot be there; and KV's minute until it is seen everywhere does not matter beside an outage.
 */
export class BacklogReports {
  readonly #kv: KVNamespace;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  async report({ tenantId, mode, oldestUnflushedAtMs }: BacklogReport): Promise<void> {
    const options = { expirationTtl: KEPT_SECONDS, metadata: { oldestUnflushedAtMs } };
    await this.#kv.put(nameOf({ tenantId, mode }), "", options);
  }

  async takeBack(ledger: LedgerName): Promise<void> {
    await this.#kv.delete(nameOf(ledger));
  }

  /** Up to a thousand reports, the oldest event first. */
  async reports(): Promise<BacklogReport[]> {
    const { keys } = await this.#kv.list<{ oldestUnflushedAtMs: number }>({ prefix: PREFIX, limit: REPORTS_READ });
    return keys
      .map(({ name, metadata }) => {
        const [tenantId = "", mode] = name.slice(PREFIX.length).split(":");
        return { tenantId, mode: mode as Mode, oldestUnflushedAtMs: metadata?.oldestUnflushedAtMs ?? 0 };
      })
      .toSorted((left, right) => left.oldestUnflushedAtMs - right.oldestUnflushedAtMs);
  }
}

function nameOf({ tenantId, mode }: LedgerName): string {
  return `${PREFIX}${tenantId}:${mode}`;
}
