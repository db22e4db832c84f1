import type { KeyGrant, TenantStatus } from "../authorization.ts";
import type { LookupDefaults, RequirableField } from "../lookup_grounds.ts";
import type { Mode } from "../meter_event.ts";
import type { Period } from "../period.ts";
import type { Plan } from "../plan.ts";

/** Limits of one key, beside the tenant's: lookups a São Paulo day, micros of BRL a month, lookups a second. */
export type KeyLimits = {
  readonly dailyLookups?: number;
  readonly monthlySpendCapMicros?: number;
  readonly ratePerSecond?: number;
};

/** What the ledger knows of a key. Keys that ended long ago are not among them. */
export type LedgerKey = KeyGrant & {
  readonly limits?: KeyLimits | null;
  /** What a lookup by the key is for, where it does not say so itself. */
  readonly defaults?: LookupDefaults | null;
};

/** A plan that takes the present one's place at an instant. */
export type NextPlan = { readonly plan: Plan; readonly fromMs: number };

/** What the register (D1) says of a tenant; a ledger takes it whole, and only when it is newer than its own. */
export type LedgerTerms = {
  readonly tenantId: string;
  readonly mode: Mode;
  /** Grows with every change of the tenant or its keys. */
  readonly version: number;
  readonly status: TenantStatus;
  /** The `X-CustomerID` that Claro is sent. */
  readonly customerId: string;
  readonly plan: Plan;
  readonly nextPlan?: NextPlan | null;
  readonly keys: readonly LedgerKey[];
  /** Fields that a lookup of this tenant must have, e.g. `purpose`. */
  readonly requires?: readonly RequirableField[];
  /** Keyed hashes of the persons whose lookups are refused, in ascending order. */
  readonly restricted?: readonly string[];
  /** When that ends, for those of them that it ends for by itself. */
  readonly restrictedUntil?: Readonly<Record<string, number>>;
  /** The month in which the tenant was made: none of its events is before it, whatever the ledger's clock says. */
  readonly firstMonth?: { readonly period: Period; readonly startMs: number };
  /** The highest seq that D1 and R2 have of this ledger. A ledger that is below it has lost events, and does not serve. */
  readonly knownSeq?: number;
};

/** The plan in force at an instant. */
export function planAt(terms: LedgerTerms, nowMs: number): Plan {
  const { plan, nextPlan } = terms;
  return nextPlan !== undefined && nextPlan !== null && nowMs >= nextPlan.fromMs ? nextPlan.plan : plan;
}

/** Whether lookups of a person are refused at an instant. */
export function isRestricted(
  { restricted = [], restrictedUntil }: LedgerTerms,
  subject: string,
  nowMs: number,
): boolean {
  // Thousands of them, and each lookup asks: they are in order.
  let low = 0;
  let high = restricted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((restricted[middle] ?? "") < subject) low = middle + 1;
    else high = middle;
  }
  return restricted[low] === subject && nowMs < (restrictedUntil?.[subject] ?? Number.POSITIVE_INFINITY);
}

/** Whether new terms change anything that an early call under the old ones goes by; one key more does not. */
export function breaksGrants(before: LedgerTerms, after: LedgerTerms): boolean {
  const grants = new Map(after.keys.map((key) => [key.keyId, key]));
  const sameKeys = before.keys.map(({ keyId }) => grants.get(keyId));
  const compared = (terms: LedgerTerms, keys: readonly (LedgerKey | undefined)[]) =>
    JSON.stringify([
      terms.customerId,
      terms.status,
      terms.plan,
      terms.nextPlan ?? null,
      terms.requires ?? [],
      terms.restricted ?? [],
      keys,
    ]);
  return compared(before, before.keys) !== compared(after, sameKeys);
}

/** Whether two terms say the same. What D1 and R2 have is no part of that, nor are keys that have ended. */
export function saysTheSame(left: LedgerTerms, right: LedgerTerms, nowMs: number): boolean {
  return JSON.stringify(comparable(left, nowMs)) === JSON.stringify(comparable(right, nowMs));
}

function comparable(terms: LedgerTerms, nowMs: number): unknown {
  const { tenantId, mode, status, customerId, plan, nextPlan = null, requires = [] } = terms;
  const { restricted = [], restrictedUntil = {} } = terms;
  const keys = terms.keys
    .filter(({ revokedAtMs, expiresAtMs }) => revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs))
    .map(({ keyId, scopes, expiresAtMs, allowedIps, limits = null, defaults = null }) => [
      keyId,
      scopes,
      expiresAtMs,
      allowedIps,
      limits,
      defaults,
    ]);
  return [tenantId, mode, status, customerId, plan, nextPlan, requires, restricted, restrictedUntil, keys];
}
