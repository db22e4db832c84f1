import { GRANT_USE_MS } from "../../domain/ledger/times.ts";

/** For how many lookups at once an isolate keeps early calls, by key. */
const LOOKUPS_A_KEY = 32;
const KEPT_KEYS = 10_000;

type Granted = { left: number; readonly endsAtMs: number };
type Kept = { readonly customerId: string; grants: Granted[] };

/**
 * The early calls that ledgers granted this isolate. Nothing here admits a lookup: it says what may be sent to Claro before
 * the ledger has answered.
 */
export class EarlyCalls {
  readonly #byKey = new Map<string, Kept>();

  /** Uses one early call: the customer id to ask Claro with, or null where none is granted. */
  take(keyId: string): string | null {
    const kept = this.#byKey.get(keyId);
    const grant = kept === undefined ? undefined : current(kept)[0];
    if (kept === undefined || grant === undefined) return null;
    grant.left -= 1;
    return kept.customerId;
  }

  /** How many more are worth asking for. */
  wanted(keyId: string): number {
    const kept = this.#byKey.get(keyId);
    const left = kept === undefined ? 0 : current(kept).reduce((sum, grant) => sum + grant.left, 0);
    return Math.max(LOOKUPS_A_KEY - left, 0);
  }

  /** What the ledger granted when it was asked at `askedAtMs`; null revokes earlier grants. */
  note(keyId: string, reply: { customerId: string; earlyCalls: number | null; askedAtMs: number }): void {
    const { customerId, earlyCalls, askedAtMs } = reply;
    if (earlyCalls === null || this.#byKey.get(keyId)?.customerId !== customerId) this.#byKey.delete(keyId);
    if (earlyCalls === null || earlyCalls === 0) return;
    const kept = this.#byKey.get(keyId) ?? { customerId, grants: [] };
    kept.grants.push({ left: earlyCalls, endsAtMs: askedAtMs + GRANT_USE_MS });
    const oldest = this.#byKey.size >= KEPT_KEYS ? this.#byKey.keys().next().value : undefined;
    if (oldest !== undefined) this.#byKey.delete(oldest);
    this.#byKey.set(keyId, kept);
  }

  /** After a refusal the isolate knows nothing of the key any more. */
  forget(keyId: string): void {
    this.#byKey.delete(keyId);
  }
}

function current(kept: Kept): Granted[] {
  const nowMs = Date.now();
  // A clock that jumped back must not make a grant live longer than it was given for.
  const holds = ({ left, endsAtMs }: Granted) => left > 0 && endsAtMs > nowMs && endsAtMs <= nowMs + GRANT_USE_MS;
  if (!kept.grants.every(holds)) kept.grants = kept.grants.filter(holds);
  return kept.grants;
}
