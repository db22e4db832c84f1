import { BoundedMap } from "./bounded_map.ts";
import {
  CallWindow,
  ENOUGH_FAILURES,
  FIRST_OPENING_MS,
  isWithin,
  open,
  refusesForMs,
  reopen,
  type Opening,
} from "./circuit_breaker.ts";

/** How calls of one tenant ended. A person is named by a keyed hash. */
export type TenantCalls = {
  readonly tenantId: string;
  readonly failedPersons: readonly string[];
  readonly successes: number;
};

export type ProbeResult = "succeeded" | "failed" | "unused";

/** Whether a tenant's next call may be made. Durations, for the caller's clock may be another. */
export type BreakerAnswer =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly forMs: number; readonly by: "tenant" | "gateway" }
  | { readonly kind: "probe"; readonly number: number };

/** Openings by whom they refuse: a tenant's id, or `GATEWAY` for everybody. */
export type Openings = ReadonlyMap<string, Opening>;
export const GATEWAY = "";

/** A call that may be made while a breaker is open. It expires, because its caller may crash. */
type Probe = {
  readonly tenantId: string;
  readonly isForGateway: boolean;
  readonly fromMs: number;
  readonly endsAtMs: number;
};

/** While somebody probes, the others are told to come back this much later. */
const PROBE_WAIT_MS = 1000;
const SEVERAL_TENANTS = 2;
const MOST_TENANTS = 10_000;
/** An opening that nobody probed for this long says nothing any more. */
export const FORGET_OPENING_MS = 600_000;

/**
 * The breaker of each tenant, and the gateway's over them. One tenant's failures may come of what it asks, so they open
 * its own breaker only. The gateway's opens when several tenants fail and nobody's call succeeds.
 *
 * | state     | tenant's: opens when                        | gateway's: opens when                                           |
 * |-----------|---------------------------------------------|-----------------------------------------------------------------|
 * | closed    | 10 of its persons failed in 30 s, half of its calls | 10 persons of 2 tenants or more failed in 30 s, no success at all |
 * | open      | refuses that tenant: 5 s, doubled to 60 s   | refuses all, but whoever has not failed for the first 5 s only  |
 * | half open | one probe of that tenant                    | one probe, and one of each tenant that has not failed           |
 *
 * A success of any tenant closes the gateway's; a success of a tenant's probe closes its own.
 */
export class ClaroBreakers {
  readonly #windows = new BoundedMap<string, CallWindow>(MOST_TENANTS);
  readonly #tokenFailures = new CallWindow();
  readonly #openings: Map<string, Opening>;
  readonly #probes = new Map<number, Probe>();
  /** Tenants that failed while the gateway's breaker was opening or open. */
  readonly #failing = new Set<string>();
  #lastSuccessAtMs = Number.NEGATIVE_INFINITY;
  #lastNumber: number;

  /** Starts with the openings that were kept. Numbers go on from the time, so that none is given twice. */
  constructor(openings: Openings, nowMs: number) {
    this.#openings = new Map(openings);
    this.#lastNumber = nowMs;
  }

  get openings(): Openings {
    return this.#openings;
  }

  /** Counts calls that ended. A tenant's calls that were sent before its breaker opened change nothing about it. */
  report(calls: { tenants: readonly TenantCalls[]; lastSuccessAgoMs: number | null }, nowMs: number): void {
    this.#forget(nowMs);
    if (calls.lastSuccessAgoMs !== null) this.#noteSuccess(nowMs - calls.lastSuccessAgoMs);
    for (const { tenantId, failedPersons, successes } of calls.tenants) {
      const window = this.#windowOf(tenantId);
      window.addSuccesses(successes, nowMs);
      for (const person of failedPersons) window.addFailure(person, nowMs);
      if (failedPersons.length > 0) this.#failing.add(tenantId);
      if (!this.#openings.has(tenantId) && window.isBroken(nowMs)) this.#openings.set(tenantId, open(nowMs));
    }
    this.#openGateway(nowMs);
  }

  /** A call for Claro's token that failed: once, however many lookups waited for it. */
  reportTokenFailure(nowMs: number): void {
    this.#tokenFailures.addFailure(String((this.#lastNumber += 1)), nowMs);
    this.#openGateway(nowMs);
  }

  /** Whether the tenant's next call may be made. `probeMs` is how long a probe has at most. */
  enter(tenantId: string, nowMs: number, { probeMs }: { probeMs: number }): BreakerAnswer {
    this.#forget(nowMs);
    const own = this.#openings.get(tenantId);
    const gateway = this.#openings.get(GATEWAY);
    if (own === undefined && gateway === undefined) return { kind: "closed" };
    const ownMs = own === undefined ? 0 : refusesForMs(own, nowMs);
    const gatewayMs = gateway === undefined ? 0 : this.#gatewayRefusesForMs(tenantId, gateway, nowMs);
    const by = ownMs >= gatewayMs && own !== undefined ? "tenant" : "gateway";
    const forMs = Math.max(ownMs, gatewayMs);
    if (forMs > 0) return { kind: "open", forMs, by };
    const isForGateway = gateway !== undefined && this.#failing.has(tenantId);
    const isTaken = [...this.#probes.values()].some(
      (probe) => probe.tenantId === tenantId || (isForGateway && probe.isForGateway),
    );
    if (isTaken) return { kind: "open", forMs: PROBE_WAIT_MS, by };
    const number = (this.#lastNumber += 1);
    this.#probes.set(number, { tenantId, isForGateway, fromMs: nowMs, endsAtMs: nowMs + probeMs });
    return { kind: "probe", number };
  }

  /** Ends a probe. One that expired says nothing any more. */
  endProbe(number: number, result: ProbeResult, nowMs: number): void {
    this.#forget(nowMs);
    const probe = this.#probes.get(number);
    if (probe === undefined || !this.#probes.delete(number) || result === "unused") return;
    if (result === "succeeded") {
      this.#openings.delete(probe.tenantId);
      this.#windows.get(probe.tenantId)?.clear();
      return this.#noteSuccess(nowMs);
    }
    this.#failing.add(probe.tenantId);
    for (const name of [probe.tenantId, GATEWAY]) {
      const opening = this.#openings.get(name);
      // Several tenants may probe side by side; their failures open it once.
      if (opening !== undefined && refusesForMs(opening, nowMs) === 0) this.#openings.set(name, reopen(opening, nowMs));
    }
  }

  /** What a tenant that does not want to call is told. */
  answerFor(tenantId: string, nowMs: number): Exclude<BreakerAnswer, { kind: "probe" }> {
    const own = this.#openings.get(tenantId);
    if (own !== undefined) return { kind: "open", forMs: refusesForMs(own, nowMs), by: "tenant" };
    const gateway = this.#openings.get(GATEWAY);
    if (gateway === undefined) return { kind: "closed" };
    return { kind: "open", forMs: this.#gatewayRefusesForMs(tenantId, gateway, nowMs), by: "gateway" };
  }

  /** Who keeps failing must not keep others from probing: whoever has not failed waits for the first opening only. */
  #gatewayRefusesForMs(tenantId: string, gateway: Opening, nowMs: number): number {
    const forMs = refusesForMs(gateway, nowMs);
    if (this.#failing.has(tenantId)) return forMs;
    return Math.min(forMs, Math.max(gateway.sinceMs + FIRST_OPENING_MS - nowMs, 0));
  }

  #openGateway(nowMs: number): void {
    if (this.#openings.has(GATEWAY) || isWithin(this.#lastSuccessAtMs, nowMs)) return;
    const failing = [...this.#windows].filter(([, window]) => window.failures(nowMs) > 0);
    if (failing.length < SEVERAL_TENANTS) return;
    const ofLookups = failing.reduce((sum, [, window]) => sum + window.failures(nowMs), 0);
    if (ofLookups + this.#tokenFailures.failures(nowMs) < ENOUGH_FAILURES) return;
    this.#openings.set(GATEWAY, open(nowMs));
    this.#failing.clear();
    for (const [tenantId] of failing) this.#failing.add(tenantId);
  }

  /** Claro answers: whatever failed, it is not Claro as a whole. */
  #noteSuccess(atMs: number): void {
    this.#lastSuccessAtMs = Math.max(this.#lastSuccessAtMs, atMs);
    const gateway = this.#openings.get(GATEWAY);
    if (gateway === undefined || atMs < gateway.sinceMs) return;
    this.#openings.delete(GATEWAY);
    this.#failing.clear();
  }

  #windowOf(tenantId: string): CallWindow {
    const window = this.#windows.get(tenantId) ?? new CallWindow();
    this.#windows.set(tenantId, window);
    return window;
  }

  /** Drops what has had its time. A clock that jumped back may not make it last for ever. */
  #forget(nowMs: number): void {
    for (const [number, { fromMs, endsAtMs }] of this.#probes) {
      if (nowMs >= endsAtMs || nowMs < fromMs) this.#probes.delete(number);
    }
    for (const [name, opening] of this.#openings) {
      if (nowMs - opening.untilMs >= FORGET_OPENING_MS) this.#openings.delete(name);
    }
    if (this.#lastSuccessAtMs > nowMs) this.#lastSuccessAtMs = Number.NEGATIVE_INFINITY;
    if (!this.#openings.has(GATEWAY)) this.#failing.clear();
  }
}
