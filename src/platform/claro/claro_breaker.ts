import { DurableObject } from "cloudflare:workers";
import { refusesForMs, type Opening } from "../../domain/circuit_breaker.ts";
import {
  ClaroBreakers,
  FORGET_OPENING_MS,
  GATEWAY,
  type BreakerAnswer,
  type Openings,
  type ProbeResult,
  type TenantCalls,
} from "../../domain/claro_breakers.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { logEvent } from "../log.ts";
import { readSettings } from "../settings.ts";

/**
 * A row for each breaker that is open, and one for each time that one opened or closed lately; what is counted while they
 * are closed lives in memory and may be lost.
 */
const SCHEMA = `
  DROP TABLE IF EXISTS open;
  CREATE TABLE IF NOT EXISTS openings (name TEXT PRIMARY KEY, opening TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, name TEXT NOT NULL, is_open INTEGER NOT NULL
  ) STRICT`;
const READ_OPENINGS = `SELECT name, opening FROM openings`;
const SAVE_OPENING = `INSERT INTO openings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET opening = excluded.opening`;
const DROP_OPENING = `DELETE FROM openings WHERE name = ?`;
const ADD_CHANGE = `INSERT INTO changes (at_ms, name, is_open) VALUES (?, ?, ?)`;
const DROP_CHANGES = `DELETE FROM changes WHERE id <= (SELECT max(id) FROM changes) - ?`;
const READ_CHANGES = `SELECT at_ms, name, is_open FROM changes WHERE at_ms >= ? ORDER BY id DESC LIMIT ?`;

/** A probe is a lookup: it has Claro's time, and the ledger's before and after it. */
const PROBE_MARGIN_MS = 10_000;
const MOST_TENANTS_SHOWN = 20;
const MOST_CHANGES = 500;
const MOST_CHANGES_SHOWN = 100;
/** As far back as a timeline goes. */
const CHANGES_SHOWN_MS = 86_400_000;

/** A tenant as it stands, and whether the gateway's breaker is open, which concerns everybody. */
export type BreakerReply = { readonly answer: BreakerAnswer; readonly isGatewayOpen: boolean };

export type BreakerState = {
  readonly state: "closed" | "open" | "half_open";
  readonly sinceMs: number | null;
  readonly openings: number;
  /** From when on one call may probe; null while it is closed. */
  readonly nextTryAtMs: number | null;
};

/** One that opened or closed: the gateway's where `tenantId` is null. */
export type BreakerChange = {
  readonly atMs: number;
  readonly tenantId: string | null;
  readonly state: "open" | "closed";
};

/** The gateway's breaker, and tenants' that are open: the first few, and how many there are. */
export type BreakerStatus = BreakerState & {
  readonly openTenants: number;
  readonly tenants: readonly (BreakerState & { readonly tenantId: string })[];
  /** Of the last day, the newest first. */
  readonly changes: readonly BreakerChange[];
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
      changes: this.#changes(),
    };
  }

  #changes(): BreakerChange[] {
    return this.#sql
      .exec<{ at_ms: number; name: string; is_open: number }>(
        READ_CHANGES,
        this.#clock.nowMs() - CHANGES_SHOWN_MS,
        MOST_CHANGES_SHOWN,
      )
      .toArray()
      .map(({ at_ms: atMs, name, is_open: isOpen }) => ({
        atMs,
        tenantId: name === GATEWAY ? null : name,
        state: isOpen === 1 ? "open" : "closed",
      }));
  }

  #stateOf(opening: Opening | undefined): BreakerState {
    if (opening === undefined) return { state: "closed", sinceMs: null, openings: 0, nextTryAtMs: null };
    const { sinceMs, openings, untilMs: nextTryAtMs } = opening;
    const isOpen = refusesForMs(opening, this.#clock.nowMs()) > 0;
    return { state: isOpen ? "open" : "half_open", sinceMs, openings, nextTryAtMs };
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
      if (!this.#saved.has(name)) this.#noteChange("open", name, opening.sinceMs);
    }
    for (const [name, { untilMs }] of this.#saved) {
      if (openings.has(name)) continue;
      this.#sql.exec(DROP_OPENING, name);
      // One that nobody probed was forgotten, which is noticed with the next call only.
      this.#noteChange("closed", name, Math.min(this.#clock.nowMs(), untilMs + FORGET_OPENING_MS));
    }
    this.#saved = new Map(openings);
  }

  #noteChange(state: BreakerChange["state"], name: string, atMs: number): void {
    this.#sql.exec(ADD_CHANGE, atMs, name, state === "open" ? 1 : 0);
    this.#sql.exec(DROP_CHANGES, MOST_CHANGES);
    logEvent("warn", { event: `claro_breaker_${state}`, ...(name === GATEWAY ? {} : { tenantId: name }) });
  }
}
