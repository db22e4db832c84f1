/* oxlint-disable vitest/no-standalone-expect -- what a test calls, many times */
import { expect } from "vitest";
import type { EventRow } from "../../../src/domain/event_row.ts";
import type {
  AdjustCall,
  AdmitCall,
  AdmitReply,
  EarlyCallPolicy,
  KeyedRequest,
  PutRightCall,
  SettleCall,
  SettleReply,
} from "../../../src/domain/ledger/commands.ts";
import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS, countEvents } from "../../../src/domain/ledger/day_sums.ts";
import type { LedgerState } from "../../../src/domain/ledger/state.ts";
import type { LedgerTerms } from "../../../src/domain/ledger/terms.ts";
import type { Outcome } from "../../../src/domain/meter_event.ts";
import { periodOf, saoPauloDate } from "../../../src/domain/period.ts";
import type { Plan, PriceTier } from "../../../src/domain/plan.ts";

const HOUR_MS = 3_600_000;

type Lookup = {
  readonly id: string;
  readonly keyId: string;
  readonly admittedAtMs: number;
  readonly endsAtMs: number;
  readonly day: string;
  readonly tiers: readonly PriceTier[];
  readonly idempotency: KeyedRequest | null;
  readonly isRefused: boolean;
  outcome: Outcome | null;
  isAnswerKept: boolean;
};

type Event = {
  readonly seq: number;
  readonly id: string;
  readonly period: string;
  readonly outcome: Outcome | null;
  readonly keyId: string | null;
  readonly units: number;
  readonly micros: number;
  readonly takesBack: Event | null;
};

type Place = { readonly keyId: string; readonly endsAtMs: number; readonly heldUntilMs: number };

type Bucket = { missing: number; atMs: number };

/**
 * What a ledger should have done, kept as plain lists: every lookup, every event and every place of a grant, one by one.
 * Sums are made anew each time they are asked for. It shares no rule with the ledger, and throws where the two differ.
 */
export class Model {
  terms: LedgerTerms | null = null;
  isStopped = false;
  readonly lookups = new Map<string, Lookup>();
  readonly events: Event[] = [];
  readonly adjustments = new Map<string, number>();
  /** Of the latest event, or the one after a closed one. */
  floor = "";
  places: Place[] = [];
  lookupBucket: Bucket = { missing: 0, atMs: 0 };
  tokenBucket: Bucket = { missing: 0, atMs: 0 };
  readBucket: Bucket = { missing: 0, atMs: 0 };
  readonly #keyBuckets = new Map<string, Bucket>();
  #lateEver = 0;
  #limits = { plan: null as Plan | null, lookups: 0, micros: 0, extra: 0 };

  notReady(): string | null {
    if (this.terms === null) return "no_terms";
    if (this.isStopped) return "diverged";
    return this.events.length < (this.terms.knownSeq ?? 0) ? "behind" : null;
  }

  plan(nowMs: number): Plan {
    const { plan, nextPlan } = this.terms!;
    return nextPlan && nowMs >= nextPlan.fromMs ? nextPlan.plan : plan;
  }

  open(): Lookup[] {
    return [...this.lookups.values()].filter(({ outcome }) => outcome === null);
  }

  held(nowMs: number): number {
    return this.places.filter(({ heldUntilMs }) => heldUntilMs > nowMs).length;
  }

  configure(terms: LedgerTerms, nowMs: number): void {
    if (this.terms !== null) {
      const before = this.plan(nowMs);
      this.#planned(this.lookupBucket, nowMs);
      this.#planned(this.tokenBucket, nowMs);
      refill(this.lookupBucket, before.ratePerSecond, nowMs);
      refill(this.tokenBucket, before.ratePerSecond, nowMs);
      refill(this.readBucket, (before.readsPerMinute ?? 120) / 60, nowMs);
    }
    const revoked = new Map(this.terms?.keys.map((key) => [key.keyId, key.revokedAtMs]));
    const keys = terms.keys.map((key) => ({ ...key, revokedAtMs: key.revokedAtMs ?? revoked.get(key.keyId) ?? null }));
    this.terms = { ...terms, keys };
    const { burst, readsPerMinute = 120 } = this.plan(nowMs);
    for (const bucket of [this.lookupBucket, this.tokenBucket]) bucket.missing = Math.min(bucket.missing, burst);
    this.readBucket.missing = Math.min(this.readBucket.missing, readsPerMinute);
  }

  /** Takes one token, where there is one. */
  /** A next plan whose time has come found the bucket empty at the worst. */
  #planned(bucket: Bucket, nowMs: number): Bucket {
    const { plan, nextPlan } = this.terms!;
    if (nextPlan && nowMs >= nextPlan.fromMs && bucket.atMs < nextPlan.fromMs) {
      refill(bucket, plan.ratePerSecond, nextPlan.fromMs);
      bucket.missing = Math.min(bucket.missing, nextPlan.plan.burst);
    }
    return bucket;
  }

  #takeToken(limit: { rate: number; burst: number }, nowMs: number): "allowed" | "rate_limited" {
    const planned = this.#planned({ ...this.tokenBucket }, nowMs);
    if (take(planned, limit, nowMs) !== "allowed") return "rate_limited";
    Object.assign(this.tokenBucket, planned);
    return "allowed";
  }

  access(kind: "read" | "token", nowMs: number): "allowed" | "rate_limited" {
    const { ratePerSecond, burst, readsPerMinute = 120 } = this.plan(nowMs);
    return kind === "read"
      ? take(this.readBucket, { rate: readsPerMinute / 60, burst: readsPerMinute }, nowMs)
      : this.#takeToken({ rate: ratePerSecond, burst }, nowMs);
  }

  /** What the reply to an admission has to be, in a word; then the lookup and the places are taken. */
  admit(call: AdmitCall, reply: AdmitReply, { nowMs, ttlMs }: { nowMs: number; ttlMs: number }): void {
    const expected = this.#expectAdmission(call, nowMs);
    expect(describeAdmission(reply), `the admission of ${call.lookupId}`).toBe(expected);
    const isNew = !this.lookups.has(call.lookupId);
    if (!isNew) return;
    if (reply.kind === "admitted") {
      expect(reply.isLate).toBe(call.isSent === true && !this.#hasPlace(call.keyId, nowMs));
      this.#take(call, { nowMs, ttlMs, isEarly: call.isSent === true, isRefused: false });
      this.#grant(call, reply.earlyCalls, nowMs);
      expect(reply.policyVersion).toBe(this.terms!.version);
      expect(reply.policy, "what early calls keep to").toEqual(this.#policy(call, reply.earlyCalls));
      const { allowance } = this.plan(nowMs);
      if (allowance !== null && this.terms!.mode === "live") {
        const left = Math.max(allowance.requests - this.used() - this.open().length, 0);
        expect(reply.notices.allowance?.remaining).toBe(left);
      }
    } else if (reply.kind === "refused" && call.isSent === true && this.notReady() === null) {
      this.#limits.extra += 1;
      this.#take(call, { nowMs, ttlMs, isEarly: false, isRefused: true });
    }
  }

  settle(call: SettleCall, reply: SettleReply, { nowMs, ttlMs }: { nowMs: number; ttlMs: number }): void {
    const lookup = this.lookups.get(call.lookupId);
    if (lookup === undefined) {
      expect(reply).toEqual({ kind: "no_intent" });
      return;
    }
    if (lookup.outcome !== null) {
      expect(reply.kind).toBe(lookup.outcome === call.outcome ? "settled" : "ended");
      if (reply.kind === "ended") expect(reply.outcome).toBe(lookup.outcome);
      if (reply.kind === "settled") this.#expectCharge(reply, this.event(call.lookupId));
      return;
    }
    const isLate = call.outcome === "delivered" && nowMs - lookup.admittedAtMs > (call.withinMs ?? ttlMs);
    const isUnknown = isLate || (lookup.isRefused && call.outcome !== "failed");
    const event = this.end(lookup, isUnknown ? "unknown" : call.outcome, nowMs);
    if (isUnknown && call.outcome !== "unknown") {
      expect(reply).toEqual({ kind: "ended", outcome: "unknown" });
      return;
    }
    lookup.isAnswerKept = call.answer !== null && lookup.idempotency !== null && call.outcome !== "failed";
    this.#expectCharge(reply, event);
    const { allowance } = this.plan(nowMs);
    if (reply.kind === "settled" && allowance !== null && this.terms!.mode === "live") {
      const left = Math.max(allowance.requests - this.used() - this.open().length, 0);
      expect(reply.notices?.allowance?.remaining, "what is left after the outcome").toBe(left);
    }
  }

  putRight(call: PutRightCall, { nowMs, ttlMs, isKept }: { nowMs: number; ttlMs: number; isKept: boolean }): void {
    const lookup = this.lookups.get(call.lookupId);
    if (lookup !== undefined && lookup.outcome === null) {
      this.end(lookup, call.outcome, nowMs);
    } else if (lookup !== undefined) {
      const event = this.event(call.lookupId);
      const isWithdrawn = this.events.some(({ takesBack }) => takesBack === event);
      if (event.micros <= 0 || isWithdrawn || isKept) return;
      const id = `${event.id}_withdrawn`;
      this.adjustments.set(id, this.events.length + 1);
      this.#add({
        id,
        nowMs,
        outcome: null,
        keyId: null,
        units: -event.units,
        micros: -event.micros,
        takesBack: event,
      });
    } else if (call.sent !== null) {
      this.#take({ ...call.sent, idempotency: null, isSent: true }, { nowMs, ttlMs, isEarly: true, isRefused: false });
      this.end(this.lookups.get(call.lookupId)!, call.outcome, nowMs);
    }
  }

  adjust(call: AdjustCall, seq: number, nowMs: number): void {
    const known = this.adjustments.get(call.id);
    expect(seq, `the adjustment ${call.id}`).toBe(known ?? this.events.length + 1);
    if (known !== undefined) return;
    this.adjustments.set(call.id, seq);
    const { id, units, amountMicros: micros } = call;
    this.#add({ id, nowMs, outcome: null, keyId: null, units, micros, takesBack: null });
  }

  expire(lookupId: string, nowMs: number): void {
    const lookup = this.lookups.get(lookupId)!;
    const isDue = nowMs >= lookup.endsAtMs || lookup.admittedAtMs - nowMs > HOUR_MS;
    expect(isDue, `${lookupId} is over`).toBe(true);
    this.end(lookup, "unknown", Math.min(lookup.endsAtMs, nowMs));
  }

  end(lookup: Lookup, outcome: Outcome, readMs: number): Event {
    // Not before its admission, as far as clocks may differ.
    const nowMs = Math.max(readMs, Math.min(lookup.admittedAtMs, readMs + 300_000));
    expect(lookup.outcome, `${lookup.id} ends once`).toBeNull();
    lookup.outcome = outcome;
    const period = laterOf(this.floor, periodOf(nowMs));
    const isPriced = outcome === "delivered" && this.terms!.mode === "live" && lookup.tiers.some(isPaid);
    const place = 1 + this.events.filter((event) => event.period === period && this.#isTiered(event)).length;
    const micros = isPriced ? priceOf(lookup.tiers, place) : 0;
    const { id, keyId } = lookup;
    return this.#add({ id, nowMs, outcome, keyId, units: isPriced ? 1 : 0, micros, takesBack: null });
  }

  event(id: string): Event {
    return this.events.find((event) => event.id === id)!;
  }

  used(): number {
    return [...this.lookups.values()].filter(({ outcome }) => outcome !== null && outcome !== "failed").length;
  }

  /** What a period, or a key in it, has come to as the caps see it. */
  spent(period: string, keyId?: string): number {
    return this.events
      .filter((event) => event.period === period)
      .filter(({ takesBack, outcome }) => outcome !== null || takesBack?.period === period)
      .filter((event) => keyId === undefined || (event.takesBack ?? event).keyId === keyId)
      .reduce((sum, { micros }) => sum + micros, 0);
  }

  /** After a step: no limit is passed, but by what a change of terms found, or what came after its places were given up. */
  checkLimits(nowMs: number): void {
    if (this.terms === null || this.terms.mode === "test") return;
    const plan = this.plan(nowMs);
    const total = this.used() + this.open().length + this.held(nowMs);
    const spent = this.floor === "" ? 0 : this.spent(this.floor);
    if (JSON.stringify(plan) !== JSON.stringify(this.#limits.plan)) {
      // A clock that goes back finds places again that were over.
      const held = this.open().length + this.places.length;
      this.#limits = { plan, lookups: this.used() + held, micros: spent + held * this.#dearest(plan), extra: 0 };
    }
    const { allowance, monthlySpendCapMicros: capMicros } = plan;
    const { extra, lookups, micros } = this.#limits;
    if (allowance !== null) expect(total).toBeLessThanOrEqual(Math.max(allowance.requests, lookups) + extra);
    if (capMicros !== null)
      expect(spent).toBeLessThanOrEqual(Math.max(capMicros, micros) + extra * this.#dearest(plan));
    for (const { keyId, limits } of this.terms.keys) {
      const most = limits?.dailyLookups;
      if (most === undefined) continue;
      const day = saoPauloDate(nowMs);
      expect(this.#lookupsOfDay(keyId, day), `lookups of ${keyId} on ${day}`).toBeLessThanOrEqual(
        most + this.#lateEver,
      );
    }
  }

  /** All that the state holds is what the lists come to, and all events are there, each once. */
  check(state: LedgerState, stored: readonly EventRow[]): void {
    const rows = [...stored, ...state.waiting.values()];
    // One assertion for all rows: a million operations look at some million of them.
    const told = rows.map((row) => [row.seq, row.id, row.period, row.outcome, row.units, row.amount_micros].join());
    const asked = this.events.map(({ id, period, outcome, units, micros }, index) =>
      [index + 1, id, period, outcome, units, micros].join(),
    );
    expect(told, "events").toEqual(asked);
    expect(
      rows.filter((row) => !row.day!.startsWith(row.period!)),
      "an event's day is in its period",
    ).toEqual([]);
    const isEarlier = (row: EventRow, index: number) => index > 0 && row.period! < rows[index - 1]!.period!;
    expect(rows.filter(isEarlier), "periods follow one another").toEqual([]);
    expect(new Set(rows.map(({ id }) => id)).size, "events by id").toBe(rows.length);
    const open = this.open();
    expect([...state.open.keys()]).toEqual(open.map(({ id }) => id));
    expect(state.lastSeq).toBe(rows.length);
    expect(state.allowanceUsed).toBe(this.used());
    expect(state.period ?? "").toBe(this.floor);
    const ofPeriod = this.events.filter((event) => event.period === this.floor);
    expect(state.tieredInPeriod).toBe(ofPeriod.filter((event) => this.#isTiered(event)).length);
    expect(state.spentInPeriodMicros).toBe(this.spent(this.floor));
    const held = state.grants.flatMap(({ keyId, left, endsAtMs, heldUntilMs }) =>
      Array.from({ length: left }, () => ({ keyId, endsAtMs, heldUntilMs })),
    );
    expect(held, "places of grants").toEqual(this.places);
    for (const [keyId, counts] of state.keys) {
      expect(counts.open).toBe(open.filter((lookup) => lookup.keyId === keyId).length);
      if (counts.period === this.floor) expect(counts.spentMicros).toBe(this.spent(this.floor, keyId));
      for (const { day, lookups } of counts.days) {
        expect(lookups, `lookups of ${keyId} on ${day}`).toBe(this.#lookupsOfDay(keyId, day));
      }
    }
    const hashes = open.flatMap(({ idempotency }) => identities(idempotency).map(({ keyHash }) => keyHash));
    expect([...state.openKeys.keys()].toSorted()).toEqual(hashes.toSorted());
    checkDays(rows);
  }

  #expectAdmission(call: AdmitCall, nowMs: number): string {
    const reason = this.notReady();
    if (reason !== null) return `not_ready ${reason}`;
    const known = this.lookups.get(call.lookupId);
    if (known?.outcome === null) return known.isRefused ? `refused ${this.refusals.get(known.id)}` : "admitted";
    if (known !== undefined) return "refused ledger_unavailable";
    const terms = this.terms!;
    const key = terms.keys.find(({ keyId }) => keyId === call.keyId);
    if (key === undefined) return this.#refuse(call, "invalid_api_key");
    if (key.revokedAtMs !== null) return this.#refuse(call, "revoked_api_key");
    if (key.expiresAtMs !== null && key.expiresAtMs <= nowMs) return this.#refuse(call, "expired_api_key");
    if (terms.status === "suspended") return this.#refuse(call, "tenant_suspended");
    const until = terms.restrictedUntil?.[call.subject ?? ""] ?? Infinity;
    if (terms.restricted?.includes(call.subject ?? "") && nowMs < until)
      return this.#refuse(call, "subject_restricted");
    if (call.isSent === true) return "admitted";
    const repeat = this.#expectRepeat(call, nowMs);
    if (repeat !== null) return repeat;
    if (terms.requires?.includes("purpose") && (call.purpose ?? key.defaults?.purpose ?? null) === null)
      return "refused purpose_required";
    if (call.refuseNew) return `refused ${call.refuseNew.code}`;
    return this.#expectLimits(call, nowMs);
  }

  /** Why early calls that reached Claro were refused, by lookup. */
  readonly refusals = new Map<string, string>();

  #refuse(call: AdmitCall, code: string): string {
    if (call.isSent === true) this.refusals.set(call.lookupId, code);
    return `refused ${code}`;
  }

  #expectRepeat(call: AdmitCall, nowMs: number): string | null {
    const asked = identities(call.idempotency);
    const same = [...this.lookups.values()].findLast(
      (lookup) =>
        lookup.outcome !== "failed" &&
        identities(lookup.idempotency).some(({ keyHash }) => asked.some((each) => each.keyHash === keyHash)),
    );
    if (same === undefined) return null;
    const isSame = identities(same.idempotency).some(({ requestHash }) =>
      asked.some((each) => each.requestHash === requestHash),
    );
    if (same.outcome === null) return `refused ${isSame ? "idempotency_in_progress" : "idempotency_mismatch"}`;
    const ageMs = nowMs - same.admittedAtMs;
    if (ageMs >= 35 * 24 * HOUR_MS) return null;
    if (!isSame) return "refused idempotency_mismatch";
    if (ageMs >= 24 * HOUR_MS) return "refused idempotency_expired";
    const { ratePerSecond: rate, burst } = this.plan(nowMs);
    return this.#takeToken({ rate, burst }, nowMs) === "allowed" ? "replay" : "refused rate_limited";
  }

  #expectLimits(call: AdmitCall, nowMs: number): string {
    const plan = this.plan(nowMs);
    const { mode } = this.terms!;
    const held = this.held(nowMs);
    const open = this.open();
    const { allowance, monthlySpendCapMicros: capMicros, ratePerSecond: rate, burst } = plan;
    if (mode === "live" && allowance !== null && this.used() + open.length + held >= allowance.requests) {
      return "refused quota_exceeded";
    }
    if (mode === "live" && capMicros !== null && this.#worstMicros(nowMs) > capMicros)
      return "refused spend_cap_reached";
    if (!this.#hasKeyRoom(call, nowMs)) return "refused key_limit_reached";
    return level(this.#planned({ ...this.lookupBucket }, nowMs), rate, nowMs) + 1 <= burst + 1e-6
      ? "admitted"
      : "refused rate_limited";
  }

  // Everything open and granted and one more, each at the place that it would take; of several prices, each at its dearest.
  #worstMicros(nowMs: number): number {
    const { tiers } = this.plan(nowMs);
    const period = laterOf(this.floor, periodOf(nowMs));
    const spent = this.spent(period);
    const open = this.open();
    const held = this.held(nowMs);
    if (open.every((lookup) => JSON.stringify(lookup.tiers) === JSON.stringify(tiers))) {
      const first = this.events.filter((event) => event.period === period && this.#isTiered(event)).length;
      const sum = (from: number) =>
        Array.from({ length: open.length + held + 1 }, (_, index) => priceOf(tiers, from + index + 1)).reduce(
          (left, right) => left + right,
        );
      // What ends in the next month begins at the first tier again.
      return Math.max(spent + sum(first), sum(0));
    }
    const ofOpen = open.reduce((sum, lookup) => sum + dearestOf(lookup.tiers), 0);
    return spent + ofOpen + (held + 1) * dearestOf(tiers);
  }

  #hasKeyRoom({ keyId }: AdmitCall, nowMs: number): boolean {
    const limits = this.terms!.keys.find((key) => key.keyId === keyId)?.limits ?? null;
    if (limits === null) return true;
    const { dailyLookups, monthlySpendCapMicros, ratePerSecond } = limits;
    if (dailyLookups !== undefined && this.#lookupsOfDay(keyId, saoPauloDate(nowMs)) >= dailyLookups) return false;
    if (monthlySpendCapMicros !== undefined && this.terms!.mode === "live") {
      const period = laterOf(this.floor, periodOf(nowMs));
      const first = this.events.filter((event) => event.period === period && this.#isTiered(event)).length;
      const { tiers } = this.plan(nowMs);
      const places = this.open().length + this.held(nowMs) + 1;
      const own = Array.from({ length: places }, (_, index) => priceOf(tiers, first + index + 1));
      const others = this.open()
        .filter((lookup) => JSON.stringify(lookup.tiers) !== JSON.stringify(tiers))
        .map((lookup) => dearestOf(lookup.tiers));
      const open = this.open().filter((lookup) => lookup.keyId === keyId).length;
      if (this.spent(period, keyId) + (open + 1) * Math.max(...own, ...others) > monthlySpendCapMicros) return false;
    }
    if (ratePerSecond === undefined) return true;
    const burst = Math.max(Math.ceil(ratePerSecond), 1);
    return level(this.#keyBucket(keyId), ratePerSecond, nowMs) + 1 <= burst + 1e-6;
  }

  #take(call: AdmitCall, options: { nowMs: number; ttlMs: number; isEarly: boolean; isRefused: boolean }): void {
    const { nowMs, ttlMs, isEarly, isRefused } = options;
    const plan = this.plan(nowMs);
    if (!isRefused) {
      if (isEarly) {
        const index = this.places.findIndex((place) => place.keyId === call.keyId && place.heldUntilMs > nowMs);
        if (index === -1) {
          this.#limits.extra += 1;
          this.#lateEver += 1;
        } else this.places.splice(index, 1);
      }
      this.places = this.places.filter(({ heldUntilMs }) => heldUntilMs > nowMs);
      overdraw(this.#planned(this.lookupBucket, nowMs), plan.ratePerSecond, nowMs);
      const keyRate = this.terms!.keys.find(({ keyId }) => keyId === call.keyId)?.limits?.ratePerSecond;
      if (keyRate !== undefined) overdraw(this.#keyBucket(call.keyId), keyRate, nowMs);
    }
    this.lookups.set(call.lookupId, {
      id: call.lookupId,
      keyId: call.keyId,
      admittedAtMs: nowMs,
      endsAtMs: nowMs + ttlMs,
      day: saoPauloDate(nowMs),
      tiers: plan.tiers,
      idempotency: call.idempotency,
      isRefused,
      outcome: null,
      isAnswerKept: false,
    });
  }

  #policy({ keyId, policyVersion }: AdmitCall, earlyCalls: number | null): EarlyCallPolicy | null {
    const { version, requires = [], restricted = [], keys } = this.terms!;
    if ((earlyCalls ?? 0) === 0 || policyVersion === version) return null;
    const hasPurpose = keys.find((key) => key.keyId === keyId)?.defaults?.purpose !== undefined;
    return { requires: requires.filter((field) => field !== "purpose" || !hasPurpose), restricted };
  }

  #grant(call: AdmitCall, count: number | null, nowMs: number): void {
    if (count === null || count === 0) return;
    const key = this.terms!.keys.find(({ keyId }) => keyId === call.keyId);
    expect(call.policyVersion, "nothing is granted to code that keeps to no policy").not.toBeUndefined();
    expect(key?.allowedIps, "nothing is granted to a key with addresses").toEqual([]);
    expect(key?.limits ?? null, "nor to one with limits of its own").toBeNull();
    expect(count).toBeLessThanOrEqual(call.earlyCallsAsked ?? 0);
    const endsAtMs = Math.ceil((nowMs + 2750) / 250) * 250;
    const place = { keyId: call.keyId, endsAtMs, heldUntilMs: endsAtMs - 2750 + 45_000 };
    const after = this.places.findLastIndex((each) => each.keyId === call.keyId && each.endsAtMs === endsAtMs);
    const at = after === -1 ? this.places.length : after + 1;
    this.places.splice(at, 0, ...Array.from({ length: count }, () => place));
  }

  #add({ nowMs, ...event }: Omit<Event, "seq" | "period"> & { nowMs: number }): Event {
    this.floor = laterOf(this.floor, periodOf(nowMs));
    const added = { ...event, seq: this.events.length + 1, period: this.floor };
    this.events.push(added);
    return added;
  }

  #expectCharge(reply: SettleReply, { seq, micros }: Event): void {
    const charge = { billed: micros > 0, unitPriceMicros: micros, amountMicros: micros };
    expect(reply).toMatchObject({ kind: "settled", seq, charge });
  }

  #hasPlace(keyId: string, nowMs: number): boolean {
    return this.places.some((place) => place.keyId === keyId && place.heldUntilMs > nowMs);
  }

  #keyBucket(keyId: string): Bucket {
    const bucket = this.#keyBuckets.get(keyId) ?? { missing: 0, atMs: 0 };
    this.#keyBuckets.set(keyId, bucket);
    return bucket;
  }

  #lookupsOfDay(keyId: string, day: string): number {
    const ofDay = [...this.lookups.values()].filter((lookup) => lookup.keyId === keyId && lookup.day === day);
    return ofDay.filter(({ outcome, isRefused }) => outcome !== "failed" && !isRefused).length;
  }

  #isTiered({ units, outcome }: Event): boolean {
    return outcome !== null && units > 0;
  }

  #dearest(plan: Plan): number {
    return Math.max(dearestOf(plan.tiers), ...this.open().map(({ tiers }) => dearestOf(tiers)));
  }
}

function checkDays(rows: readonly EventRow[]): void {
  const sums = countEvents(rows, { dayOf: ({ day }) => day ?? "", find: () => undefined });
  const total = { lookups: 0, amount: 0, hours: 0, keys: 0, timed: 0, claroMs: 0, admissions: 0, admitMs: 0 };
  for (const { counts, amountMicros, adjustmentMicros, hours, keys, claroMs, ...timings } of sums) {
    const { claroMsTotal = 0, admitMs = [], admitMsTotal = 0 } = timings;
    expect(claroMs).toHaveLength(CLARO_MS_BOUNDS.length + 1);
    expect(admitMs).toHaveLength(ADMIT_MS_BOUNDS.length + 1);
    total.lookups += counts.reduce((left, right) => left + right);
    total.amount += amountMicros + adjustmentMicros;
    for (const each of Object.values(hours)) total.hours += each.reduce((left, right) => left + right);
    for (const each of Object.values(keys)) total.keys += each.amountMicros;
    total.timed += claroMs.reduce((left, right) => left + right);
    total.claroMs += claroMsTotal;
    total.admissions += admitMs.reduce((left, right) => left + right);
    total.admitMs += admitMsTotal;
  }
  const lookups = rows.filter(({ kind }) => kind === "lookup");
  expect(total).toEqual({
    lookups: lookups.length,
    amount: rows.reduce((sum, row) => sum + row.amount_micros, 0),
    hours: lookups.length,
    keys: lookups.reduce((sum, row) => sum + row.amount_micros, 0),
    timed: lookups.filter((row) => row.claro_ms !== null).length,
    claroMs: lookups.reduce((sum, row) => sum + (row.claro_ms ?? 0), 0),
    admissions: lookups.filter((row) => row.admit_ms !== null).length,
    admitMs: lookups.reduce((sum, row) => sum + (row.admit_ms ?? 0), 0),
  });
}

function describeAdmission(reply: AdmitReply): string {
  if (reply.kind === "refused") return `refused ${reply.failure.code}`;
  return reply.kind === "not_ready" ? `not_ready ${reply.reason}` : reply.kind;
}

function identities(request: KeyedRequest | null): { keyHash: string; requestHash: string }[] {
  return request === null ? [] : [request, ...(request.former ?? [])];
}

function priceOf(tiers: readonly PriceTier[], place: number): number {
  return tiers.find(({ upTo }) => upTo === null || upTo >= place)!.unitPriceMicros;
}

function dearestOf(tiers: readonly PriceTier[]): number {
  return Math.max(...tiers.map(({ unitPriceMicros }) => unitPriceMicros));
}

function isPaid({ unitPriceMicros }: PriceTier): boolean {
  return unitPriceMicros > 0;
}

function laterOf(left: string, right: string): string {
  return left > right ? left : right;
}

function level({ missing, atMs }: Bucket, rate: number, nowMs: number): number {
  return Math.max(missing - (Math.max(nowMs - atMs, 0) * rate) / 1000, 0);
}

function refill(bucket: Bucket, rate: number, nowMs: number): void {
  bucket.missing = level(bucket, rate, nowMs);
  bucket.atMs = nowMs;
}

function overdraw(bucket: Bucket, rate: number, nowMs: number): void {
  refill(bucket, rate, nowMs);
  bucket.missing += 1;
}

function take(
  bucket: Bucket,
  { rate, burst }: { rate: number; burst: number },
  nowMs: number,
): "allowed" | "rate_limited" {
  if (level(bucket, rate, nowMs) + 1 > burst + 1e-6) return "rate_limited";
  overdraw(bucket, rate, nowMs);
  return "allowed";
}
