import type { Role } from "../domain/roles.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";
import { requireRow } from "./batch_rows.ts";
import { sha256Hex } from "./keyed_hash.ts";
import { isOutage } from "./outage.ts";

/** An operator as the register has them; of the token only a hash is kept. */
export type RegisteredOperator = {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly roles: readonly Role[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly lastUsedAtMs: number | null;
};

/** What is known of who may come in: whether the doors are kept, and when the break-glass token was last used. */
export type OperatorsStatus = {
  readonly working: number;
  /** Once an admin with an e-mail was made, Access alone makes nobody an operator. */
  readonly isManaged: boolean;
  readonly breakGlassUsedAtMs: number | null;
};

const COLUMNS = `id, name, email, roles, created_at, expires_at, revoked_at, last_used_at`;
const IS_MANAGED = `
  EXISTS (SELECT 1 FROM operators WHERE email IS NOT NULL
    AND EXISTS (SELECT 1 FROM json_each(roles) WHERE value = 'admin'))`;
/**
 * The operator whose roles may become others: from `before`, to what is another, with `admin` or without. The last admin
 * with an e-mail stays one, revoked or not: without any, Access alone would make everybody an admin again.
 */
const MAY_CHANGE = `
  WITH asked AS (SELECT ? AS id, ? AS before, ? AS roles, ? AS has_admin)
  SELECT one.id FROM operators AS one JOIN asked ON one.id = asked.id AND one.roles = asked.before
  WHERE one.revoked_at IS NULL AND asked.roles <> asked.before
    AND (asked.has_admin OR one.email IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(one.roles) WHERE value = 'admin')
      OR EXISTS (SELECT 1 FROM operators AS other WHERE other.id <> one.id AND other.email IS NOT NULL
        AND EXISTS (SELECT 1 FROM json_each(other.roles) WHERE value = 'admin')))`;
const BREAK_GLASS = "break_glass.use";
const USE_NOTED_MS = 3_600_000;

const SQL = {
  insert: `
    INSERT INTO operators (id, name, email, roles, token_hash, created_at, expires_at) SELECT ?, ?, ?, ?, ?, ?, ?
    WHERE NOT EXISTS (SELECT 1 FROM operators WHERE email = ? AND revoked_at IS NULL)`,
  hasEmail: `SELECT 1 FROM operators WHERE email = ? AND revoked_at IS NULL`,
  byToken: `SELECT ${COLUMNS} FROM operators WHERE token_hash = ?`,
  byEmail: `SELECT ${COLUMNS}, ${IS_MANAGED} AS is_managed FROM (SELECT 1) LEFT JOIN operators
    ON email = ? AND revoked_at IS NULL`,
  byId: `SELECT ${COLUMNS}, token_hash FROM operators WHERE id = ?`,
  page: `SELECT ${COLUMNS} FROM operators WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
  revoke: `UPDATE operators SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`,
  setRoles: `UPDATE operators SET roles = ? WHERE id IN (${MAY_CHANGE})`,
  mayNotChange: `SELECT 1 WHERE NOT EXISTS (${MAY_CHANGE})`,
  isRevoked: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM operators WHERE id = ? AND revoked_at IS NULL)`,
  noteUse: `UPDATE operators SET last_used_at = ?1 WHERE id = ?2 AND coalesce(last_used_at, 0) < ?1 - ?3`,
  usedBreakGlass: `
    SELECT 1 WHERE NOT ${IS_MANAGED} OR EXISTS (
      SELECT 1 FROM audit WHERE action = '${BREAK_GLASS}' AND n = (
        SELECT max(n) FROM audit WHERE action = '${BREAK_GLASS}') AND at > ?)`,
  status: `
    SELECT ${IS_MANAGED} AS is_managed,
      (SELECT count(*) FROM operators WHERE revoked_at IS NULL AND coalesce(expires_at, ?1 + 1) > ?1) AS working,
      (SELECT at FROM audit WHERE action = '${BREAK_GLASS}' ORDER BY n DESC LIMIT 1) AS break_glass_at`,
} as const;

type Row = Record<string, unknown>;

/**
 * Operators in D1, with a copy of each in KV. KV says which tokens are anybody's at all, so that made-up ones never cost D1
 * anything; and it answers while D1 is down, for a key that leaks has to be revoked then too. A revoked operator's copy is
 * gone from KV within a minute, from D1 at once.
 */
export class Operators {
  readonly #db: D1Database;
  readonly #kv: KVNamespace;
  readonly #usesNotedAtMs = new Map<string, number>();

  constructor(db: D1Database, kv: KVNamespace) {
    this.#db = db;
    this.#kv = kv;
  }

  /** Who a token is of; null for nobody's, and for one that is over. */
  async findByToken(token: string, nowMs: number): Promise<RegisteredOperator | null> {
    const hash = await sha256Hex(token);
    const copy = await this.#kv.get<RegisteredOperator>(tokenName(hash), "json");
    if (copy === null) return null;
    const row = await this.#whileD1(() => this.#db.prepare(SQL.byToken).bind(hash).first<Row>());
    const operator = row === "outage" ? copy : row === null ? null : toOperator(row);
    return operator !== null && isWorking(operator, nowMs) ? operator : null;
  }

  /** An operator by id, asked of D1 alone: a session must not outlive its operator in KV. */
  async findById(id: string, nowMs: number): Promise<RegisteredOperator | null> {
    const row = await this.#db.prepare(SQL.byId).bind(id).first<Row>();
    const operator = row === null ? null : toOperator(row);
    return operator !== null && isWorking(operator, nowMs) ? operator : null;
  }

  /** Who an e-mail is of, and whether operators are managed at all. Throws while D1 is down and KV does not know the e-mail. */
  async findByEmail(
    email: string,
    nowMs: number,
  ): Promise<{ readonly operator: RegisteredOperator | null; readonly isManaged: boolean }> {
    const query = () => this.#db.prepare(SQL.byEmail).bind(email).first<Row>();
    const row = await this.#whileD1(query);
    if (row === "outage") {
      const copy = await this.#kv.get<RegisteredOperator>(emailName(email), "json");
      if (copy === null) await query();
      return { operator: copy !== null && isWorking(copy, nowMs) ? copy : null, isManaged: true };
    }
    const operator = row === null || row["id"] === null ? null : toOperator(row);
    const isManaged = row?.["is_managed"] === 1;
    return { operator: operator !== null && isWorking(operator, nowMs) ? operator : null, isManaged };
  }

  /** False when another working operator has the e-mail. */
  async insert(operator: RegisteredOperator, token: string, audit: AuditEntry): Promise<boolean> {
    const { id, name, email, roles, createdAtMs, expiresAtMs } = operator;
    const hash = await sha256Hex(token);
    const [, inserted] = await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.hasEmail, values: [email] }),
      this.#db.prepare(SQL.insert).bind(id, name, email, JSON.stringify(roles), hash, createdAtMs, expiresAtMs, email),
    ]);
    if (inserted?.meta.changes !== 1) return false;
    await this.#kv.put(tokenName(hash), JSON.stringify(operator));
    if (email !== null) await this.#kv.put(emailName(email), JSON.stringify(operator));
    return true;
  }

  /** The operator as revoked; null when there is none. Again it changes nothing but takes away what is left in KV. */
  async revoke(id: string, audit: AuditEntry): Promise<RegisteredOperator | null> {
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.isRevoked, values: [id] }),
      this.#db.prepare(SQL.revoke).bind(audit.atMs, id),
    ]);
    const row = await this.#db.prepare(SQL.byId).bind(id).first<Row>();
    if (row === null) return null;
    const operator = toOperator(row);
    await this.#forget(operator, row["token_hash"] as string);
    return operator;
  }

  /** False when they may not become these: they are others than `before` by now, or the last admin with an e-mail. */
  async setRoles(
    { id, roles: before }: Pick<RegisteredOperator, "id" | "roles">,
    roles: readonly Role[],
    audit: AuditEntry,
  ): Promise<boolean> {
    const asked = [id, JSON.stringify(before), JSON.stringify(roles), roles.includes("admin") ? 1 : 0] as const;
    const [, changed] = await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.mayNotChange, values: asked }),
      this.#db.prepare(SQL.setRoles).bind(JSON.stringify(roles), ...asked),
    ]);
    if (changed?.meta.changes !== 1) return false;
    await this.copy(id);
    return true;
  }

  async page({
    after,
    limit,
  }: {
    after: readonly [number, string] | null;
    limit: number;
  }): Promise<RegisteredOperator[]> {
    const { results } = await this.#db
      .prepare(SQL.page)
      .bind(...(after ?? [0, ""]), limit)
      .all<Row>();
    return results.map(toOperator);
  }

  /** Notes that an operator came in, once an hour. */
  async noteUse(id: string, nowMs: number): Promise<void> {
    if (!this.#isToNote(id, nowMs)) return;
    await this.#db.prepare(SQL.noteUse).bind(nowMs, id, USE_NOTED_MS).run();
  }

  /** Leaves a line once an hour that the break-glass token was used, where operators have tokens of their own. */
  async noteBreakGlass(actor: string, nowMs: number): Promise<void> {
    const audit = { atMs: nowMs, actor, action: BREAK_GLASS, target: "admin-token", before: null, after: null };
    await auditInsert(this.#db, audit, { query: SQL.usedBreakGlass, values: [nowMs - USE_NOTED_MS] }).run();
  }

  async status(nowMs: number): Promise<OperatorsStatus> {
    const row = requireRow(await this.#db.prepare(SQL.status).bind(nowMs).first<Row>());
    return {
      working: row["working"] as number,
      isManaged: row["is_managed"] === 1,
      breakGlassUsedAtMs: row["break_glass_at"] as number | null,
    };
  }

  /** Writes to KV what D1 has of an operator, until nothing has changed meanwhile: a revoked one has no copy. */
  async copy(id: string): Promise<void> {
    const read = async () => await this.#db.prepare(SQL.byId).bind(id).first<Row>();
    for (let row = await read(); row !== null && row["revoked_at"] === null;) {
      const operator = toOperator(row);
      await this.#kv.put(tokenName(row["token_hash"] as string), JSON.stringify(operator));
      if (operator.email !== null) await this.#kv.put(emailName(operator.email), JSON.stringify(operator));
      const now = await read();
      if (now?.["revoked_at"] === null && now["roles"] === row["roles"]) return;
      if (now !== null && now["revoked_at"] !== null) await this.#forget(toOperator(now), now["token_hash"] as string);
      row = now;
    }
  }

  async #forget({ id, email }: RegisteredOperator, hash: string): Promise<void> {
    await this.#kv.delete(tokenName(hash));
    if (email !== null) await this.#forgetEmail(email, id);
  }

  /** The e-mail may be a successor's by now. */
  async #forgetEmail(email: string, id: string): Promise<void> {
    const copy = await this.#kv.get<RegisteredOperator>(emailName(email), "json");
    if (copy?.id === id) await this.#kv.delete(emailName(email));
  }

  #isToNote(name: string, nowMs: number): boolean {
    const notedAtMs = this.#usesNotedAtMs.get(name);
    if (notedAtMs !== undefined && nowMs - notedAtMs < USE_NOTED_MS && nowMs >= notedAtMs) return false;
    this.#usesNotedAtMs.set(name, nowMs);
    return true;
  }

  async #whileD1<Value>(query: () => Promise<Value>): Promise<Value | "outage"> {
    try {
      return await query();
    } catch (error) {
      if (isOutage(error)) return "outage";
      throw error;
    }
  }
}

function isWorking({ expiresAtMs, revokedAtMs }: RegisteredOperator, nowMs: number): boolean {
  return revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs);
}

function tokenName(hash: string): string {
  return `operator:${hash}`;
}

function emailName(email: string): string {
  return `operator-email:${email}`;
}

function toOperator(row: Row): RegisteredOperator {
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    email: row["email"] as string | null,
    roles: JSON.parse(row["roles"] as string) as Role[],
    createdAtMs: row["created_at"] as number,
    expiresAtMs: row["expires_at"] as number | null,
    revokedAtMs: row["revoked_at"] as number | null,
    lastUsedAtMs: row["last_used_at"] as number | null,
  };
}
