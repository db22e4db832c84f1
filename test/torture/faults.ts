import type { Fault } from "../../src/ctl/sandbox/faults.ts";
import { PUT_RIGHT_MS } from "../../src/domain/ledger/times.ts";
import type { InnerFaults, LedgerOutage } from "./inner_faults.ts";

/**
 * How long ledgers are away in a run that is long enough, and the share of a shorter run. In a minute they are unreachable
 * for longer than a request can go on putting right, so that D1 has to keep what the cron delivers; where a run is too short
 * for that, they are back soon.
 */
const LEDGER_OUTAGES = [
  { kind: "overloaded", longestMs: 30_000, share: 0.1, startsAtShare: 0.2 },
  { kind: "unreachable", longestMs: 60_000, share: 0.45, startsAtShare: 0.5 },
] as const;
const SHORT_SHARE = 0.1;
/** A longer run has all of them again and again. */
const OUTAGES_EVERY_MS = 300_000;

/** An outage of D1 lasts for several lives of the gateway, so that a backlog of many batches builds up. */
const OUTAGE_CHANCE = 0.08;
const LONGEST_OUTAGE_LIVES = 8;
/** Rare enough that Claro's breaker, which opens then, does not keep the load away for most of the run. */
const BAD_CHANCE = 0.15;

type DueOutage = { readonly startsAtMs: number; readonly outage: LedgerOutage };

/** What goes wrong in each life of the gateway, drawn from one seed. */
export class FaultSchedule {
  readonly #random: () => number;
  readonly #outages: DueOutage[];
  #outageLivesLeft = 0;

  constructor(random: () => number, { runMs, hasLedgerOutages }: { runMs: number; hasLedgerOutages: boolean }) {
    this.#random = random;
    this.#outages = hasLedgerOutages ? ledgerOutages(runMs) : [];
  }

  /**
   * The ledgers' outage that is due, or null. The life that it comes in must not be cut short: what a Worker has to put right
   * dies with its process.
   */
  ledgerOutage(elapsedMs: number): LedgerOutage | null {
    const [next] = this.#outages;
    if (next === undefined || elapsedMs < next.startsAtMs) return null;
    this.#outages.shift();
    return next.outage;
  }

  /** For one life of the gateway. */
  innerFaults(): InnerFaults {
    if (this.#outageLivesLeft === 0 && this.#random() < OUTAGE_CHANCE) {
      this.#outageLivesLeft = 1 + Math.floor(this.#random() * LONGEST_OUTAGE_LIVES);
    }
    const isOutage = this.#outageLivesLeft > 0;
    if (isOutage) this.#outageLivesLeft -= 1;
    const d1 = isOutage
      ? { d1Down: 1, d1Ambiguous: 0, d1Slow: 0, d1SlowMs: 0 }
      : this.#oneOf([
          { d1Down: 0, d1Ambiguous: 0, d1Slow: 0, d1SlowMs: 0 },
          { d1Down: 0.4, d1Ambiguous: 0.3, d1Slow: 0, d1SlowMs: 0 },
          { d1Down: 0, d1Ambiguous: 0.7, d1Slow: 0.2, d1SlowMs: 400 },
          { d1Down: 0, d1Ambiguous: 0, d1Slow: 1, d1SlowMs: 1500 },
        ]);
    const ledger = this.#oneOf([
      { ledgerSlow: 0, ledgerSlowMs: 0, replyLost: 0, objectReset: 0 },
      { ledgerSlow: 0.5, ledgerSlowMs: 150, replyLost: 0, objectReset: 0 },
      { ledgerSlow: 0, ledgerSlowMs: 0, replyLost: 0.05, objectReset: 0 },
      { ledgerSlow: 0.2, ledgerSlowMs: 300, replyLost: 0.02, objectReset: 0.02 },
    ]);
    return { ...d1, ...ledger };
  }

  /** For a while, until the next draw. Most of the time Claro is as it should be, with a few bad answers. */
  claroFaults(): Fault[] {
    const rare: Fault[] = [
      fault("status", 0.03, { status: 404 }),
      fault("status", 0.01, { status: 400 }),
      fault("status", 0.01, { status: 401 }),
      fault("status", 0.01, { status: 429, headers: { "Retry-After": "1" } }),
      fault("status", 0.01, { status: 500 }),
      fault("drop", 0.01),
      fault("reset_mid_body", 0.01),
      fault("html", 0.01),
      fault("body", 0.01, { body: '{"apiVersion":"1","transactionId":"none","data":{}}' }),
      fault("delay", 0.1, { delayMs: 150 }),
    ];
    const slow = fault("delay", 1, { delayMs: Math.floor(this.#random() * 120) });
    if (this.#random() >= BAD_CHANCE) return [...rare, slow];
    const bad = this.#oneOf<Fault[]>([
      [fault("status", 0.8, { status: 503 })],
      [fault("drop", 0.6)],
      [fault("delay", 0.5, { delayMs: 1500 })],
      [fault("drip", 0.3, { delayMs: 20 })],
      [fault("huge_body", 0.1)],
      [{ ...fault("status", 1, { status: 500 }), target: "token" }],
      [{ ...fault("drop", 0.7), target: "token" }],
    ]);
    return [...bad, ...rare];
  }

  #oneOf<Choice>(choices: readonly Choice[]): Choice {
    return choices[Math.floor(this.#random() * choices.length)] as Choice;
  }
}

function fault(kind: Fault["kind"], probability: number, more: Partial<Fault> = {}): Fault {
  return { target: "score", kind, probability, ...more };
}

function ledgerOutages(runMs: number): DueOutage[] {
  const roundMs = Math.min(runMs, OUTAGES_EVERY_MS);
  const rounds = Array.from({ length: Math.max(Math.floor(runMs / roundMs), 1) }, (_, round) => round);
  return rounds.flatMap((round) => {
    return LEDGER_OUTAGES.map(({ kind, longestMs, share, startsAtShare }) => {
      const isLongEnough = share * roundMs > PUT_RIGHT_MS;
      const lastsMs = Math.min(longestMs, (isLongEnough ? share : SHORT_SHARE) * roundMs);
      return { startsAtMs: (round + startsAtShare) * roundMs, outage: { kind, lastsMs } };
    });
  });
}
