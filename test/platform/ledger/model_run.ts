import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { seededRandom } from "../../../src/ctl/sandbox/seeded_random.ts";
import type {
  AdmitCall,
  AdmitReply,
  LookupCall,
  LookupReply,
  SettleReply,
} from "../../../src/platform/ledger/messages.ts";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import type { Remote } from "../../../src/platform/remote.ts";
import { copiedRows, emptyCopy, recopyAll } from "./event_copy.ts";
import { withD1, type D1Mood } from "./faulty_database.ts";
import { ledgerTerms } from "./ledger_terms.ts";
import { LedgerModel, TTL_MS, type Outcome } from "./model.ts";

const START_MS = Date.parse("2027-03-28T12:00:00Z");
const KEY_IDS = ["csg_live_first00000", "csg_live_second0000"];
const OUTCOMES: readonly Outcome[] = ["delivered", "delivered", "not_found", "rejected", "failed", "unknown"];

/** A call for the object, which the model has answered already, and the comparison of the two. */
type Asked = { readonly call: LookupCall; readonly compare: (reply: LookupReply) => void };

/** One ledger object and its model, driven by the same draws. */
export class ModelRun {
  readonly #model = new LedgerModel();
  readonly #random: () => number;
  readonly #tenantId: string;
  readonly #ended: string[] = [];
  #nowMs = START_MS;
  /** The clock jumps back, too: what was dropped before it did stays dropped. */
  #latestMs = START_MS;
  #version = 0;
  #lookups = 0;
  #trail: string[] = [];

  constructor(runSeed: number) {
    vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
    this.#random = seededRandom(runSeed);
    this.#tenantId = `model_${runSeed}`;
    this.#model.tiers = this.#someTiers();
  }

  // A new one each time: what happened to the object may have broken the last.
  get #ledger() {
    return env.TENANT_LEDGER.getByName(`${this.#tenantId}:live`);
  }

  async step(): Promise<void> {
    const draw = this.#random() * 100;
    if (draw < 66) await this.#askForLookups();
    else if (draw < 72) this.#passTime();
    else if (draw < 78) await this.#alarm();
    else if (draw < 81) await this.#flush();
    else if (draw < 84) await this.#evict();
    else if (draw < 86) await this.#abort();
    else if (draw < 90) await this.#change();
    else if (draw < 93) await this.#withdraw();
    else if (draw < 98) await this.#compareUsage();
    else if (draw < 99) await this.#compareCopy();
    else await this.#loseCopy();
  }

  async configure(version = ++this.#version): Promise<void> {
    const { tiers, allowance, revoked } = this.#model;
    const terms = ledgerTerms({ tenantId: this.#tenantId, version, tiers, allowance, keyIds: KEY_IDS, revoked });
    await this.#ledger.configure(terms);
  }

  /** Everything ends, everything is flushed, and all three agree. */
  async finish(): Promise<void> {
    this.#setTime(this.#nowMs + TTL_MS);
    this.#model.touch(this.#nowMs);
    agree((await this.#ledger.flush()).kind, "flushed", this.#story());
    await this.#compareUsage();
    await this.#compareCopy();
    agree((await copiedRows(this.#tenantId)).length, this.#model.events.length, this.#story());
    await this.#loseCopy();
    agree(this.#model.events.length > 100, true, "more than a hundred events, or the run shows nothing");
  }

  /** What lookups ask, alone or several on one trip: each is answered as if it had come by itself, in their order. */
  async #askForLookups(): Promise<void> {
    const many = this.#random() < 0.7 ? 1 : 2 + Math.floor(this.#random() * 6);
    const drawn = Array.from({ length: many }, () => (this.#random() < 0.52 ? this.#admission() : this.#settlement()));
    const asked = drawn.filter((one) => one !== null);
    this.#note(`on one trip: ${asked.length}`);
    const ledger = this.#ledger as unknown as Remote<TenantLedger, "lookupCalls">;
    const replies = await ledger.lookupCalls(asked.map(({ call }) => call));
    agree(
      replies.map(({ status }) => status),
      asked.map(() => "fulfilled"),
      this.#story(),
    );
    for (const [index, { compare }] of asked.entries()) {
      compare((replies[index] as PromiseFulfilledResult<LookupReply>).value);
    }
  }

  #admission(): Asked {
    const draw = this.#random();
    const late = this.#pick(this.#ended.slice(-5));
    const mayComeLate = draw < 0.05 && late !== undefined && !this.#mayBeDropped(late);
    const repeated = draw >= 0.05 && draw < 0.15 ? this.#pick(this.#model.open)?.id : undefined;
    const id = (mayComeLate ? late : repeated) ?? `lkp_${(this.#lookups += 1)}`;
    const keyId = this.#pick(KEY_IDS) as string;
    const key = this.#random() < 0.4 ? `key_${Math.floor(this.#random() * 60)}` : null;
    const request = this.#random() < 0.85 ? "request" : "another request";
    const refuseNew = this.#random() < 0.03;
    this.#note(`admit ${id} ${keyId} ${key} ${request} ${refuseNew}`);
    const expected = this.#model.admit({ id, keyId, key, request, refuseNew }, this.#nowMs);
    // The runtime's own alarm erases answers, too, and an erased one stays so when the clock has jumped back since.
    const mayBeErased = key !== null && expected.startsWith("replay") && this.#model.mayBeErased(key, this.#latestMs);
    const call: AdmitCall = {
      lookupId: id,
      keyId,
      scope: "scores:read",
      ip: null,
      reference: null,
      cpfReference: "v1:0",
      idempotency: key === null ? null : { keyHash: key, requestHash: request },
      refuseNew: refuseNew ? { code: "claro_unreachable" } : null,
    };
    const compare = (reply: LookupReply) => {
      const given = admissionGiven(reply as AdmitReply);
      if (!(mayBeErased && given === "idempotency_expired")) agree(given, expected, this.#story());
    };
    return { call: { kind: "admit", call }, compare };
  }

  #settlement(): Asked | null {
    const draw = this.#random();
    const id = draw < 0.8 ? this.#pick(this.#model.open)?.id : draw < 0.95 ? this.#pick(this.#ended) : "lkp_none";
    if (id === undefined) return null;
    const outcome = this.#pick(OUTCOMES) as Outcome;
    const answer = `the answer to ${id}`;
    const withinMs = this.#random() < 0.1 ? 1000 : TTL_MS;
    this.#note(`settle ${id} ${outcome} ${withinMs}`);
    const wasDropped = this.#mayBeDropped(id);
    const expected = this.#model.settle({ id, outcome, answer, withinMs }, this.#nowMs);
    const sealed = new TextEncoder().encode(answer);
    const call = { lookupId: id, outcome, transactionId: `tx_${id}`, withinMs, answer: sealed };
    const compare = (reply: LookupReply) => {
      const given = settlementGiven(reply as SettleReply);
      if (!(wasDropped && given === "no_intent")) agree(given, expected, this.#story());
      if (given !== "no_intent" && !this.#ended.includes(id)) this.#ended.push(id);
    };
    return { call: { kind: "settle", call }, compare };
  }

  /** Whether the event is old enough that the object need not know it any more. */
  #mayBeDropped(id: string): boolean {
    const event = this.#model.events.find((one) => one.id === id);
    return event !== undefined && this.#latestMs - event.occurredAtMs >= TTL_MS - 1;
  }

  #passTime(): void {
    const draw = this.#random();
    const hourMs = 3_600_000;
    if (draw < 0.6) this.#setTime(this.#nowMs + Math.floor(this.#random() * 3000));
    else if (draw < 0.8) this.#setTime(this.#nowMs + TTL_MS + Math.floor(this.#random() * 3000));
    else if (draw < 0.9) this.#setTime(this.#nowMs - Math.floor(this.#random() * 5000));
    else if (draw < 0.98) this.#setTime(this.#nowMs + Math.floor(this.#random() * 20 * hourMs));
    else if (draw < 0.995) this.#setTime(this.#nowMs + Math.floor(this.#random() * 40 * 24 * hourMs));
    else this.#setTime(this.#nowMs - Math.floor(this.#random() * 3 * hourMs));
  }

  async #alarm(): Promise<void> {
    const mood = this.#someMood();
    this.#note(`alarm, D1 ${mood}`);
    this.#model.touch(this.#nowMs);
    await withD1(this.#ledger, mood, async (ledger) => await ledger.alarm());
  }

  async #flush(): Promise<void> {
    const mood = this.#someMood();
    this.#note(`flush, D1 ${mood}`);
    this.#model.touch(this.#nowMs);
    const waiting = this.#model.events.length - (await this.#status()).flushedThrough;
    const reply = await withD1(this.#ledger, mood, async (ledger) => await ledger.flush());
    agree(reply.kind, mood === "well" || waiting === 0 ? "flushed" : "failed", this.#story());
    if (reply.kind === "failed") return;
    agree((await copiedRows(this.#tenantId)).length, this.#model.events.length, this.#story());
  }

  async #evict(): Promise<void> {
    this.#note("evict");
    await this.#status(); // Only what runs can be evicted.
    await evictDurableObject(this.#ledger);
  }

  async #abort(): Promise<void> {
    this.#note("abort");
    await abortAllDurableObjects();
  }

  async #change(): Promise<void> {
    const draw = this.#random();
    const model = this.#model;
    if (draw < 0.2) {
      this.#note("an old word of the register");
      await this.configure(this.#version - 1);
      return;
    }
    if (draw < 0.5) {
      const keyId = this.#pick(KEY_IDS) as string;
      if (model.revoked.size > 0) model.revoked.clear();
      else model.revoked.add(keyId);
    } else if (draw < 0.75) {
      model.tiers = this.#someTiers();
    } else {
      model.allowance = this.#random() < 0.8 ? null : model.used() + Math.floor(this.#random() * 40);
    }
    this.#note(`change: revoked ${[...model.revoked].join(" ")}, allowance ${model.allowance}`);
    await this.configure();
  }

  async #withdraw(): Promise<void> {
    const id = this.#random() < 0.5 ? this.#pick(this.#model.open)?.id : this.#pick(this.#ended.slice(-5));
    if (id === undefined || this.#mayBeDropped(id)) return;
    this.#note(`withdraw ${id}`);
    this.#model.withdraw(id, this.#nowMs);
    await this.#ledger.withdraw(id);
  }

  async #compareUsage(): Promise<void> {
    this.#note("usage");
    this.#model.touch(this.#nowMs);
    const { days, allowance } = await this.#ledger.usage({ from: "2027-01-01", to: "2039-12-31" });
    const sum = (name: "delivered" | "notFound" | "rejected" | "failed" | "unknown" | "billed" | "amountMicros") =>
      days.reduce((total, day) => total + day[name], 0);
    const model = this.#model;
    agree(
      {
        delivered: sum("delivered"),
        notFound: sum("notFound"),
        rejected: sum("rejected"),
        failed: sum("failed"),
        unknown: sum("unknown"),
        billed: sum("billed"),
        amountMicros: sum("amountMicros"),
        used: allowance?.used ?? null,
      },
      {
        delivered: model.count("delivered"),
        notFound: model.count("not_found"),
        rejected: model.count("rejected"),
        failed: model.count("failed"),
        unknown: model.count("unknown"),
        billed: model.count("delivered"),
        amountMicros: model.amountMicros(),
        used: model.allowance === null ? null : model.used(),
      },
      this.#story(),
    );
  }

  /** D1 has the first events of the model, without a hole, and at least those that the object believes it has. */
  async #compareCopy(): Promise<void> {
    this.#note("compare D1");
    const { flushedThrough } = await this.#status();
    const copied = await copiedRows(this.#tenantId);
    const expected = this.#model.events.slice(0, copied.length).map((event) => ({
      seq: event.seq,
      id: event.id,
      occurred_at: whenSettled(event.outcome, event.occurredAtMs),
      outcome: event.outcome,
      amount_micros: event.amountMicros,
      corrects: event.corrects,
    }));
    const rows = copied.map((row) => ({ ...row, occurred_at: whenSettled(row.outcome, row.occurred_at) }));
    agree(rows, expected, this.#story());
    agree(copied.length >= flushedThrough, true, this.#story());
  }

  /** D1 loses the events, and has them again from the object. */
  async #loseCopy(): Promise<void> {
    this.#note("D1 is emptied and rebuilt");
    const before = await copiedRows(this.#tenantId);
    const { flushedThrough } = await this.#status();
    await emptyCopy(this.#tenantId);
    await recopyAll(this.#ledger);
    agree(await copiedRows(this.#tenantId), before.slice(0, flushedThrough), this.#story());
  }

  /** Asking a ledger how it is ends what is overdue. */
  async #status() {
    this.#model.touch(this.#nowMs);
    return await this.#ledger.status();
  }

  #setTime(nowMs: number): void {
    this.#note(`time ${nowMs - this.#nowMs} ms`);
    this.#nowMs = nowMs;
    this.#latestMs = Math.max(this.#latestMs, nowMs);
    vi.setSystemTime(nowMs);
  }

  #someMood(): D1Mood {
    return this.#pick(["well", "well", "down", "ambiguous"] as const) as D1Mood;
  }

  #someTiers() {
    const first = 1 + Math.floor(this.#random() * 20);
    const price = () => Math.floor(this.#random() * 10) * 10_000;
    return [
      { upTo: first, unitPriceMicros: price() },
      { upTo: first + 1 + Math.floor(this.#random() * 50), unitPriceMicros: price() },
      { upTo: null, unitPriceMicros: price() },
    ];
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(this.#random() * values.length)];
  }

  #note(what: string): void {
    this.#trail.push(what);
    if (this.#trail.length > 25) this.#trail.shift();
  }

  /** What led to a difference. */
  #story(): string {
    return `${this.#tenantId}, the last steps:\n${this.#trail.join("\n")}\n`;
  }
}

function admissionGiven(reply: AdmitReply): string {
  if (reply.kind === "refused") return reply.failure.code;
  if (reply.kind !== "replay") return reply.kind;
  return `replay:${reply.answer === null ? "" : new TextDecoder().decode(reply.answer)}`;
}

function settlementGiven(reply: SettleReply): string {
  if (reply.kind === "settled") return `settled:${reply.seq}`;
  return reply.kind === "ended" ? `ended:${reply.outcome}` : reply.kind;
}

function agree(given: unknown, expected: unknown, story: string): void {
  expect(given, story).toEqual(expected);
}

/** Whose time nobody settled is told by whatever wakes the object first, and the runtime's own alarm is not the model's. */
function whenSettled(outcome: string | null, occurredAtMs: number): number | null {
  return outcome === "unknown" ? null : occurredAtMs;
}
