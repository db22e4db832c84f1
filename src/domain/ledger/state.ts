import { assert } from "../assert.ts";
import type { EventRow } from "../event_row.ts";
import type { Failure } from "../failure.ts";
import { periodOf, saoPauloDate, type Period } from "../period.ts";
import type { PriceTier } from "../plan.ts";
import { FULL_BUCKET, refilled, underLimit, type Bucket } from "../rate_limit.ts";
import { lookupsOfDay, type DayCounts } from "./day_counts.ts";
import { fromEarlierState } from "./earlier_state.ts";
import type { LookupFacts } from "./entries.ts";
import { heldPlaces, type Grant } from "./grants.ts";
import type { HeldAtPrice, KeyUse, LimitState } from "./limits.ts";
import { planAt, type LedgerKey, type LedgerTerms } from "./terms.ts";

/** A lookup that was admitted and has not ended. */
export type OpenIntent = {
  readonly lookup: LookupFacts;
  readonly admittedAtMs: number;
  readonly endsAtMs: number;
  readonly day: string;
  readonly priceVersion: number;
  /** Why it was not admitted, where Claro was asked before the ledger said so. It ends as `unknown` or `failed` only. */
  readonly refusal: Failure["code"] | null;
};

/** What one key has used. `days` and `period` say of when the counts are. */
export type KeyCounts = {
  days: DayCounts;
  period: string;
  spentMicros: number;
  open: number;
  bucket: Bucket;
  /** To the minute. */
  lastUsedAtMs: number;
};

/**
 * All that limits, prices and numbers, and nothing that grows without bound: that is rows (see `platform/ledger/tables.ts`).
 * It is what remains of the journal's entries; `apply.ts` alone changes it.
 */
export type LedgerState = {
  terms: LedgerTerms | null;
  stopped: "diverged" | null;
  lastSeq: number;
  /** Tiers by version: of the plan in force, of the next one, and of all that is open. */
  prices: Map<number, readonly PriceTier[]>;
  priceVersion: number;
  nextPriceVersion: number | null;
  highestPriceVersion: number;
  /** The period of the latest event, or the one after a closed one: no event falls before it. */
  period: Period | null;
  periodStartMs: number;
  tieredInPeriod: number;
  spentInPeriodMicros: number;
  allowanceUsed: number;
  bucket: Bucket;
  readsBucket: Bucket;
  tokensBucket: Bucket;
  /** Streams of files by id, with the end of each one's lease. */
  streams: Map<string, number>;
  keys: Map<string, KeyCounts>;
  testDays: DayCounts;
  grants: Grant[];
  /** Early calls under terms that are no longer in force may leave until then. */
  revokedGrantsEndMs: number;
  /** Early calls that came after their places had been given up, since ever. */
  lateEarlyCalls: number;
  /** In the order of their admission. */
  open: Map<string, OpenIntent>;
  /** How many are open at each price version. */
  openAtPrice: Map<number, number>;
  /** Lookup ids of open idempotency keys, by key hash. */
  openKeys: Map<string, string>;
  /** Events that are in no batch yet, in the order of seq. */
  waiting: Map<string, EventRow>;
};

export function emptyState(): LedgerState {
  return {
    terms: null,
    stopped: null,
    lastSeq: 0,
    prices: new Map(),
    priceVersion: 0,
    nextPriceVersion: null,
    highestPriceVersion: 0,
    period: null,
    periodStartMs: 0,
    tieredInPeriod: 0,
    spentInPeriodMicros: 0,
    allowanceUsed: 0,
    bucket: FULL_BUCKET,
    readsBucket: FULL_BUCKET,
    tokensBucket: FULL_BUCKET,
    streams: new Map(),
    keys: new Map(),
    testDays: [],
    grants: [],
    revokedGrantsEndMs: 0,
    lateEarlyCalls: 0,
    open: new Map(),
    openAtPrice: new Map(),
    openKeys: new Map(),
    waiting: new Map(),
  };
}

/** The state as text, for a checkpoint. */
export function serializeState(state: LedgerState): string {
  return JSON.stringify(state, (_name, value: unknown) => (value instanceof Map ? { map: [...value] } : value));
}

/** Reads what `serializeState` wrote, in any version. A field that an earlier one did not have begins empty. */
export function parseState(text: string): LedgerState {
  const parsed = JSON.parse(text, (_name, value: unknown) =>
    isMapJson(value) ? new Map(value.map) : value,
  ) as Partial<LedgerState>;
  return { ...emptyState(), ...fromEarlierState(parsed) };
}

function isMapJson(value: unknown): value is { map: [unknown, unknown][] } {
  return typeof value === "object" && value !== null && Array.isArray((value as { map?: unknown }).map);
}

/** Whether the ledger may serve, else why not. */
export function notReady(state: LedgerState): "no_terms" | "behind" | "diverged" | null {
  if (state.terms === null) return "no_terms";
  if (state.stopped !== null) return state.stopped;
  return state.lastSeq < (state.terms.knownSeq ?? 0) ? "behind" : null;
}

export function keyOf(state: LedgerState, keyId: string): LedgerKey | undefined {
  return state.terms?.keys.find((key) => key.keyId === keyId);
}

/** The tiers and their version for a lookup that is admitted now. */
export function priceAt(state: LedgerState, nowMs: number): number {
  const { terms, nextPriceVersion } = state;
  assert(terms !== null, "a price is asked of a ledger without terms");
  const isNext = nextPriceVersion !== null && planAt(terms, nowMs) !== terms.plan;
  return isNext ? nextPriceVersion : state.priceVersion;
}

export function tiersOf(state: LedgerState, priceVersion: number): readonly PriceTier[] {
  const tiers = state.prices.get(priceVersion);
  assert(tiers !== undefined, `price version ${priceVersion} is not known`);
  return tiers;
}

/** A bucket of the plan's rate as the plan in force has it: at worst it was empty when that took the other's place. */
export function rateBucket({ terms }: LedgerState, bucket: Bucket, nowMs: number): Bucket {
  const nextPlan = terms?.nextPlan ?? null;
  if (terms === null || nextPlan === null || nowMs < nextPlan.fromMs || bucket.atMs >= nextPlan.fromMs) return bucket;
  return underLimit(nextPlan.plan, refilled(terms.plan, bucket, nextPlan.fromMs));
}

/** What the limits are decided by for one more lookup of a key; without a key, for any. */
export function limitState(state: LedgerState, nowMs: number, keyId: string | null = null): LimitState {
  const { terms } = state;
  assert(terms !== null, "limits are asked of a ledger without terms");
  const isThisPeriod = state.period !== null && periodOf(nowMs) <= state.period;
  return {
    nowMs,
    mode: terms.mode,
    plan: planAt(terms, nowMs),
    allowanceUsed: state.allowanceUsed,
    tieredInPeriod: isThisPeriod ? state.tieredInPeriod : 0,
    spentInPeriodMicros: isThisPeriod ? state.spentInPeriodMicros : 0,
    held: heldAtPrices(state),
    granted: heldPlaces(state.grants, nowMs),
    bucket: rateBucket(state, state.bucket, nowMs),
    testLookupsToday: lookupsOfDay(state.testDays, saoPauloDate(nowMs)),
    key: keyId === null ? null : keyUse(state, nowMs, keyId),
  };
}

function heldAtPrices(state: LedgerState): HeldAtPrice[] {
  return [...state.openAtPrice].map(([version, count]) => ({ tiers: tiersOf(state, version), count }));
}

function keyUse(state: LedgerState, nowMs: number, keyId: string): KeyUse | null {
  const limits = keyOf(state, keyId)?.limits ?? null;
  if (limits === null) return null;
  const counts = state.keys.get(keyId);
  if (counts === undefined) return { limits, lookupsToday: 0, spentInPeriodMicros: 0, open: 0, bucket: FULL_BUCKET };
  return {
    limits,
    lookupsToday: lookupsOfDay(counts.days, saoPauloDate(nowMs)),
    spentInPeriodMicros: periodOf(nowMs) <= counts.period ? counts.spentMicros : 0,
    open: counts.open,
    bucket: counts.bucket,
  };
}
