import { DurableObject } from "cloudflare:workers";
import { refusesForMs, type Opening } from "../../domain/circuit_breaker.ts";
import {
  ClaroBreakers,
  GATEWAY,
  type BreakerAnswer,
  type Openings,
  type ProbeResult,
  type TenantCalls,
} from "../../domain/claro_breakers.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { logEvent } from "../log.ts";
import { readSettings } from "../settings.ts";

/** A row for each breaker that is open; what is counted while they are closed lives in memory and may be lost. */
const SCHEMA = `
  DROP TABLE IF EXISTS open;
  CREATE TABLE IF NOT EXISTS openings (name TEXT PRIMARY KEY, opening TEXT NOT NULL) STRICT, WITHOUT ROWID`;
const READ_OPENINGS = `SELECT name, opening FROM openings`;
const SAVE_OPENING = `INSERT INTO openings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET opening = excluded.opening`;
const DROP_OPENING = `DELETE FROM openings WHERE name = ?`;

/** A probe is a lookup: it has Claro's time, and the ledger's before and after it. */
const PROBE_MARGIN_MS = 10_000;
const MOST_TENANTS_SHOWN = 20;

/** A tenant as it stands, and whether the gateway's breaker is open, which concerns everybody. */
export type BreakerReply = { readonly answer: BreakerAnswer; readonly isGatewayOpen: boolean };

export type BreakerState = {
  readonly state: "closed" | "open" | "half_open";
  readonly sinceMs: number | null;
  readonly openings: number;
};

/** The gateway's breaker, and tenants' that are open: the first few, and how many there are. */
export type BreakerStatus = BreakerState & {
  readonly openTenants: number;
  readonly tenants: readonly (BreakerState & { readonly tenantId: string })[];
};

/** The circuit breakers that all isolates share, as one object. */
export class ClaroBreaker extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #clock: Clock;
  readonly #probeMs: number;
  readonly #breakers: ClaroBreakers;
  #saved: Openings;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    this.#clock = shiftedClock(settings.value.clockOffsetMs);
    this.#probeMs = settings.value.claro.timeoutMs + PROBE_MARGIN_MS;
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
    const rows = this.#sql.exec<{ name: string; opening: string }>(READ_OPENINGS).toArray();
    this.#saved = new Map(rows.map(({ name, opening }) => [name, JSON.parse(opening) as Opening]));
    this.#breakers = new ClaroBreakers(this.#saved, this.#clock.nowMs());
  }

  /** A tenant's calls of one isolate that ended, and how long ago anybody's call succeeded there. */
  reportCalls(calls: TenantCalls, lastSuccessAgoMs: number | null): BreakerReply {
    const nowMs = this.#clock.nowMs();
    this.#breakers.report({ tenants: [calls], lastSuccessAgoMs }, nowMs);
    return this.#reply(this.#breakers.answerFor(calls.tenantId, nowMs));
  }

  reportTokenFailure(): void {
    this.#breakers.reportTokenFailure(this.#clock.nowMs());
    this.#save();
  }

  /** Asked by those who know that a breaker was open. */
  enter(tenantId: string): BreakerReply {
    return this.#reply(this.#breakers.enter(tenantId, this.#clock.nowMs(), { probeMs: this.#probeMs }));
  }

  endProbe(probe: { tenantId: string; number: number; result: ProbeResult }): BreakerReply {
    const nowMs = this.#clock.nowMs();
    this.#breakers.endProbe(probe.number, probe.result, nowMs);
    return this.#reply(this.#breakers.answerFor(probe.tenantId, nowMs));
  }

  /** For the operator. */
  status(): BreakerStatus {
    const tenants = [...this.#breakers.openings].filter(([name]) => name !== GATEWAY);
    const shown = tenants.slice(0, MOST_TENANTS_SHOWN);
    return {
      ...this.#stateOf(this.#breakers.openings.get(GATEWAY)),
      openTenants: tenants.length,
      tenants: shown.map(([tenantId, opening]) => ({ tenantId, ...this.#stateOf(opening) })),
    };
  }

  #stateOf(opening: Opening | undefined): BreakerState {
    if (opening === undefined) return { state: "closed", sinceMs: null, openings: 0 };
    const { sinceMs, openings } = opening;
    return { state: refusesForMs(opening, this.#clock.nowMs()) > 0 ? "open" : "half_open", sinceMs, openings };
  }

  #reply(answer: BreakerAnswer): BreakerReply {
    this.#save();
    return { answer, isGatewayOpen: this.#breakers.openings.has(GATEWAY) };
  }

  /** Writes what opened, opened again or closed. */
  #save(): void {
    const { openings } = this.#breakers;
    for (const [name, opening] of openings) {
      if (this.#saved.get(name) === opening) continue;
      this.#sql.exec(SAVE_OPENING, name, JSON.stringify(opening));
      if (!this.#saved.has(name)) logOpening("open", name);
    }
    for (const name of this.#saved.keys()) {
      if (openings.has(name)) continue;
      this.#sql.exec(DROP_OPENING, name);
      logOpening("closed", name);
    }
    this.#saved = new Map(openings);
  }
}

function logOpening(state: "open" | "closed", name: string): void {
  logEvent("warn", { event: `claro_breaker_${state}`, ...(name === GATEWAY ? {} : { tenantId: name }) });
}
