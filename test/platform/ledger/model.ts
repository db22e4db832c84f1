import type { PriceTier } from "../../../src/domain/plan.ts";

/**
 * What a ledger should do, told a second time and as simply as possible: lists and sums that are made anew at each
 * question, no tables, no flushes, no evictions. Rules are those of the contract, with the clock as an argument.
 */
export const TTL_MS = 14_000;
const HOUR_MS = 3_600_000;
const ANSWER_MS = 24 * HOUR_MS;
const KEY_MS = 35 * 24 * HOUR_MS;

export type Outcome = "delivered" | "not_found" | "rejected" | "failed" | "unknown";

export type ModelEvent = {
  readonly seq: number;
  readonly id: string;
  readonly occurredAtMs: number;
  readonly outcome: Outcome | null;
  readonly billed: boolean;
  readonly amountMicros: number;
  readonly corrects: string | null;
  readonly hasKey: boolean;
};

type Intent = {
  readonly id: string;
  readonly admittedAtMs: number;
  readonly tiers: readonly PriceTier[];
  key: string | null;
};
type Key = {
  readonly request: string;
  readonly createdAtMs: number;
  state: "running" | "ended";
  answer: string | null;
};

export class LedgerModel {
  readonly events: ModelEvent[] = [];
  readonly open: Intent[] = [];
  readonly #keys = new Map<string, Key>();
  tiers: readonly PriceTier[] = [];
  allowance: number | null = null;
  readonly revoked = new Set<string>();

  /** `admitted`, `replay:<answer>`, or a failure's code. */
  admit(
    call: { id: string; keyId: string; key: string | null; request: string; refuseNew: boolean },
    nowMs: number,
  ): string {
    this.#expire(nowMs);
    // Its lookup is over, and nobody waits for this call any more.
    if (this.events.some(({ id }) => id === call.id)) return "ledger_unavailable";
    if (this.revoked.has(call.keyId)) return "revoked_api_key";
    if (this.open.some(({ id }) => id === call.id)) return "admitted";
    if (call.key !== null) {
      const word = this.#remembered(call.key, call.request, nowMs);
      if (word !== null) return word;
    }
    if (call.refuseNew) return "claro_unreachable";
    if (this.allowance !== null && this.used() >= this.allowance) return "quota_exceeded";
    this.open.push({ id: call.id, admittedAtMs: nowMs, tiers: this.tiers, key: call.key });
    if (call.key !== null) {
      this.#keys.set(call.key, { request: call.request, createdAtMs: nowMs, state: "running", answer: null });
    }
    return "admitted";
  }

  /** `settled:<seq>`, `ended:<outcome>`, or `no_intent`. */
  settle(call: { id: string; outcome: Outcome; answer: string | null; withinMs: number }, nowMs: number): string {
    this.#expire(nowMs);
    const intent = this.open.find(({ id }) => id === call.id);
    if (intent !== undefined) {
      const isLate = call.outcome === "delivered" && nowMs - intent.admittedAtMs > call.withinMs;
      this.#end(intent, isLate ? { ...call, outcome: "unknown", answer: null } : call, nowMs);
      return isLate ? "ended:unknown" : `settled:${this.events.length}`;
    }
    const event = this.events.find(({ id }) => id === call.id);
    if (event === undefined) return "no_intent";
    return event.outcome === call.outcome ? `settled:${event.seq}` : `ended:${event.outcome}`;
  }

  /** Whether an alarm that came at `latestMs` has erased the answer, if one came. */
  mayBeErased(key: string, latestMs: number): boolean {
    return latestMs - (this.#keys.get(key)?.createdAtMs ?? latestMs) >= ANSWER_MS;
  }

  withdraw(id: string, nowMs: number): void {
    const intent = this.open.find((one) => one.id === id);
    if (intent !== undefined) return this.#end(intent, { outcome: "unknown", answer: null }, nowMs);
    const event = this.events.find((one) => one.id === id);
    const correctionId = `${id}_withdrawn`;
    if (event === undefined || !event.billed || event.hasKey) return;
    if (this.events.some((one) => one.id === correctionId)) return;
    this.#push(
      { id: correctionId, outcome: null, billed: true, amountMicros: 0 - event.amountMicros, corrects: id },
      nowMs,
    );
  }

  /** Any call of the ledger that looks at the time ends what is overdue. */
  touch(nowMs: number): void {
    this.#expire(nowMs);
  }

  used(): number {
    return this.open.length + this.events.filter(({ outcome }) => outcome !== null && outcome !== "failed").length;
  }

  count(outcome: Outcome): number {
    return this.events.filter((event) => event.outcome === outcome).length;
  }

  /** Of lookups. */
  amountMicros(): number {
    return this.events.reduce((sum, event) => sum + (event.outcome === null ? 0 : event.amountMicros), 0);
  }

  #remembered(key: string, request: string, nowMs: number): string | null {
    const known = this.#keys.get(key);
    if (known === undefined || nowMs - known.createdAtMs >= KEY_MS) return null;
    if (known.request !== request) return "idempotency_mismatch";
    if (known.state === "running") return "idempotency_in_progress";
    if (nowMs - known.createdAtMs >= ANSWER_MS) return "idempotency_expired";
    return `replay:${known.answer ?? ""}`;
  }

  #expire(nowMs: number): void {
    for (;;) {
      const [oldest] = this.open;
      if (oldest === undefined) return;
      const ageMs = nowMs - oldest.admittedAtMs;
      if (ageMs < TTL_MS && ageMs > -HOUR_MS) return;
      this.#end(oldest, { outcome: "unknown", answer: null }, nowMs);
    }
  }

  #end(intent: Intent, end: { outcome: Outcome; answer: string | null }, nowMs: number): void {
    this.open.splice(this.open.indexOf(intent), 1);
    const billed = end.outcome === "delivered";
    const hasKey = intent.key !== null;
    const amountMicros = billed ? this.#price(intent.tiers, nowMs) : 0;
    this.#push({ id: intent.id, outcome: end.outcome, billed, amountMicros, corrects: null, hasKey }, nowMs);
    const known = intent.key === null ? undefined : this.#keys.get(intent.key);
    if (intent.key === null || known === undefined) return;
    if (end.outcome === "failed") this.#keys.delete(intent.key);
    else Object.assign(known, { state: "ended", answer: end.answer });
  }

  #price(tiers: readonly PriceTier[], nowMs: number): number {
    const month = monthOf(this.#occursAt(nowMs));
    const before = this.events.filter(
      (event) => event.outcome === "delivered" && monthOf(event.occurredAtMs) === month,
    );
    const tier = tiers.find(({ upTo }) => upTo === null || before.length + 1 <= upTo);
    return tier?.unitPriceMicros ?? 0;
  }

  #push(event: Omit<ModelEvent, "seq" | "occurredAtMs" | "hasKey"> & { hasKey?: boolean }, nowMs: number): void {
    const seq = this.events.length + 1;
    this.events.push({ hasKey: false, ...event, seq, occurredAtMs: this.#occursAt(nowMs) });
  }

  // Never in a month before the last event's.
  #occursAt(nowMs: number): number {
    const last = this.events.at(-1);
    return last === undefined ? nowMs : Math.max(nowMs, startOfMonth(last.occurredAtMs));
  }
}

/** São Paulo has been three hours behind UTC, all year, since 2019. */
const OFFSET_MS = -3 * HOUR_MS;

function monthOf(ms: number): string {
  return new Date(ms + OFFSET_MS).toISOString().slice(0, 7);
}

function startOfMonth(ms: number): number {
  return Date.parse(`${monthOf(ms)}-01T00:00:00Z`) - OFFSET_MS;
}
