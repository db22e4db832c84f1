import { BoundedMap } from "../../domain/bounded_map.ts";
import type { EarlyCallPolicy } from "../../domain/ledger/commands.ts";
import { missingFields, type GivenFields, type RequirableField } from "../../domain/lookup_grounds.ts";
import { GRANT_USE_MS } from "../../domain/ledger/times.ts";

/** For how many lookups at once an isolate keeps early calls, by key. */
const LOOKUPS_A_KEY = 32;
const KEPT_KEYS = 10_000;

/** What of a lookup decides whether its call may leave early. */
export type EarlyLookup = { readonly subject: string } & GivenFields;

/** What a ledger's reply says of early calls. */
export type GrantReply = {
  readonly customerId: string;
  /** Null revokes earlier grants. */
  readonly earlyCalls: number | null;
  /** Null from an object that runs the code of before, and tells no policy: what that grants is not used. */
  readonly policyVersion: number | null;
  /** Null where it is the one of that version that is known. */
  readonly policy: EarlyCallPolicy | null;
  readonly askedAtMs: number;
};

type Policy = {
  readonly version: number;
  readonly requires: readonly RequirableField[];
  readonly restricted: ReadonlySet<string>;
};

type Granted = { left: number; readonly endsAtMs: number };
type Kept = { readonly customerId: string; policy: Policy; grants: Granted[] };

/**
 * The early calls that ledgers granted this isolate. Nothing here admits a lookup: it says what may be sent to Claro before
 * the ledger has answered.
 */
export class EarlyCalls {
  readonly #byKey = new BoundedMap<string, Kept>(KEPT_KEYS);
  /** All ledgers have the same list of persons: it is kept once. */
  #restricted: { readonly text: string; readonly set: ReadonlySet<string> } = { text: "", set: new Set() };

  /** Uses one early call: the customer id to ask Claro with, or null where none is granted, or not for this lookup. */
  take(keyId: string, lookup: EarlyLookup): string | null {
    const kept = this.#byKey.get(keyId);
    const grant = kept === undefined ? undefined : current(kept)[0];
    if (kept === undefined || grant === undefined) return null;
    const { requires, restricted } = kept.policy;
    if (restricted.has(lookup.subject) || missingFields(requires, lookup).length > 0) return null;
    grant.left -= 1;
    return kept.customerId;
  }

  /** How many more are worth asking for. */
  wanted(keyId: string): number {
    const kept = this.#byKey.get(keyId);
    const left = kept === undefined ? 0 : current(kept).reduce((sum, grant) => sum + grant.left, 0);
    return Math.max(LOOKUPS_A_KEY - left, 0);
  }

  /** Which policy is known of a key, so that the ledger need not tell it again; null for none. */
  policyVersion(keyId: string): number | null {
    return this.#byKey.get(keyId)?.policy.version ?? null;
  }

  /** What the ledger granted when it was asked at `askedAtMs`. */
  note(keyId: string, reply: GrantReply): void {
    const { customerId, earlyCalls, askedAtMs } = reply;
    if (earlyCalls === null || this.#byKey.get(keyId)?.customerId !== customerId) this.#byKey.delete(keyId);
    if (earlyCalls === null || earlyCalls === 0) return;
    const policy = this.#policyOf(keyId, reply);
    // Of replies that overtook each other the newest policy stays; what was granted under another is not used.
    if (policy === null) return;
    const kept = this.#byKey.get(keyId) ?? { customerId, policy, grants: [] };
    kept.policy = policy;
    kept.grants.push({ left: earlyCalls, endsAtMs: askedAtMs + GRANT_USE_MS });
    this.#byKey.set(keyId, kept);
  }

  /** After a refusal the isolate knows nothing of the key any more. */
  forget(keyId: string): void {
    this.#byKey.delete(keyId);
  }

  /** The policy that a reply's early calls keep to; null where it is not known, or no longer the newest. */
  #policyOf(keyId: string, { policyVersion: version, policy }: GrantReply): Policy | null {
    const known = this.#byKey.get(keyId)?.policy ?? null;
    if (version === null || (known !== null && known.version > version)) return null;
    if (known?.version === version) return known;
    return policy === null ? null : { version, requires: policy.requires, restricted: this.#restrictedSet(policy) };
  }

  #restrictedSet({ restricted }: EarlyCallPolicy): ReadonlySet<string> {
    const text = restricted.join(" ");
    if (this.#restricted.text !== text) this.#restricted = { text, set: new Set(restricted) };
    return this.#restricted.set;
  }
}

function current(kept: Kept): Granted[] {
  const nowMs = Date.now();
  // A clock that jumped back must not make a grant live longer than it was given for.
  const holds = ({ left, endsAtMs }: Granted) => left > 0 && endsAtMs > nowMs && endsAtMs <= nowMs + GRANT_USE_MS;
  if (!kept.grants.every(holds)) kept.grants = kept.grants.filter(holds);
  return kept.grants;
}
