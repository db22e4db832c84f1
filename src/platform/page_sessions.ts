import { auditInsert, type AuditEntry } from "./audit.ts";

/** The two places that people sign in to. */
export type Place = "console" | "portal";

/** What a session was opened with; as long as that holds, and no longer, the session does. */
export type SessionKind = "operator" | "access" | "break_glass" | "key" | "link";

export type PageSession = {
  readonly place: Place;
  readonly kind: SessionKind;
  /** An operator's, a key's or a link's id; of an e-mail or the break-glass token a keyed hash. */
  readonly subject: string;
  /** Whom the portal shows; null in the console. */
  readonly tenantId: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
};

/** A link that an operator made for a partner, which opens one session. */
export type PortalLink = {
  readonly id: string;
  readonly tenantId: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
};

/** How long what is over can still be looked at in D1. */
const KEPT_AFTER_END_MS = 86_400_000;

const SESSION_COLUMNS = "place, kind, subject, tenant_id, created_at, expires_at";

const SQL = {
  insert: `
    INSERT INTO page_sessions (hash, ${SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  find: `
    SELECT ${SESSION_COLUMNS} FROM page_sessions WHERE hash = ? AND place = ? AND ended_at IS NULL AND expires_at > ?`,
  end: `UPDATE page_sessions SET ended_at = ? WHERE hash = ? AND ended_at IS NULL`,
  insertLink: `
    INSERT INTO portal_links (id, hash, tenant_id, created_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
  openLink: `
    SELECT id, tenant_id, created_by, created_at, expires_at FROM portal_links
    WHERE hash = ? AND used_at IS NULL AND revoked_at IS NULL AND expires_at > ?`,
  useLink: `
    UPDATE portal_links SET used_at = ?2 WHERE hash = ?1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > ?2
    RETURNING id, tenant_id, created_by, created_at, expires_at`,
  revokeLinks: `UPDATE portal_links SET revoked_at = ? WHERE tenant_id = ? AND revoked_at IS NULL`,
  hasNoLink: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM portal_links WHERE tenant_id = ? AND revoked_at IS NULL)`,
  isLinkInForce: `
    SELECT 1 FROM portal_links JOIN tenants ON tenants.id = tenant_id
    WHERE portal_links.id = ? AND revoked_at IS NULL AND tenants.status = 'active'`,
  forget: `DELETE FROM page_sessions WHERE expires_at < ?`,
  forgetLinks: `DELETE FROM portal_links WHERE expires_at < ?`,
} as const;

/** A link's row is there for as long as a session that it opened. */
const LINKS_KEPT_AFTER_END_MS = 2 * KEPT_AFTER_END_MS;

type Row = Record<string, unknown>;

/** Sessions of people and the links that open them, in D1. */
export class PageSessions {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async insert(hash: string, session: PageSession): Promise<void> {
    const { place, kind, subject, tenantId, createdAtMs, expiresAtMs } = session;
    await this.#db.prepare(SQL.insert).bind(hash, place, kind, subject, tenantId, createdAtMs, expiresAtMs).run();
  }

  /** A session that is not over by itself. Whether what it was opened with still holds is for the gateway to ask. */
  async find(hash: string, place: Place, nowMs: number): Promise<PageSession | null> {
    const row = await this.#db.prepare(SQL.find).bind(hash, place, nowMs).first<Row>();
    return row === null ? null : toSession(row);
  }

  async end(hash: string, nowMs: number): Promise<void> {
    await this.#db.prepare(SQL.end).bind(nowMs, hash).run();
  }

  async insertLink(hash: string, link: PortalLink, audit: AuditEntry): Promise<void> {
    const { id, tenantId, createdBy, createdAtMs, expiresAtMs } = link;
    await this.#db.batch([
      auditInsert(this.#db, audit),
      this.#db.prepare(SQL.insertLink).bind(id, hash, tenantId, createdBy, createdAtMs, expiresAtMs),
    ]);
  }

  /** A link that can still be used, without using it. */
  async openLink(hash: string, nowMs: number): Promise<PortalLink | null> {
    const row = await this.#db.prepare(SQL.openLink).bind(hash, nowMs).first<Row>();
    return row === null ? null : toLink(row);
  }

  /** Takes a link for its one use; null when it was used, revoked or too late. */
  async useLink(hash: string, nowMs: number): Promise<PortalLink | null> {
    const row = await this.#db.prepare(SQL.useLink).bind(hash, nowMs).first<Row>();
    return row === null ? null : toLink(row);
  }

  /** True as long as the link was not revoked and its tenant is not suspended. */
  async isLinkInForce(id: string): Promise<boolean> {
    return (await this.#db.prepare(SQL.isLinkInForce).bind(id).first()) !== null;
  }

  /** Ends a tenant's links and every session that one of them opened. */
  async revokeLinks(tenantId: string, audit: AuditEntry): Promise<void> {
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.hasNoLink, values: [tenantId] }),
      this.#db.prepare(SQL.revokeLinks).bind(audit.atMs, tenantId),
    ]);
  }

  /** Deletes what has long been over. */
  async forget(nowMs: number): Promise<void> {
    await this.#db.batch([
      this.#db.prepare(SQL.forget).bind(nowMs - KEPT_AFTER_END_MS),
      this.#db.prepare(SQL.forgetLinks).bind(nowMs - LINKS_KEPT_AFTER_END_MS),
    ]);
  }
}

function toSession(row: Row): PageSession {
  return {
    place: row["place"] as Place,
    kind: row["kind"] as SessionKind,
    subject: row["subject"] as string,
    tenantId: row["tenant_id"] as string | null,
    createdAtMs: row["created_at"] as number,
    expiresAtMs: row["expires_at"] as number,
  };
}

function toLink(row: Row): PortalLink {
  return {
    id: row["id"] as string,
    tenantId: row["tenant_id"] as string,
    createdBy: row["created_by"] as string,
    createdAtMs: row["created_at"] as number,
    expiresAtMs: row["expires_at"] as number,
  };
}
