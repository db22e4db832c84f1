import { DurableObject } from "cloudflare:workers";
import type { Failure, FailureCode } from "../../domain/failure.ts";
import type { Mode } from "../../domain/meter_event.ts";
import { shiftedClock, type Clock } from "../clock.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { logEvent, messageOf } from "../log.ts";
import { readSettings } from "../settings.ts";
import type { ClaroCause } from "./cause.ts";
import { breakerOf } from "./breaker_client.ts";
import { ClaroClient, type TokenExchange } from "./claro_client.ts";

/** An access token of ours at Claro. `generation` names it without showing it. */
export type AccessTokenGrant = {
  readonly accessToken: string;
  readonly generation: number;
  readonly obtainedAtMs: number;
  /** Until then it may be used; Claro's own end is a margin later. */
  readonly usableUntilMs: number;
};

/** When calls for a token began to fail and with what code, or when they worked again: then the code is null. */
type TokenChange = { readonly atMs: number; readonly code: string | null };

/** The token as operators see it: never the token itself. */
export type TokenStatus = {
  readonly obtainedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Calls for one that failed in a row. */
  readonly failures: number;
  /** Until when Claro is left alone after a failure. */
  readonly nextTryAtMs: number | null;
  /** The newest first, fifty at most. */
  readonly changes: readonly TokenChange[];
};

/** Why there is no token, in what a partner is told and in what the log says. */
export type TokenRefusal = {
  readonly failure: Failure;
  readonly upstreamStatus: number | null;
  readonly cause: ClaroCause;
};

export type AccessTokenReply =
  | { readonly kind: "granted"; readonly grant: AccessTokenGrant }
  | ({ readonly kind: "refused" } & TokenRefusal);

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS token (
    id INTEGER PRIMARY KEY CHECK (id = 1), mode TEXT, access_token TEXT, generation INTEGER NOT NULL DEFAULT 0,
    obtained_at INTEGER, expires_at INTEGER, failures INTEGER NOT NULL DEFAULT 0, retry_at INTEGER NOT NULL DEFAULT 0,
    failure TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, code TEXT) STRICT;
  INSERT INTO token (id) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM token);`;
const READ_TOKEN = `SELECT mode, access_token, generation, obtained_at, expires_at, failures, retry_at, failure FROM token`;
const SAVE_TOKEN = `
  UPDATE token SET access_token = ?, generation = generation + 1, obtained_at = ?, expires_at = ?, failures = 0,
    retry_at = 0, failure = NULL`;
const SAVE_MODE = `UPDATE token SET mode = ?`;
const SAVE_FAILURE = `UPDATE token SET failures = ?, retry_at = ?, failure = ?`;
/** A row when calls for a token begin to fail, fail otherwise, or no longer do (`code` is null): nothing when they go on as they did. */
const ADD_CHANGE = `
  INSERT INTO changes (at_ms, code)
  SELECT ?1, ?2 WHERE ?2 IS NOT (SELECT code FROM changes ORDER BY id DESC LIMIT 1)`;
const DROP_CHANGES = `DELETE FROM changes WHERE id <= (SELECT max(id) FROM changes) - ?`;
const READ_CHANGES = `SELECT at_ms, code FROM changes ORDER BY id DESC`;
const MOST_CHANGES = 50;

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
/** A token that lives for less is renewed when a lookup needs it: an alarm would call Claro for nobody, again and again. */
const LEAST_RENEWED_LIFE_MS = 60_000;
/** A row of an earlier version may hold any end. */
const LONGEST_LIFE_MS = 86_400_000;
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 30_000;
/** As often as this a 401 may have the token renewed, whoever brings it. An older token can always be renewed. */
const RENEWALS = { most: 10, windowMs: 60_000 };
/** Failures that are Claro's own: the breaker hears of them. What refuses our credentials is none. */
const CLAROS_FAILURES: ReadonlySet<FailureCode> = new Set(["claro_failed", "claro_unreachable"]);

/**
 * Claro's token for all isolates, in one object: asked for once however many wait, kept across evictions, renewed ahead
 * of its end by the alarm. A token stays until it has a successor: a 401 to one lookup says nothing of the others, and the
 * call for a new one may fail. After a failure Claro is left alone for a while, and everybody is told so at once.
 */
export class AccessToken extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #claro: Readonly<Record<Mode, ClaroClient>>;
  #row: TokenRow;
  #refreshing: Promise<AccessTokenReply> | null = null;
  /** When 401s had the token renewed. Lost with the object's memory, which a busy object keeps. */
  #renewedAtMs: readonly number[] = [];

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(`misconfigured: ${settings.failure.names.join(", ")}`);
    const clock = shiftedClock(settings.value.clockOffsetMs);
    this.#clock = clock;
    this.#timeoutMs = settings.value.claro.timeoutMs;
    this.#claro = {
      live: new ClaroClient("live", settings.value, clock),
      test: new ClaroClient("test", settings.value, clock),
    };
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

  /** The successor of a token that Claro answered with 401. Others go on with that token until there is one. */
  async replace(mode: Mode, refusedGeneration: number): Promise<AccessTokenReply> {
    if (this.#row.generation !== refusedGeneration || this.#usableGrant() === null) return await this.get(mode);
    // Whoever waits for a renewal that is under way, or for the end of a pause, causes none.
    const isIdle = this.#refreshing === null && this.#keptRefusal() === null;
    if (isIdle && !this.#mayRenew()) {
      const failure = { code: "claro_unauthorized" } as const;
      return { kind: "refused", failure, upstreamStatus: 401, cause: "token_renewed_too_often" };
    }
    return await this.#refresh(mode);
  }

  /** Age and end of the token, and how calls for one went, for the operator. */
  status(): TokenStatus {
    const { access_token: token, obtained_at: obtainedAtMs, failures, retry_at: retryAtMs } = this.#row;
    const isThere = token !== null && obtainedAtMs !== null;
    const changes = this.#sql.exec<{ at_ms: number; code: string | null }>(READ_CHANGES).toArray();
    return {
      obtainedAtMs: isThere ? obtainedAtMs : null,
      expiresAtMs: isThere ? this.#endMs() : null,
      failures,
      nextTryAtMs: failures > 0 && retryAtMs > this.#clock.nowMs() ? retryAtMs : null,
      changes: changes.map(({ at_ms: atMs, code }) => ({ atMs, code })),
    };
  }

  override async alarm(): Promise<void> {
    if (this.#row.mode === null) return;
    try {
      const reply = await this.#refresh(this.#row.mode);
      // While the old token lives, a failed renewal is tried again; after that the next lookup asks.
      if (reply.kind === "granted" || this.#usableGrant() === null) return;
      await this.ctx.storage.setAlarm(Date.now() + (reply.failure.retryAfterSeconds ?? 1) * 1000);
    } catch (error) {
      // An alarm that fails again and again is deleted by the platform.
      logEvent("error", { event: "token_renewal_failed", error: messageOf(error) });
      await this.ctx.storage.setAlarm(Date.now() + LONGEST_BACKOFF_MS);
    }
  }

  #usableGrant(): AccessTokenGrant | null {
    const { access_token: accessToken, generation, obtained_at: obtainedAtMs } = this.#row;
    const endMs = this.#endMs();
    if (accessToken === null || obtainedAtMs === null || endMs === null) return null;
    const usableUntilMs = endMs - Math.min((endMs - obtainedAtMs) * MARGIN_SHARE, LONGEST_MARGIN_MS);
    const nowMs = this.#clock.nowMs();
    // A token from the future was obtained before the clock jumped back: its end is not known any more.
    if (nowMs >= usableUntilMs || nowMs < obtainedAtMs - LONGEST_MARGIN_MS) return null;
    return { accessToken, generation, obtainedAtMs, usableUntilMs };
  }

  #endMs(): number | null {
    const { obtained_at: obtainedAtMs, expires_at: expiresAtMs } = this.#row;
    if (obtainedAtMs === null || expiresAtMs === null) return null;
    return Math.min(expiresAtMs, obtainedAtMs + LONGEST_LIFE_MS);
  }

  #mayRenew(): boolean {
    const nowMs = this.#clock.nowMs();
    const recent = this.#renewedAtMs.filter((atMs) => atMs <= nowMs && nowMs - atMs < RENEWALS.windowMs);
    const mayRenew = recent.length < RENEWALS.most;
    this.#renewedAtMs = mayRenew ? [...recent, nowMs] : recent;
    return mayRenew;
  }

  // Single flight: no await stands between the check and the assignment.
  #refresh(mode: Mode): Promise<AccessTokenReply> {
    this.#refreshing ??= this.#requestToken(mode).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #requestToken(mode: Mode): Promise<AccessTokenReply> {
    const kept = this.#keptRefusal();
    if (kept !== null) return kept;
    const nowMs = this.#clock.nowMs();
    const exchange = await withDeadline<TokenExchange>(this.#timeoutMs, (deadline) =>
      this.#claro[mode].requestToken(deadline),
    );
    if (isDeadlinePassed(exchange)) return this.#noteFailure(mode, tokenRefusal(TIMED_OUT));
    if (exchange.kind !== "token") {
      const askedToWait = exchange.kind === "refused" ? exchange.retryAfterSeconds : null;
      return this.#noteFailure(mode, tokenRefusal(exchange), askedToWait ?? 0);
    }
    const lifeMs = exchange.expiresInSeconds * 1000;
    this.#sql.exec(SAVE_TOKEN, exchange.accessToken, nowMs, nowMs + lifeMs);
    this.#noteChange(null);
    this.#row = this.#readRow();
    if (lifeMs >= LEAST_RENEWED_LIFE_MS) {
      await this.ctx.storage.setAlarm(Date.now() + lifeMs - Math.min(lifeMs * RENEWAL_SHARE, LONGEST_RENEWAL_MS));
    }
    const grant = this.#usableGrant();
    // A token so short-lived that the call for it took its whole life.
    return grant === null
      ? this.#noteFailure(mode, tokenRefusal({ kind: "not_understood", cause: "bad_token" }))
      : { kind: "granted", grant };
  }

  /** What everybody is told while Claro is left alone. */
  #keptRefusal(): AccessTokenReply | null {
    const waitMs = this.#row.retry_at - this.#clock.nowMs();
    if (waitMs <= 0 || waitMs > LONGEST_BACKOFF_MS || this.#row.failure === null) return null;
    const kept = JSON.parse(this.#row.failure) as Partial<TokenRefusal>;
    // An earlier version kept less.
    return kept.failure === undefined ? null : refuse(kept as TokenRefusal, waitMs);
  }

  /** Claro's own wish to be left alone counts, within the longest pause that we make. */
  #noteFailure(mode: Mode, refusal: TokenRefusal, askedToWaitSeconds = 0): AccessTokenReply {
    const failures = this.#row.failures + 1;
    const doubledMs = FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10);
    const backoffMs = Math.min(Math.max(doubledMs, askedToWaitSeconds * 1000), LONGEST_BACKOFF_MS);
    this.#sql.exec(SAVE_FAILURE, failures, this.#clock.nowMs() + backoffMs, JSON.stringify(refusal));
    this.#noteChange(refusal.failure.code);
    this.#row = this.#readRow();
    if (mode === "live" && CLAROS_FAILURES.has(refusal.failure.code)) this.ctx.waitUntil(this.#tellBreaker());
    return refuse(refusal, backoffMs);
  }

  #noteChange(code: FailureCode | null): void {
    this.#sql.exec(ADD_CHANGE, this.#clock.nowMs(), code);
    this.#sql.exec(DROP_CHANGES, MOST_CHANGES);
  }

  /** Once a call, however many lookups wait for it. */
  async #tellBreaker(): Promise<void> {
    try {
      await breakerOf(this.env.CLARO_BREAKER).reportTokenFailure();
    } catch (error) {
      logEvent("warn", { event: "claro_breaker_unreachable", error: messageOf(error) });
    }
  }

  #readRow(): TokenRow {
    return this.#sql.exec<TokenRow>(READ_TOKEN).one();
  }
}

const TIMED_OUT = { kind: "no_answer", status: null, cause: "timeout" } as const;

/** The pause that is told is the one that is kept. */
function refuse(refusal: TokenRefusal, waitMs: number): AccessTokenReply {
  const failure = { ...refusal.failure, retryAfterSeconds: Math.ceil(waitMs / 1000) };
  return { kind: "refused", ...refusal, failure };
}

// No score was asked for yet, so nothing here can have been billed: a token call that timed out is a plain failure.
function tokenRefusal(exchange: Exclude<TokenExchange, { kind: "token" }>): TokenRefusal {
  switch (exchange.kind) {
    case "not_understood":
      return { failure: { code: "claro_contract" }, upstreamStatus: 200, cause: `token_${exchange.cause}` };
    case "not_sent":
    case "no_answer": {
      const { status, cause } = exchange;
      return { failure: { code: "claro_unreachable" }, upstreamStatus: status, cause: `token_${cause}` };
    }
    case "refused": {
      const code = codeOfStatus(exchange.status);
      return { failure: { code }, upstreamStatus: exchange.status, cause: "token_status" };
    }
  }
}

function codeOfStatus(status: number): FailureCode {
  switch (status) {
    case 400:
    case 401:
      return "claro_unauthorized";
    case 403:
      return "claro_forbidden";
    case 429:
      return "claro_throttled";
    case 500:
    case 502:
    case 503:
    case 504:
      return "claro_failed";
    default:
      return "claro_contract";
  }
}
