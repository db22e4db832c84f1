import { BoundedMap } from "../../domain/bounded_map.ts";
import type { ProbeResult } from "../../domain/claro_breakers.ts";
import type { Cpf } from "../../domain/cpf.ts";
import type { Mode } from "../../domain/meter_event.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import type { KeyedHash } from "../keyed_hash.ts";
import { logEvent, messageOf } from "../log.ts";
import { breakerOf, type BreakerClient } from "./breaker_client.ts";
import type { BreakerReply, BreakerStatus, ClaroBreaker } from "./claro_breaker.ts";

/** Who asks Claro for whom. */
export type LookupParties = { readonly mode: Mode; readonly tenantId: string; readonly cpf: Cpf };

/** The leave of one lookup to call Claro. */
export type Permit =
  | { readonly kind: "free"; readonly parties: LookupParties }
  | { readonly kind: "uncounted" }
  | { readonly kind: "probe"; readonly parties: LookupParties; readonly number: number }
  | { readonly kind: "refused"; readonly retryAfterSeconds: number };

/** How a permit was used. A refusal of one lookup is a success of Claro; `unused` says nothing of Claro. */
export type PermitResult = ProbeResult;

type Block = { readonly untilMs: number; readonly by: "tenant" | "gateway" };

/** How a tenant's calls ended here that the breaker was not told of. */
type Tally = { successes: number; sinceMs: number; lastSuccessAtMs: number | null };

const CALL_TIMEOUT_MS = 1000;
/** Successes count beside a failure for this long: older ones say nothing of Claro as it is now. */
const RECENT_MS = 10_000;
/** Whose last call succeeded is not refused for the failures of others. */
const TRUST_MS = 600_000;
/** The breaker is told of a failing person once in this time. */
const REPEAT_MS = 10_000;
const MOST_KEPT = 10_000;
const PERSON_HEX_DIGITS = 32;

/**
 * The breakers as a lookup meets them. While all is well nothing is asked and nothing told: an isolate learns that one is
 * open from the answer to its own report of a failure. A breaker's own failure never keeps a lookup from Claro.
 */
export class ClaroGate {
  readonly #namespace: DurableObjectNamespace<ClaroBreaker>;
  readonly #hash: KeyedHash;
  readonly #blocks = new BoundedMap<string, Block>(MOST_KEPT);
  readonly #tallies = new BoundedMap<string, Tally>(MOST_KEPT);
  readonly #reportedAtMs = new BoundedMap<string, number>(MOST_KEPT);
  #lastSuccessAtMs: number | null = null;
  #isGatewayOpen = false;

  constructor(namespace: DurableObjectNamespace<ClaroBreaker>, hash: KeyedHash) {
    this.#namespace = namespace;
    this.#hash = hash;
  }

  /** Test lookups reach no Claro, and pass. */
  async enter(parties: LookupParties): Promise<Permit> {
    const { mode, tenantId } = parties;
    if (mode === "test") return { kind: "uncounted" };
    const block = this.#blocks.get(tenantId);
    const isOnlyTheGateways = block === undefined || block.by === "gateway";
    if (isOnlyTheGateways && (!this.#isGatewayOpen || this.#isTrusted(tenantId))) return { kind: "free", parties };
    const waitMs = (block?.untilMs ?? 0) - Date.now();
    if (waitMs > 0) return refused(waitMs);
    const answer = await this.#ask(tenantId, (breaker) => breaker.enter(tenantId));
    switch (answer?.kind) {
      case "open":
        return refused(answer.forMs);
      case "probe":
        return { kind: "probe", parties, number: answer.number };
      case "closed":
      case undefined:
        return { kind: "free", parties };
    }
  }

  /**
   * Says how the permit was used, once. Gives for how many milliseconds the tenant is refused from now on: what is
   * answered after it may not promise less. A success costs no call unless the gateway's breaker is open.
   */
  async leave(permit: Permit, result: PermitResult): Promise<number> {
    if (permit.kind === "uncounted" || permit.kind === "refused") return 0;
    const { tenantId, cpf } = permit.parties;
    this.#count(tenantId, result);
    if (permit.kind === "probe") {
      const { number } = permit;
      await this.#ask(tenantId, (breaker) => breaker.endProbe({ tenantId, number, result }));
    } else if (result === "failed") {
      await this.#reportFailure(tenantId, cpf);
    } else if (result === "succeeded" && this.#isGatewayOpen) {
      await this.#report(tenantId, []);
    }
    return this.#blockedForMs(tenantId);
  }

  /** For the operator; null when the breaker cannot be asked. */
  async status(): Promise<BreakerStatus | null> {
    try {
      const status = await withDeadline(CALL_TIMEOUT_MS, () => breakerOf(this.#namespace).status());
      return isDeadlinePassed(status) ? null : status;
    } catch {
      return null;
    }
  }

  #count(tenantId: string, result: PermitResult): void {
    if (result === "unused") return;
    const nowMs = Date.now();
    const tally = this.#tallies.get(tenantId) ?? { successes: 0, sinceMs: nowMs, lastSuccessAtMs: null };
    if (nowMs - tally.sinceMs > RECENT_MS) Object.assign(tally, { successes: 0, sinceMs: nowMs });
    if (result === "succeeded") {
      tally.successes += 1;
      this.#lastSuccessAtMs = nowMs;
    }
    tally.lastSuccessAtMs = result === "succeeded" ? nowMs : null;
    this.#tallies.set(tenantId, tally);
  }

  #isTrusted(tenantId: string): boolean {
    const lastSuccessAtMs = this.#tallies.get(tenantId)?.lastSuccessAtMs ?? null;
    return lastSuccessAtMs !== null && Date.now() - lastSuccessAtMs < TRUST_MS;
  }

  /** The breaker knows a person by a keyed hash only. */
  async #reportFailure(tenantId: string, cpf: Cpf): Promise<void> {
    // It is open already: what was sent before changes nothing.
    if (this.#blocks.get(tenantId)?.by === "tenant") return;
    const person = (await this.#hash.sign(`breaker\n${tenantId}\n${cpf}`)).slice(0, PERSON_HEX_DIGITS);
    const ageMs = Date.now() - (this.#reportedAtMs.get(person) ?? Number.NEGATIVE_INFINITY);
    if (ageMs >= 0 && ageMs < REPEAT_MS) return;
    this.#reportedAtMs.set(person, Date.now());
    await this.#report(tenantId, [person]);
  }

  async #report(tenantId: string, failedPersons: readonly string[]): Promise<void> {
    const nowMs = Date.now();
    const tally = this.#tallies.get(tenantId);
    const successes = tally !== undefined && nowMs - tally.sinceMs <= RECENT_MS ? tally.successes : 0;
    if (tally !== undefined) tally.successes = 0;
    const lastSuccessAgoMs = this.#lastSuccessAtMs === null ? null : Math.max(nowMs - this.#lastSuccessAtMs, 0);
    await this.#ask(tenantId, (breaker) =>
      breaker.reportCalls({ tenantId, failedPersons, successes }, lastSuccessAgoMs),
    );
  }

  async #ask(
    tenantId: string,
    call: (breaker: BreakerClient) => Promise<BreakerReply>,
  ): Promise<BreakerReply["answer"] | null> {
    try {
      const reply = await withDeadline(CALL_TIMEOUT_MS, () => call(breakerOf(this.#namespace)));
      if (isDeadlinePassed(reply)) return null;
      this.#learn(tenantId, reply);
      return reply.answer;
    } catch (error) {
      logEvent("warn", { event: "claro_breaker_unreachable", error: messageOf(error) });
      return null;
    }
  }

  #learn(tenantId: string, { answer, isGatewayOpen }: BreakerReply): void {
    this.#isGatewayOpen = isGatewayOpen;
    if (!isGatewayOpen) {
      for (const [name, { by }] of this.#blocks) if (by === "gateway") this.#blocks.delete(name);
    }
    if (answer.kind === "closed") this.#blocks.delete(tenantId);
    if (answer.kind === "open") this.#blocks.set(tenantId, { untilMs: Date.now() + answer.forMs, by: answer.by });
  }

  #blockedForMs(tenantId: string): number {
    const block = this.#blocks.get(tenantId);
    return block === undefined ? 0 : Math.max(block.untilMs - Date.now(), 0);
  }
}

function refused(waitMs: number): Permit {
  return { kind: "refused", retryAfterSeconds: Math.max(Math.ceil(waitMs / 1000), 1) };
}
