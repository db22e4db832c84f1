import { DurableObject } from "cloudflare:workers";
import {
  breakerWord,
  closedBreaker,
  countCalls,
  endProbe,
  enterBreaker,
  type BreakerWord,
  type CircuitBreaker,
  type ProbeResult,
} from "../../domain/circuit_breaker.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { logEvent } from "../log.ts";
import { readSettings } from "../settings.ts";

/** One row while the breaker is open; what it counts while it is closed lives in memory and may be lost. */
const SCHEMA = `CREATE TABLE IF NOT EXISTS open (id INTEGER PRIMARY KEY CHECK (id = 1), breaker TEXT NOT NULL) STRICT`;
const READ_OPEN = `SELECT breaker FROM open`;
const SAVE_OPEN = `INSERT INTO open VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET breaker = excluded.breaker`;
const DROP_OPEN = `DELETE FROM open`;

/** A probe is a lookup: it has Claro's time, and the ledger's before and after it. */
const PROBE_MARGIN_MS = 10_000;

export type BreakerStatus = {
  readonly state: "closed" | "open" | "half_open";
  readonly sinceMs: number | null;
  readonly openings: number;
};

/** The circuit breaker that all isolates share, as one object. */
export class ClaroBreaker extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #clock: Clock;
  readonly #probeMs: number;
  #breaker: CircuitBreaker;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    this.#clock = shiftedClock(settings.value.clockOffsetMs);
    this.#probeMs = settings.value.claro.timeoutMs + PROBE_MARGIN_MS;
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
    const [row] = this.#sql.exec<{ breaker: string }>(READ_OPEN).toArray();
    this.#breaker =
      row === undefined ? closedBreaker(this.#clock.nowMs()) : (JSON.parse(row.breaker) as CircuitBreaker);
  }

  /** Calls of one isolate that ended; it reports only when one failed. */
  report(calls: { failures: number; successes: number }): BreakerWord {
    const nowMs = this.#clock.nowMs();
    this.#become(countCalls(this.#breaker, calls, nowMs));
    return breakerWord(this.#breaker, nowMs);
  }

  /** Asked by those who know that it was open. */
  enter(): BreakerWord {
    const entered = enterBreaker(this.#breaker, this.#clock.nowMs(), { probeMs: this.#probeMs });
    this.#become(entered.breaker);
    return entered.word;
  }

  endProbe(probe: { number: number; result: ProbeResult }): BreakerWord {
    const nowMs = this.#clock.nowMs();
    this.#become(endProbe(this.#breaker, probe, nowMs));
    return breakerWord(this.#breaker, nowMs);
  }

  /** For the operator. */
  status(): BreakerStatus {
    if (this.#breaker.kind === "closed") return { state: "closed", sinceMs: null, openings: 0 };
    const { sinceMs, untilMs, openings } = this.#breaker;
    return { state: this.#clock.nowMs() < untilMs ? "open" : "half_open", sinceMs, openings };
  }

  #become(breaker: CircuitBreaker): void {
    const before = this.#breaker;
    if (breaker === before) return;
    this.#breaker = breaker;
    if (breaker.kind === "open") this.#sql.exec(SAVE_OPEN, JSON.stringify(breaker));
    else if (before.kind === "open") this.#sql.exec(DROP_OPEN);
    if (breaker.kind !== before.kind) logEvent("warn", { event: `claro_breaker_${breaker.kind}` });
  }
}
