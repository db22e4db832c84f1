import type { NoTermsLeft } from "../plan.ts";
import { maxUnitPriceMicros } from "../pricing.ts";
import { bucketLevel } from "../rate_limit.ts";
import { worstSpendMicros, TEST_LOOKUPS_A_DAY, type LimitState } from "./limits.ts";
import type { LedgerKey, LedgerTerms } from "./terms.ts";
import { GRANT_HELD_MS, GRANT_STEP_MS, GRANT_USE_MS } from "./times.ts";

/**
 * Places for early calls. With an admission the ledger may grant an isolate a few: for `GRANT_USE_MS` it may ask Claro beside
 * the admission instead of after it, which saves an ocean crossing. A place is used by the admission of its lookup; until
 * then, and at most for `GRANT_HELD_MS`, it counts against allowance and cap like an open lookup.
 */
export type Grant = {
  readonly keyId: string;
  left: number;
  /** No early call leaves on it after this instant. */
  readonly endsAtMs: number;
  /** No admission of an early call on it is under way after this instant. */
  readonly heldUntilMs: number;
};

/** Of the tokens in the bucket, this share may be granted to all isolates together: the rest is for who comes first. */
const GRANTED_SHARE = 0.25;
/** More restricted persons than these do not travel with grants: then nothing is granted. */
const MOST_RESTRICTED = 10_000;

/**
 * How many early calls may be granted, up to `asked`. `null` revokes earlier grants: they should not be used either.
 * Nothing is granted where a lookup that arrives while a place is held could meet a limit that must hold.
 */
export function grantableCalls(
  state: LimitState,
  context: { readonly terms: LedgerTerms; readonly key: LedgerKey; readonly asked: number; readonly usable: number },
): number | null {
  const { terms, key, asked, usable } = context;
  if (key.expiresAtMs !== null && key.expiresAtMs <= state.nowMs + GRANT_HELD_MS) return null;
  // A grant is for a key, not for an address, and a key's own limits have no room for it.
  if (key.allowedIps.length > 0 || hasLimits(key)) return null;
  if ((terms.restricted?.length ?? 0) > MOST_RESTRICTED) return null;
  const { nextPlan } = terms;
  const planEndMs = nextPlan === undefined || nextPlan === null ? null : nextPlan.fromMs;
  if (planEndMs !== null && planEndMs > state.nowMs && planEndMs <= state.nowMs + GRANT_HELD_MS) return null;
  const tokens = bucketLevel(state.plan, state.bucket, state.nowMs).remaining;
  const room = Math.floor(tokens * GRANTED_SHARE) - usable;
  if (room < 0) return null;
  return fitsLimits(state) ? Math.min(asked, room) : null;
}

/** Whatever comes before the places of a grant are given up, no limit can refuse one of them. */
function fitsLimits(state: LimitState): boolean {
  const { plan, nowMs } = state;
  // A term that can refuse a lookup and is not looked at here would be passed by early calls.
  const { allowance, monthlySpendCapMicros: capMicros, tiers, ratePerSecond, burst, ...others } = plan;
  const { name: _name, readsPerMinute: _reads, ...rest } = others;
  rest satisfies NoTermsLeft;
  const most = burst + Math.ceil((ratePerSecond * GRANT_HELD_MS) / 1000);
  if (state.mode === "test") return state.testLookupsToday + most <= TEST_LOOKUPS_A_DAY;
  if (allowance !== null) {
    if (allowance.endsAt !== null && Date.parse(allowance.endsAt) <= nowMs + GRANT_HELD_MS) return false;
    const open = state.held.reduce((sum, { count }) => sum + count, 0);
    if (state.allowanceUsed + open + state.granted + most > allowance.requests) return false;
  }
  return capMicros === null || worstSpendMicros(state) + most * maxUnitPriceMicros(tiers) <= capMicros;
}

function hasLimits({ limits }: LedgerKey): boolean {
  return limits !== undefined && limits !== null && Object.keys(limits).length > 0;
}

/** Adds places to the grants. */
export function addGrant(grants: Grant[], keyId: string, { count, nowMs }: { count: number; nowMs: number }): void {
  if (count === 0) return;
  const endsAtMs = Math.ceil((nowMs + GRANT_USE_MS) / GRANT_STEP_MS) * GRANT_STEP_MS;
  const same = grants.find((grant) => grant.keyId === keyId && grant.endsAtMs === endsAtMs);
  if (same !== undefined) same.left += count;
  else grants.push({ keyId, left: count, endsAtMs, heldUntilMs: endsAtMs - GRANT_USE_MS + GRANT_HELD_MS });
}

/** Uses the oldest place of a key that is held still; false when there is none. */
export function useGrant(grants: Grant[], keyId: string, nowMs: number): boolean {
  const grant = grants.find((candidate) => candidate.keyId === keyId && isHeld(candidate, nowMs));
  if (grant === undefined) return false;
  grant.left -= 1;
  return true;
}

export function hasGrant(grants: readonly Grant[], keyId: string, nowMs: number): boolean {
  return grants.some((grant) => grant.keyId === keyId && isHeld(grant, nowMs));
}

/** Drops grants whose places are all used or given up. */
export function dropEndedGrants(grants: Grant[], nowMs: number): Grant[] {
  return grants.every((grant) => isHeld(grant, nowMs)) ? grants : grants.filter((grant) => isHeld(grant, nowMs));
}

/** Places that count against allowance and cap. */
export function heldPlaces(grants: readonly Grant[], nowMs: number): number {
  return grants.reduce((sum, grant) => sum + (isHeld(grant, nowMs) ? grant.left : 0), 0);
}

/** Places on which early calls may still leave. */
export function usablePlaces(grants: readonly Grant[], nowMs: number): number {
  return grants.reduce((sum, grant) => sum + (grant.endsAtMs > nowMs ? grant.left : 0), 0);
}

/** When the last early call leaves; null when none can. */
export function lastGrantEndMs(grants: readonly Grant[], nowMs: number): number | null {
  return grants.reduce<number | null>(
    (end, grant) => (grant.left > 0 && grant.endsAtMs > nowMs ? Math.max(end ?? 0, grant.endsAtMs) : end),
    null,
  );
}

function isHeld({ left, heldUntilMs }: Grant, nowMs: number): boolean {
  return left > 0 && heldUntilMs > nowMs;
}
