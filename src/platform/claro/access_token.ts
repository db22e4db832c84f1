import { DurableObject } from "cloudflare:workers";
import type { Failure } from "../../domain/failure.ts";
import type { Mode } from "../../domain/meter_event.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { readSettings, type Settings } from "../settings.ts";
import { ClaroClient, type TokenExchange } from "./claro_client.ts";

/** An access token of ours at Claro. `generation` names it without showing it. */
export type AccessTokenGrant = {
  readonly accessToken: string;
  readonly generation: number;
  /** Until then it may be used; Claro's own end is a margin later. */
  readonly usableUntilMs: number;
};

export type AccessTokenReply =
  | { readonly kind: "granted"; readonly grant: AccessTokenGrant }
  | { readonly kind: "refused"; readonly failure: Failure };

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS token (
    id INTEGER PRIMARY KEY CHECK (id = 1), mode TEXT, access_token TEXT, generation INTEGER NOT NULL DEFAULT 0,
    obtained_at INTEGER, expires_at INTEGER, failures INTEGER NOT NULL DEFAULT 0, retry_at INTEGER NOT NULL DEFAULT 0,
    failure TEXT
  ) STRICT;
  INSERT INTO token (id) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM token);`;
const READ_TOKEN = `SELECT mode, access_token, generation, obtained_at, expires_at, failures, retry_at, failure FROM token`;
const SAVE_TOKEN = `
  UPDATE token SET access_token = ?, generation = generation + 1, obtained_at = ?, expires_at = ?, failures = 0,
    retry_at = 0, failure = NULL`;
const SAVE_MODE = `UPDATE token SET mode = ?`;
const DROP_TOKEN = `UPDATE token SET access_token = NULL`;
const SAVE_FAILURE = `UPDATE token SET failures = ?, retry_at = ?, failure = ?`;

type TokenRow = {
  mode: Mode | null;
  access_token: string | null;
  generation: number;
  obtained_at: number | null;
  expires_at: number | null;
  failures: number;
  retry_at: number;
  failure: string | null;
};

/** A token is not used in the last part of its life: a tenth, at most a minute; it is renewed before, at three tenths. */
const MARGIN_SHARE = 0.1;
const LONGEST_MARGIN_MS = 60_000;
const RENEWAL_SHARE = 0.3;
const LONGEST_RENEWAL_MS = 300_000;
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 30_000;

/**
 * Claro's token for all isolates, in one object: asked for once however many wait, kept across evictions, renewed ahead
 * of its end by the alarm. After a failure Claro is left alone for a while, and everybody is told so at once.
 */
export class AccessToken extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #settings: Settings;
  readonly #clock: Clock;
  #row: TokenRow;
  #refreshing: Promise<AccessTokenReply> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    this.#settings = settings.value;
    this.#clock = shiftedClock(settings.value.clockOffsetMs);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
    this.#row = this.#readRow();
  }

  /** A token that can be used now. The mode is kept: an alarm may not know the object's name. */
  async get(mode: Mode): Promise<AccessTokenReply> {
    if (this.#row.mode !== mode) {
      this.#sql.exec(SAVE_MODE, mode);
      this.#row = this.#readRow();
    }
    const grant = this.#usableGrant();
    return grant === null ? await this.#refresh(mode) : { kind: "granted", grant };
  }

  /** Claro answered 401 to a token: exactly that one is dropped. Whoever comes later gets its successor. */
  async replace(mode: Mode, failedGeneration: number): Promise<AccessTokenReply> {
    if (this.#row.generation === failedGeneration && this.#row.access_token !== null) {
      this.#sql.exec(DROP_TOKEN);
      this.#row = this.#readRow();
    }
    return await this.get(mode);
  }

  /** Age and end of the token, for the operator; never the token. */
  status(): { readonly obtainedAtMs: number | null; readonly expiresAtMs: number | null; readonly failures: number } {
    const { access_token: token, obtained_at: obtainedAtMs, expires_at: expiresAtMs, failures } = this.#row;
    return token === null
      ? { obtainedAtMs: null, expiresAtMs: null, failures }
      : { obtainedAtMs, expiresAtMs, failures };
  }

  override async alarm(): Promise<void> {
    if (this.#row.mode === null) return;
    const reply = await this.#refresh(this.#row.mode);
    // While the old token lives, a failed renewal is tried again; after that the next lookup asks.
    if (reply.kind === "refused" && this.#usableGrant() !== null) {
      await this.ctx.storage.setAlarm(Date.now() + (reply.failure.retryAfterSeconds ?? 1) * 1000);
    }
  }

  #usableGrant(): AccessTokenGrant | null {
    const { access_token: accessToken, generation, obtained_at: obtainedAtMs, expires_at: expiresAtMs } = this.#row;
    if (accessToken === null || obtainedAtMs === null || expiresAtMs === null) return null;
    const lifeMs = expiresAtMs - obtainedAtMs;
    const usableUntilMs = expiresAtMs - Math.min(lifeMs * MARGIN_SHARE, LONGEST_MARGIN_MS);
    const nowMs = this.#clock.nowMs();
    // A token from the future was obtained before the clock jumped back: its end is not known any more.
    if (nowMs >= usableUntilMs || nowMs < obtainedAtMs - LONGEST_MARGIN_MS) return null;
    return { accessToken, generation, usableUntilMs };
  }

  // Single flight: no await stands between the check and the assignment.
  #refresh(mode: Mode): Promise<AccessTokenReply> {
    this.#refreshing ??= this.#requestToken(mode).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #requestToken(mode: Mode): Promise<AccessTokenReply> {
    const nowMs = this.#clock.nowMs();
    const waitMs = this.#row.retry_at - nowMs;
    if (waitMs > 0 && waitMs <= LONGEST_BACKOFF_MS && this.#row.failure !== null) {
      return { kind: "refused", failure: JSON.parse(this.#row.failure) as Failure };
    }
    const claro = new ClaroClient(mode, this.#settings, this.#clock);
    const exchange = await withDeadline<TokenExchange>(this.#settings.claro.timeoutMs, (deadline) =>
      claro.requestToken(deadline),
    );
    if (isDeadlinePassed(exchange)) return this.#noteFailure({ code: "claro_unreachable" });
    if (exchange.kind !== "token") return this.#noteFailure(tokenFailure(exchange));
    const { accessToken, expiresInSeconds } = exchange.token;
    const lifeMs = expiresInSeconds * 1000;
    this.#sql.exec(SAVE_TOKEN, accessToken, nowMs, nowMs + lifeMs);
    this.#row = this.#readRow();
    await this.ctx.storage.setAlarm(Date.now() + lifeMs - Math.min(lifeMs * RENEWAL_SHARE, LONGEST_RENEWAL_MS));
    const grant = this.#usableGrant();
    return grant === null ? this.#noteFailure({ code: "claro_contract" }) : { kind: "granted", grant };
  }

  #noteFailure(failure: Failure): AccessTokenReply {
    const failures = this.#row.failures + 1;
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10), LONGEST_BACKOFF_MS);
    const told: Failure = { ...failure, retryAfterSeconds: Math.ceil(backoffMs / 1000) };
    this.#sql.exec(SAVE_FAILURE, failures, this.#clock.nowMs() + backoffMs, JSON.stringify(told));
    this.#row = this.#readRow();
    return { kind: "refused", failure: told };
  }

  #readRow(): TokenRow {
    return this.#sql.exec<TokenRow>(READ_TOKEN).one();
  }
}

// No score was asked for yet, so nothing here can have been billed: a token call that timed out is a plain failure.
function tokenFailure(exchange: Exclude<TokenExchange, { kind: "token" }>): Failure {
  switch (exchange.kind) {
    case "not_understood":
      return { code: "claro_contract" };
    case "not_sent":
    case "no_answer":
      return { code: "claro_unreachable" };
    case "refused":
      if (exchange.status === 429) return { code: "claro_throttled" };
      if (exchange.status === 403) return { code: "claro_forbidden" };
      if (exchange.status >= 500) return { code: "claro_failed" };
      return { code: "claro_unauthorized" };
  }
}
