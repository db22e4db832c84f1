/* oxlint-disable vitest/no-standalone-expect -- what a test calls, many times */
import { expect } from "vitest";
import type { EventRow } from "../../../src/domain/event_row.ts";
import { apply } from "../../../src/domain/ledger/apply.ts";
import type { AdmitCall, Command, Facts, KeyedRequest, Replies } from "../../../src/domain/ledger/commands.ts";
import { decide } from "../../../src/domain/ledger/decide.ts";
import type { Entry } from "../../../src/domain/ledger/entries.ts";
import { believedNowMs } from "../../../src/domain/ledger/event_time.ts";
import { overdueLookups } from "../../../src/domain/ledger/settle.ts";
import { countRecorded } from "../../../src/domain/ledger/past.ts";
import { noPast, restoreState } from "../../../src/domain/ledger/restore.ts";
import {
  emptyState,
  notReady,
  parseState,
  serializeState,
  type LedgerState,
} from "../../../src/domain/ledger/state.ts";
import type { LedgerKey, LedgerTerms } from "../../../src/domain/ledger/terms.ts";
import { GRANT_MS, intentTtlMs } from "../../../src/domain/ledger/times.ts";
import { OUTCOMES } from "../../../src/domain/meter_event.ts";
import { periodOf, previousPeriod } from "../../../src/domain/period.ts";
import type { Plan } from "../../../src/domain/plan.ts";
import { Model } from "./model.ts";

const TTL_MS = intentTtlMs(10_000);
const HOUR_MS = 3_600_000;
const STEPS_A_RUN = 200;
const STEPS_A_CHECK = 50;

/** A generator of numbers that a seed repeats (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Runs random operations, as many ledgers as it takes, and says where the first one differs from its model. */
export function runModel(seed: number, operations: number): void {
  for (let done = 0; done < operations; done += STEPS_A_RUN) {
    const run = new Run(randomOf(seed + done));
    for (let step = 0; step < STEPS_A_RUN; step += 1) {
      try {
        run.step();
        if (step % STEPS_A_CHECK === STEPS_A_CHECK - 1) run.check();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`MODEL_SEED=${seed}: operation ${done + step}, ${run.last}: ${message}`, { cause: error });
      }
    }
  }
}

/** What a restore has to get right. */
function shownOf(state: Readonly<LedgerState>) {
  const { period, tieredInPeriod, spentInPeriodMicros } = state;
  const named = new Set(state.terms?.keys.map(({ keyId }) => keyId));
  const spent = [...state.keys]
    .filter(([keyId, counts]) => named.has(keyId) && counts.period === period && counts.spentMicros !== 0)
    .map(([keyId, { spentMicros }]) => [keyId, spentMicros] as const);
  return { period, tieredInPeriod, spentInPeriodMicros, spent: Object.fromEntries(spent), ...unpriced(state) };
}

function unpriced({ lastSeq, allowanceUsed, open, openKeys, keys }: Readonly<LedgerState>) {
  const openByKey = [...keys].flatMap(([keyId, counts]) => (counts.open === 0 ? [] : [[keyId, counts.open] as const]));
  return {
    lastSeq,
    allowanceUsed,
    open: [...open.keys()],
    openKeys: [...openKeys],
    openByKey: Object.fromEntries(openByKey),
  };
}

/** One ledger, its rows and its model. Calls come late, twice and in any order; clocks jump; the object is evicted. */
class Run {
  readonly #random: () => number;
  readonly #model = new Model();
  #state = emptyState();
  #checkpoint = serializeState(this.#state);
  #tail: string[] = [];
  readonly #journal: string[] = [];
  readonly #stored: EventRow[] = [];
  #now = Date.parse("2026-11-30T23:58:00.000-03:00");
  #lag = 0;
  #ids = 0;
  readonly #streams = new Map<string, number>();
  #version = 0;
  readonly #admits: AdmitCall[] = [];
  last = "";

  constructor(random: () => number) {
    this.#random = random;
  }

  step(): void {
    this.#passTime();
    const nowMs = this.#believed();
    this.#expire(nowMs);
    if (this.#model.terms === null || this.#chance(0.02)) this.#configure(nowMs);
    else this.#call(nowMs);
    this.#model.checkLimits(nowMs);
    if (this.#state.waiting.size >= 20) this.#cut();
    if (this.#chance(0.02)) this.#evict();
  }

  check(): void {
    this.#model.check(this.#state, this.#stored);
    const replayed = emptyState();
    for (const text of this.#journal) apply(replayed, JSON.parse(text) as Entry);
    expect(serializeState(replayed), "the journal gives the same state").toBe(serializeState(this.#state));
    this.#checkRestored();
  }

  /** Put back from its events, of which some are recorded and the others its own, a ledger is what it was. */
  #checkRestored(): void {
    const events = [...this.#stored, ...this.#state.waiting.values()];
    const find = (id: string) => events.find((event) => event.id === id);
    const { period } = this.#state;
    const splits = [
      { count: events.length, lastClosed: period === null ? null : previousPeriod(period) },
      { count: this.#below(events.length + 1), lastClosed: null },
    ];
    for (const { count, lastClosed } of splits) {
      const past = noPast();
      const recorded = events.slice(0, count);
      for (const event of recorded)
        countRecorded(past, event, event.corrects === null ? undefined : find(event.corrects));
      const ids = new Set(recorded.map(({ id }) => id));
      const ownEvents = events.slice(count);
      const own = { ...this.#state, stopped: "diverged" } as const;
      const { state } = restoreState(own, { past, lastClosed, isRecorded: (id) => ids.has(id), ownEvents, find });
      expect(notReady(state), "it serves").toBeNull();
      expect(shownOf(state), `restored from ${count} of ${events.length} events`).toEqual(
        // No event has fallen into a month that a close alone has begun.
        state.period === period ? shownOf(this.#state) : { ...shownOf(state), ...unpriced(this.#state) },
      );
    }
  }

  #call(nowMs: number): void {
    const kind = this.#random();
    if (kind < 0.45) this.#admit(nowMs);
    else if (kind < 0.82) this.#settle(nowMs);
    else if (kind < 0.88) this.#putRight(nowMs);
    else if (kind < 0.91) this.#adjust(nowMs);
    else if (kind < 0.96) this.#authorize(nowMs);
    else if (kind < 0.97) this.#holdStream(nowMs);
    else if (kind < 0.99) this.#close(nowMs);
    else this.#revokeNow(nowMs);
  }

  #configure(nowMs: number): void {
    const own = this.#model.terms;
    if (own !== null && this.#chance(0.3)) {
      const older = { ...own, version: own.version - 1 };
      expect(this.#run({ kind: "configure", terms: older }, nowMs).kind, "older terms").toBe("stale");
      const other = { ...own, customerId: `${own.customerId}x` };
      expect(this.#run({ kind: "configure", terms: other }, nowMs).kind, "others of one version").toBe("stale");
      return;
    }
    const terms = this.#terms();
    const reply = this.#run({ kind: "configure", terms }, nowMs);
    expect(reply.kind).toBe("configured");
    this.#model.configure(terms, nowMs);
    if (reply.kind === "configured") this.#expectWait(reply.waitMs, nowMs, own?.status !== terms.status);
    const again = this.#run({ kind: "configure", terms: this.#model.terms! }, nowMs);
    if (again.kind === "configured" && reply.kind === "configured") expect(again.waitMs).toBe(reply.waitMs);
  }

  #terms(): LedgerTerms {
    const own = this.#model.terms;
    this.#version += 1 + this.#below(2);
    const key = (keyId: string, changes: Partial<LedgerKey>): LedgerKey => ({
      keyId,
      scopes: ["scores:read"],
      expiresAtMs: null,
      revokedAtMs: this.#chance(0.02) ? this.#now : null,
      allowedIps: [],
      ...changes,
    });
    const limits = { dailyLookups: 20, monthlySpendCapMicros: 4_000_000, ratePerSecond: 2 };
    const defaults = this.#chance(0.5) ? { purpose: "credit_review" as const } : null;
    const keys = [key("key_a", {}), key("key_b", { defaults }), key("key_c", { limits })];
    const next = this.#chance(0.2) ? { plan: this.#plan(), fromMs: this.#now + this.#below(120_000) } : null;
    return {
      tenantId: "ten_model",
      mode: own?.mode ?? (this.#chance(0.1) ? "test" : "live"),
      version: this.#version,
      status: this.#chance(0.1) ? "suspended" : "active",
      customerId: "customer",
      plan: this.#plan(),
      nextPlan: next,
      keys,
      requires: this.#chance(0.1) ? ["purpose"] : [],
      restricted: ["person_0", "person_1", "person_2"],
      restrictedUntil: { person_1: this.#now + this.#below(200_000) },
    };
  }

  #plan(): Plan {
    const tiers = this.#pick([
      [{ upTo: null, unitPriceMicros: 150_000 }],
      [
        { upTo: 10, unitPriceMicros: 300_000 },
        { upTo: null, unitPriceMicros: 100_000 },
      ],
      [{ upTo: null, unitPriceMicros: 0 }],
    ]);
    return {
      name: "pay-per-use",
      allowance: this.#chance(0.5) ? { requests: 20 + this.#below(300), endsAt: null } : null,
      tiers,
      ratePerSecond: this.#pick([0.5, 2, 20]),
      burst: this.#pick([4, 20, 40]),
      monthlySpendCapMicros: this.#chance(0.4) ? this.#below(80) * 1_000_000 : null,
    };
  }

  #admit(nowMs: number): void {
    const repeated = this.#chance(0.1) ? this.#pick(this.#admits) : undefined;
    const isSent = this.#model.places.length > 0 ? this.#chance(0.4) : this.#chance(0.01);
    const keyId = isSent ? (this.#model.places[0]?.keyId ?? "key_a") : this.#pick(["key_a", "key_a", "key_b", "key_c"]);
    const call: AdmitCall = repeated ?? {
      keyId,
      scope: "scores:read",
      ip: null,
      lookupId: `lkp_${++this.#ids}`,
      reference: null,
      cpfReference: "cpf",
      subject: `person_${this.#below(50)}`,
      idempotency: isSent || this.#chance(0.6) ? null : this.#request(),
      purpose: this.#chance(0.5) ? "credit" : null,
      // Code of before says nothing of a policy; others have none, an old one, or this one.
      ...(this.#chance(0.1) ? {} : { policyVersion: this.#pick([null, this.#version - 1, this.#version]) }),
      isSent,
      earlyCallsAsked: this.#below(8),
    };
    this.#admits.push(call);
    const facts = { event: this.#factsOf(call.lookupId), idempotency: this.#remembered(call.idempotency) };
    const reply = this.#run({ kind: "admit", call }, nowMs, facts);
    this.#model.admit(call, reply, { nowMs, ttlMs: TTL_MS });
  }

  #request(): KeyedRequest {
    const name = this.#below(15);
    const requestHash = this.#chance(0.9) ? "a" : "b";
    const former = [{ keyHash: `old_${name}`, requestHash: `old_${requestHash}` }];
    return { keyHash: `new_${name}`, requestHash, ...(this.#chance(0.3) ? { former } : {}) };
  }

  #settle(nowMs: number): void {
    const open = [...this.#state.open.keys()];
    const lookupId = open.length > 0 && this.#chance(0.85) ? this.#pick(open) : `lkp_${1 + this.#below(this.#ids + 2)}`;
    const outcome = this.#chance(0.6) ? "delivered" : this.#pick(OUTCOMES);
    const answer = this.#chance(0.7) ? new Uint8Array([1]) : null;
    const within = this.#chance(0.3) ? { withinMs: this.#below(20_000) } : {};
    const claroMs = this.#chance(0.8) ? this.#below(12_000) : null;
    const call = { lookupId, outcome, transactionId: null, answer, claroMs, ...within };
    const reply = this.#run({ kind: "settle", call }, nowMs, { event: this.#factsOf(lookupId) });
    this.#model.settle(call, reply, { nowMs, ttlMs: TTL_MS });
  }

  #putRight(nowMs: number): void {
    const lookupId = `lkp_${1 + this.#below(this.#ids + 3)}`;
    this.#ids += 3;
    const known = this.#admits.findLast((call) => call.lookupId === lookupId);
    const sent: AdmitCall = known ?? {
      keyId: "key_a",
      scope: "scores:read",
      ip: null,
      lookupId,
      reference: null,
      cpfReference: "cpf",
      idempotency: null,
      isSent: true,
    };
    const idempotency = known?.idempotency ?? null;
    const outcome = this.#pick(["failed", "unknown"] as const);
    const call = { lookupId, sent: this.#chance(0.5) ? sent : null, idempotency, outcome, transactionId: null };
    const remembered = this.#remembered(idempotency);
    const adjusted = this.#model.adjustments.get(`${lookupId}_withdrawn`);
    const facts = {
      event: this.#factsOf(lookupId),
      idempotency: remembered,
      adjustment: adjusted === undefined ? undefined : { seq: adjusted, occurredAtMs: 0 },
    };
    const reply = this.#run({ kind: "put_right", call }, nowMs, facts);
    if (reply.kind !== "put_right") return;
    const isKept = (remembered?.remembered.answer ?? null) !== null;
    this.#model.putRight(call, { nowMs, ttlMs: TTL_MS, isKept });
  }

  #adjust(nowMs: number): void {
    const id = `adj_${this.#below(20)}`;
    const call = { id, units: 0, amountMicros: this.#below(9) - 4, reason: "agreed", corrects: null };
    const seq = this.#model.adjustments.get(id);
    const adjustment = seq === undefined ? undefined : { seq, occurredAtMs: 0 };
    const reply = this.#run({ kind: "adjust", call }, nowMs, { adjustment });
    if (!("kind" in reply)) this.#model.adjust(call, reply.seq, nowMs);
  }

  #authorize(nowMs: number): void {
    const kind = this.#pick(["read", "token"] as const);
    const call = { keyId: "key_a", scope: "scores:read", ip: null, kind } as const;
    const reply = this.#run({ kind: "authorize", call }, nowMs);
    const { status, keys } = this.#model.terms!;
    const isRefused = status === "suspended" || keys.some((key) => key.keyId === "key_a" && key.revokedAtMs !== null);
    if (isRefused) expect(reply.kind).toBe("refused");
    else expect(reply.kind).toBe(this.#model.access(kind, nowMs) === "allowed" ? "allowed" : "refused");
  }

  /** Two streams at a time, each as long as its lease; whatever became of the object in between. */
  #holdStream(nowMs: number): void {
    const call = { id: this.#pick(["a", "b", "c", "d"]), leaseMs: this.#pick([0, 5000, 60_000]) };
    const reply = this.#run({ kind: "hold_stream", call }, nowMs);
    const isEnded = (endMs: number) => endMs <= nowMs || endMs - nowMs > 60_000;
    const others = [...this.#streams].filter(([id, endMs]) => id !== call.id && !isEnded(endMs));
    const mayBegin = others.length < 2;
    const isChange = call.leaseMs === 0 ? this.#streams.has(call.id) : mayBegin;
    // What changes nothing forgets nothing: after a clock that jumped ahead and back, an ended lease goes on.
    if (isChange) for (const [id, endMs] of this.#streams) if (isEnded(endMs)) this.#streams.delete(id);
    if (call.leaseMs === 0) this.#streams.delete(call.id);
    else if (mayBegin) this.#streams.set(call.id, nowMs + call.leaseMs);
    expect(reply.isHeld, "a stream of files").toBe(call.leaseMs > 0 && mayBegin);
  }

  #close(nowMs: number): void {
    const ended = previousPeriod(periodOf(this.#now));
    this.#run({ kind: "close", period: ended }, nowMs);
    const next = periodOf(this.#now);
    if (this.#model.floor < next) this.#model.floor = next;
  }

  #revokeNow(nowMs: number): void {
    const keyId = this.#pick(["key_b", "key_c", "key_none"]);
    const reply = this.#run({ kind: "revoke_now", keyId }, nowMs);
    if (keyId === "key_none") expect(reply).toBeNull();
    else
      this.#expectWait(
        reply!.waitMs,
        nowMs,
        this.#model.terms!.keys.some((key) => key.keyId === keyId && key.revokedAtMs === null),
      );
    const keys = this.#model.terms!.keys.map((key) =>
      key.keyId === keyId ? { ...key, revokedAtMs: key.revokedAtMs ?? nowMs } : key,
    );
    this.#model.terms = { ...this.#model.terms!, keys };
  }

  // For as long as an early call may still leave on a place that nobody has used, and never for longer than a grant lives.
  #expectWait(waitMs: number, nowMs: number, isBroken: boolean): void {
    expect(waitMs).toBeLessThanOrEqual(GRANT_MS);
    const lastMs = Math.max(0, ...this.#model.places.map(({ endsAtMs }) => endsAtMs));
    if (isBroken)
      expect(waitMs, "a change waits for grants").toBeGreaterThanOrEqual(Math.min(lastMs - nowMs, GRANT_MS));
  }

  #run<Kind extends Command["kind"]>(
    command: Extract<Command, { kind: Kind }>,
    nowMs: number,
    facts: Partial<Facts> = {},
  ): Replies[Kind] {
    this.last = JSON.stringify(command).slice(0, 200);
    const { entries, reply } = decide(this.#state, command, { intentTtlMs: TTL_MS, ...facts }, nowMs);
    for (const entry of entries) this.#take(entry);
    return reply;
  }

  #take(entry: Entry): void {
    const text = JSON.stringify(entry);
    apply(this.#state, entry);
    this.#journal.push(text);
    this.#tail.push(text);
  }

  #expire(nowMs: number): void {
    for (const lookupId of overdueLookups(this.#state, nowMs)) {
      this.#run({ kind: "expire", lookupId }, nowMs);
      this.#model.expire(lookupId, nowMs);
    }
  }

  #factsOf(id: string): EventRow | undefined {
    if (this.#state.open.has(id)) return undefined;
    return this.#state.waiting.get(id) ?? this.#stored.find((row) => row.id === id);
  }

  /** What the rows of ended keys would say, from the model's own list. */
  #remembered(request: KeyedRequest | null): Facts["idempotency"] {
    for (const identity of request === null ? [] : [request, ...(request.former ?? [])]) {
      for (const lookup of [...this.#model.lookups.values()].toReversed()) {
        const { outcome, idempotency } = lookup;
        if (outcome === null || outcome === "failed" || idempotency === null) continue;
        const kept = [idempotency, ...(idempotency.former ?? [])].find(({ keyHash }) => keyHash === identity.keyHash);
        if (kept === undefined) continue;
        const answer = lookup.isAnswerKept ? new Uint8Array([1]) : null;
        const { requestHash } = kept;
        const createdAtMs = lookup.admittedAtMs;
        const unitPriceMicros = this.#model.event(lookup.id).micros;
        return {
          remembered: { requestHash, createdAtMs, answer, unitPriceMicros, isErased: false },
          requestHash: identity.requestHash,
        };
      }
    }
    return undefined;
  }

  #cut(): void {
    const [first] = this.#state.waiting.values();
    const events = [...this.#state.waiting.values()].filter(({ period }) => period === first?.period);
    this.#stored.push(...events);
    this.#take({ type: "cut", v: 1, throughSeq: events.at(-1)!.seq });
    this.#checkpoint = serializeState(this.#state);
    this.#tail = [];
  }

  #evict(): void {
    const before = serializeState(this.#state);
    this.#state = parseState(this.#checkpoint);
    for (const text of this.#tail) apply(this.#state, JSON.parse(text) as Entry);
    expect(serializeState(this.#state), "checkpoint and tail give the state").toBe(before);
  }

  #passTime(): void {
    const kind = this.#random();
    if (kind < 0.9) this.#now += this.#below(100);
    else if (kind < 0.97) this.#now += this.#below(3000);
    else if (kind < 0.995) this.#now += this.#below(60_000);
    else this.#now += this.#below(72) * HOUR_MS;
    if (this.#chance(0.003)) this.#lag = this.#chance(0.5) ? 0 : this.#below(3 * HOUR_MS);
  }

  // One of the two clocks may be a year ahead for one reading; the object's may be hours behind for a while.
  #believed(): number {
    const jump = this.#chance(0.01) ? 365 * 24 * HOUR_MS : 0;
    const isObject = this.#chance(0.5);
    const object = this.#now - this.#lag + (isObject ? jump : 0);
    return believedNowMs(object, this.#now + (isObject ? 0 : jump));
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<Value>(values: readonly Value[]): Value {
    return values[this.#below(values.length)]!;
  }
}
