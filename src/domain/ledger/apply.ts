import { assert } from "../assert.ts";
import type { EventRow } from "../event_row.ts";
import { DEFAULT_READS_PER_MINUTE } from "../plan.ts";
import { overdrawToken, refilled, takeToken, underLimit, type RateLimit } from "../rate_limit.ts";
import { countOfDay, giveBackOfDay } from "./day_counts.ts";
import type {
  Accessed,
  Adjusted,
  Admitted,
  Configured,
  Ended,
  Entry,
  EventTime,
  RefusedAfterSending,
  Streamed,
} from "./entries.ts";
import { ENTRY_VERSION } from "./entries.ts";
import { addGrant, dropEndedGrants, useGrant } from "./grants.ts";
import { identitiesOf } from "./identities.ts";
import { keyRate } from "./limits.ts";
import { countAdjusted, countEnded, countsOf, enterPeriod, noteUse } from "./past.ts";
import { keyOf, rateBucket, type LedgerState, type OpenIntent } from "./state.ts";
import { planAt } from "./terms.ts";
import { CLOCK_MARGIN_MS, LONGEST_STREAM_LEASE_MS } from "./times.ts";

/** Changes the state by one fact. It computes nothing from a clock and refuses nothing: what is an entry, is true. */
export function apply(state: LedgerState, entry: Entry): void {
  // Entries of one version ahead only add fields: they can be read. What is further ahead cannot.
  assert(entry.v <= ENTRY_VERSION + 1, `an entry of version ${entry.v} is from later code`);
  switch (entry.type) {
    case "configured":
      return applyConfigured(state, entry);
    case "key_revoked":
      return revokeKey(state, entry.keyId, entry);
    case "accessed":
      return applyAccessed(state, entry);
    case "streamed":
      return applyStreamed(state, entry);
    case "replayed":
      return applyAccessed(state, { ...entry, type: "accessed", bucket: "tokens" });
    case "admitted":
      return applyAdmitted(state, entry);
    case "refused_after_sending":
      return openIntent(state, entry, entry.refusal);
    case "ended":
      return applyEnded(state, entry);
    case "adjusted":
      return applyAdjusted(state, entry);
    case "period_closed":
      return enterPeriod(state, { period: entry.period, periodStartMs: entry.nextStartMs });
    case "cut":
      return applyCut(state, entry.throughSeq);
    case "stopped":
      state.stopped = entry.reason;
      return;
    default:
      entry satisfies never;
      // Of later code. Left out, it would be missing in every decision from here on.
      assert(false, "an entry of a type that this code does not know");
  }
}

/** The rate of reads, which are apart from lookups. */
export function readsRate(state: LedgerState, nowMs: number): RateLimit {
  assert(state.terms !== null, "reads are limited by terms");
  const perMinute = planAt(state.terms, nowMs).readsPerMinute ?? DEFAULT_READS_PER_MINUTE;
  return { ratePerSecond: perMinute / 60, burst: perMinute };
}

function applyConfigured(state: LedgerState, entry: Configured): void {
  const { terms, atMs } = entry;
  // What was gained until now was gained at the old rate.
  if (state.terms !== null) {
    const before = planAt(state.terms, atMs);
    state.bucket = refilled(before, rateBucket(state, state.bucket, atMs), atMs);
    state.tokensBucket = refilled(before, rateBucket(state, state.tokensBucket, atMs), atMs);
    state.readsBucket = refilled(readsRate(state, atMs), state.readsBucket, atMs);
  }
  state.terms = terms;
  const { firstMonth } = terms;
  // A register's clock that was wrong by months moves nothing.
  if (firstMonth !== undefined && firstMonth.startMs <= atMs + CLOCK_MARGIN_MS) {
    enterPeriod(state, { period: firstMonth.period, periodStartMs: firstMonth.startMs });
  }
  const plan = planAt(terms, atMs);
  state.bucket = underLimit(plan, state.bucket);
  state.tokensBucket = underLimit(plan, state.tokensBucket);
  state.readsBucket = underLimit(readsRate(state, atMs), state.readsBucket);
  state.priceVersion = entry.priceVersion;
  state.nextPriceVersion = entry.nextPriceVersion;
  state.highestPriceVersion = Math.max(state.highestPriceVersion, entry.priceVersion, entry.nextPriceVersion ?? 0);
  state.prices.set(entry.priceVersion, terms.plan.tiers);
  if (entry.nextPriceVersion !== null && terms.nextPlan !== undefined && terms.nextPlan !== null) {
    state.prices.set(entry.nextPriceVersion, terms.nextPlan.plan.tiers);
  }
  state.revokedGrantsEndMs = Math.max(state.revokedGrantsEndMs, entry.grantsEndMs ?? 0);
  dropUnusedPrices(state);
  const known = new Set(terms.keys.map(({ keyId }) => keyId));
  for (const [keyId, { open }] of state.keys) if (!known.has(keyId) && open === 0) state.keys.delete(keyId);
}

function revokeKey(state: LedgerState, keyId: string, at: { atMs: number; grantsEndMs: number | null }): void {
  assert(state.terms !== null, "a key is revoked in a ledger without terms");
  const keys = state.terms.keys.map((key) =>
    key.keyId === keyId ? { ...key, revokedAtMs: key.revokedAtMs ?? at.atMs } : key,
  );
  state.terms = { ...state.terms, keys };
  state.revokedGrantsEndMs = Math.max(state.revokedGrantsEndMs, at.grantsEndMs ?? 0);
}

function applyAccessed(state: LedgerState, { keyId, bucket, atMs }: Accessed): void {
  assert(state.terms !== null, "a key is used in a ledger without terms");
  if (bucket === "reads") state.readsBucket = takeToken(readsRate(state, atMs), state.readsBucket, atMs).bucket;
  if (bucket === "tokens")
    state.tokensBucket = takeToken(planAt(state.terms, atMs), rateBucket(state, state.tokensBucket, atMs), atMs).bucket;
  noteUse(countsOf(state, keyId), atMs);
}

function applyStreamed({ streams }: LedgerState, { id, endsAtMs, atMs }: Streamed): void {
  for (const [known, endMs] of streams)
    if (endMs <= atMs || endMs > atMs + LONGEST_STREAM_LEASE_MS) streams.delete(known);
  if (endsAtMs === null) streams.delete(id);
  else streams.set(id, endsAtMs);
}

function applyAdmitted(state: LedgerState, entry: Admitted): void {
  const { atMs, lookup } = entry;
  assert(state.terms !== null, "a lookup is admitted by a ledger without terms");
  // The plan's limit is read from the state: it is what it was when this was decided.
  const plan = planAt(state.terms, atMs);
  state.bucket = overdrawToken(plan, rateBucket(state, state.bucket, atMs), atMs);
  if (entry.early === "granted") useGrant(state.grants, lookup.keyId, atMs);
  if (entry.early === "late") state.lateEarlyCalls += 1;
  state.grants = dropEndedGrants(state.grants, atMs);
  addGrant(state.grants, lookup.keyId, { count: entry.granted, nowMs: atMs });
  if (state.terms.mode === "test") state.testDays = countOfDay(state.testDays, entry.day);
  openIntent(state, entry, null);
  const counts = countsOf(state, lookup.keyId);
  counts.days = countOfDay(counts.days, entry.day);
  const ratePerSecond = keyOf(state, lookup.keyId)?.limits?.ratePerSecond;
  if (ratePerSecond !== undefined) counts.bucket = overdrawToken(keyRate(ratePerSecond), counts.bucket, atMs);
  noteUse(counts, atMs);
}

function openIntent(state: LedgerState, entry: Admitted | RefusedAfterSending, refusal: OpenIntent["refusal"]): void {
  const { lookup, priceVersion, atMs: admittedAtMs, endsAtMs, day } = entry;
  assert(!state.open.has(lookup.lookupId), `the lookup ${lookup.lookupId} is open already`);
  state.open.set(lookup.lookupId, { lookup, admittedAtMs, endsAtMs, day, priceVersion, refusal });
  state.openAtPrice.set(priceVersion, (state.openAtPrice.get(priceVersion) ?? 0) + 1);
  countsOf(state, lookup.keyId).open += 1;
  for (const { keyHash } of identitiesOf(lookup.idempotency)) state.openKeys.set(keyHash, lookup.lookupId);
}

function applyEnded(state: LedgerState, entry: Ended): void {
  const { lookupId, outcome, time, seq, units, unitPriceMicros: amountMicros } = entry;
  const intent = state.open.get(lookupId);
  assert(intent !== undefined, `the lookup ${lookupId} ends and is not open`);
  const { keyId } = intent.lookup;
  closeIntent(state, lookupId, intent);
  countEnded(state, { seq, time, keyId, outcome, units, amountMicros });
  if (outcome === "failed" && intent.refusal === null) {
    const counts = countsOf(state, keyId);
    counts.days = giveBackOfDay(counts.days, intent.day);
    state.testDays = giveBackOfDay(state.testDays, intent.day);
  }
  state.waiting.set(lookupId, endedEvent(intent, entry));
}

function endedEvent(intent: OpenIntent, entry: Ended): EventRow {
  const { lookup } = intent;
  return {
    ...eventTime(entry.seq, entry.lookupId, entry.time),
    admitted_at: intent.admittedAtMs,
    admit_ms: entry.admitMs,
    key_id: lookup.keyId,
    reference: lookup.reference,
    customer_id: lookup.customerId,
    outcome: entry.outcome,
    failure_code: entry.failureCode ?? intent.refusal,
    upstream_status: entry.upstreamStatus,
    billed: entry.billed ? 1 : 0,
    units: entry.units,
    unit_price_micros: entry.unitPriceMicros,
    amount_micros: entry.unitPriceMicros,
    price_version: intent.priceVersion,
    transaction_id: entry.transactionId,
    cpf_reference: lookup.cpfReference,
    purpose: lookup.purpose,
    legal_basis: lookup.legalBasis,
    consent_id: lookup.consentId,
    requested_by: lookup.requestedBy,
    request_id: lookup.requestId,
    claro_ms: entry.claroMs,
    kind: "lookup",
    corrects: null,
  };
}

function applyAdjusted(state: LedgerState, entry: Adjusted): void {
  const { id, seq, time, amountMicros } = entry;
  countAdjusted(state, entry);
  state.waiting.set(id, {
    ...eventTime(seq, id, time),
    admitted_at: null,
    admit_ms: null,
    key_id: null,
    reference: entry.reason,
    customer_id: null,
    outcome: null,
    failure_code: null,
    upstream_status: null,
    billed: amountMicros === 0 ? 0 : 1,
    units: entry.units,
    unit_price_micros: null,
    amount_micros: amountMicros,
    price_version: null,
    transaction_id: null,
    cpf_reference: null,
    purpose: null,
    legal_basis: null,
    consent_id: null,
    requested_by: null,
    request_id: null,
    claro_ms: null,
    kind: "adjustment",
    corrects: entry.corrects,
  });
}

function eventTime(seq: number, id: string, { occurredAtMs, period, day }: EventTime) {
  return { seq, id, occurred_at: occurredAtMs, period, day };
}

function applyCut(state: LedgerState, throughSeq: number): void {
  for (const [id, { seq }] of state.waiting) {
    if (seq > throughSeq) break;
    state.waiting.delete(id);
  }
  dropUnusedPrices(state);
}

function closeIntent(state: LedgerState, lookupId: string, { lookup, priceVersion }: OpenIntent): void {
  state.open.delete(lookupId);
  const left = (state.openAtPrice.get(priceVersion) ?? 0) - 1;
  assert(left >= 0, `more lookups end at price version ${priceVersion} than began`);
  if (left === 0) state.openAtPrice.delete(priceVersion);
  else state.openAtPrice.set(priceVersion, left);
  countsOf(state, lookup.keyId).open -= 1;
  for (const { keyHash } of identitiesOf(lookup.idempotency)) state.openKeys.delete(keyHash);
}

function dropUnusedPrices(state: LedgerState): void {
  for (const version of state.prices.keys()) {
    const isUsed =
      version === state.priceVersion || version === state.nextPriceVersion || state.openAtPrice.has(version);
    if (!isUsed) state.prices.delete(version);
  }
}
