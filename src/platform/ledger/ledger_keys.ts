import { refuseAccess, type KeyGrant, type TenantStatus } from "../../domain/authorization.ts";
import type { Failure } from "../../domain/failure.ts";
import type { LedgerStore } from "./ledger_store.ts";
import type { AccessCall, LedgerTerms } from "./messages.ts";

const MINUTE_MS = 60_000;

/** A ledger's keys: what each may do, and when it was last used, to the minute. */
export class LedgerKeys {
  readonly #store: LedgerStore;
  readonly #uses: Map<string, number>;
  readonly #unsaved: Set<string>;
  #grants: ReadonlyMap<string, KeyGrant>;

  constructor(store: LedgerStore, terms: LedgerTerms | null) {
    this.#store = store;
    this.#uses = store.keyUses();
    this.#unsaved = new Set(this.#uses.keys());
    this.#grants = grantsOf(terms);
  }

  /** Whether `save` has something to remember that no table tells yet. */
  get hasUnsavedUses(): boolean {
    return this.#unsaved.size > 0;
  }

  take(terms: LedgerTerms): void {
    this.#grants = grantsOf(terms);
  }

  grant(keyId: string): KeyGrant | undefined {
    return this.#grants.get(keyId);
  }

  /** Why a key may not do something now, or null; then it has been used. */
  refuse(call: AccessCall, status: TenantStatus, nowMs: number): Failure | null {
    const failure = refuseAccess(this.#grants.get(call.keyId), status, call, nowMs);
    if (failure === null) this.#noteUse(call.keyId, nowMs);
    return failure;
  }

  save(nowMs: number): void {
    for (const keyId of this.#unsaved) this.#store.setKeyUse(keyId, this.#uses.get(keyId) ?? nowMs);
    this.#unsaved.clear();
  }

  lastUses(): Record<string, number> {
    return Object.fromEntries(this.#uses);
  }

  #noteUse(keyId: string, nowMs: number): void {
    const minute = nowMs - (nowMs % MINUTE_MS);
    if (this.#uses.get(keyId) === minute) return;
    this.#uses.set(keyId, minute);
    this.#unsaved.add(keyId);
  }
}

/** Whether new terms change anything that a word given under the old ones goes by; a key more does not. */
export function breaksWords(before: LedgerTerms, after: LedgerTerms): boolean {
  const grants = grantsOf(after);
  const goesBy = ({ customerId, status, plan }: LedgerTerms, keys: readonly (KeyGrant | undefined)[]) =>
    JSON.stringify([customerId, status, plan, keys]);
  const sameKeys = before.keys.map(({ keyId }) => grants.get(keyId));
  return goesBy(before, before.keys) !== goesBy(after, sameKeys);
}

function grantsOf(terms: LedgerTerms | null): ReadonlyMap<string, KeyGrant> {
  return new Map(terms?.keys.map((grant) => [grant.keyId, grant]));
}
