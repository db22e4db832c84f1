import type { Scope } from "../domain/api_key.ts";
import type { TenantStatus } from "../domain/authorization.ts";
import type { Mode } from "../domain/meter_event.ts";
import type { Plan } from "../domain/plan.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";

/** A paying partner, as the register has it. */
export type Tenant = {
  readonly id: string;
  readonly name: string;
  /** CNPJ, `[A-Z0-9]{12}[0-9]{2}`. */
  readonly document: string;
  /** The `X-CustomerID` that Claro is sent. */
  readonly customerId: string;
  readonly plan: Plan;
  readonly status: TenantStatus;
  readonly createdAtMs: number;
  readonly version: number;
};

/** A key as the register has it: everything but the secret, of which only a hash is kept. */
export type RegisteredKey = {
  readonly id: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly label: string | null;
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  readonly allowedIps: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly replaces: string | null;
  readonly inDirectory: boolean;
};

export type Page = { readonly after: readonly [number, string] | null; readonly limit: number };

const TENANT_COLUMNS = `id, name, document, customer_id, plan, status, created_at, version`;
const KEY_COLUMNS = `id, tenant_id, mode, label, secret_hash, scopes, allowed_ips, created_at, expires_at, revoked_at,
  replaces, in_directory`;

const SQL = {
  insertTenant: `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  updateTenant: `
    UPDATE tenants SET name = ?, customer_id = ?, plan = ?, status = ?, version = version + 1
    WHERE id = ? AND version = ?`,
  tenant: `SELECT ${TENANT_COLUMNS} FROM tenants WHERE id = ?`,
  tenants: `
    SELECT ${TENANT_COLUMNS} FROM tenants WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
  unprojected: `SELECT id FROM tenants WHERE projected_version < version ORDER BY created_at, id LIMIT ?`,
  touchTenant: `UPDATE tenants SET version = version + 1 WHERE id = ?`,
  setProjected: `UPDATE tenants SET projected_version = max(projected_version, ?) WHERE id = ?`,
  insertKey: `
    INSERT INTO api_keys (id, tenant_id, mode, label, secret_hash, scopes, allowed_ips, created_at, expires_at, replaces)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  key: `SELECT ${KEY_COLUMNS} FROM api_keys WHERE id = ?`,
  keysOfTenant: `SELECT ${KEY_COLUMNS} FROM api_keys WHERE tenant_id = ? ORDER BY created_at, id`,
  keysPage: `
    SELECT ${KEY_COLUMNS} FROM api_keys WHERE tenant_id = ? AND (created_at, id) > (?, ?)
    ORDER BY created_at, id LIMIT ?`,
  revokeKey: `UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`,
  expireKey: `UPDATE api_keys SET expires_at = min(coalesce(expires_at, ?1), ?1) WHERE id = ?2`,
  setInDirectory: `UPDATE api_keys SET in_directory = 1 WHERE id = ?`,
  audit: `SELECT n, at, actor, action, target, before, after FROM audit WHERE n > ? ORDER BY n LIMIT ?`,
} as const;

type Row = Record<string, unknown>;

/** The register of tenants and keys in D1. Every change and its line in the audit are one transaction. */
export class Register {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async insertTenant(tenant: Tenant, audit: AuditEntry): Promise<void> {
    const { id, name, document, customerId, plan, status, createdAtMs } = tenant;
    const insert = this.#bind(
      SQL.insertTenant,
      id,
      name,
      document,
      customerId,
      JSON.stringify(plan),
      status,
      createdAtMs,
    );
    await this.#db.batch([insert, this.#audit(audit)]);
  }

  /** False when somebody else changed the tenant since it was read; nothing is changed then but the audit. */
  async updateTenant(tenant: Tenant, audit: AuditEntry): Promise<boolean> {
    const { id, name, customerId, plan, status, version } = tenant;
    const update = this.#bind(SQL.updateTenant, name, customerId, JSON.stringify(plan), status, id, version);
    const [updated] = await this.#db.batch([update, this.#audit(audit)]);
    return updated?.meta.changes === 1;
  }

  async tenant(id: string): Promise<Tenant | null> {
    const row = await this.#bind(SQL.tenant, id).first<Row>();
    return row === null ? null : toTenant(row);
  }

  async tenants({ after, limit }: Page): Promise<Tenant[]> {
    const [createdAtMs, id] = after ?? [0, ""];
    return (await this.#bind(SQL.tenants, createdAtMs, id, limit).all<Row>()).results.map(toTenant);
  }

  /** Tenants whose ledgers or keys in KV are behind the register. */
  async unprojected(limit: number): Promise<string[]> {
    return (await this.#bind(SQL.unprojected, limit).all<{ id: string }>()).results.map((row) => row.id);
  }

  async markProjected(tenant: Tenant, publishedKeyIds: readonly string[]): Promise<void> {
    const published = publishedKeyIds.map((keyId) => this.#bind(SQL.setInDirectory, keyId));
    await this.#db.batch([...published, this.#bind(SQL.setProjected, tenant.version, tenant.id)]);
  }

  async insertKey(key: RegisteredKey, audit: AuditEntry): Promise<void> {
    await this.#db.batch([...this.#keyInserts(key), this.#audit(audit)]);
  }

  /** The new key, and the old one's end, in one step. */
  async replaceKey(key: RegisteredKey, old: { id: string; expiresAtMs: number }, audit: AuditEntry): Promise<void> {
    const expire = this.#bind(SQL.expireKey, old.expiresAtMs, old.id);
    await this.#db.batch([...this.#keyInserts(key), expire, this.#audit(audit)]);
  }

  async revokeKey(key: RegisteredKey, revokedAtMs: number, audit: AuditEntry): Promise<void> {
    const revoke = this.#bind(SQL.revokeKey, revokedAtMs, key.id);
    await this.#db.batch([revoke, this.#bind(SQL.touchTenant, key.tenantId), this.#audit(audit)]);
  }

  async key(id: string): Promise<RegisteredKey | null> {
    const row = await this.#bind(SQL.key, id).first<Row>();
    return row === null ? null : toKey(row);
  }

  async keysOfTenant(tenantId: string): Promise<RegisteredKey[]> {
    return (await this.#bind(SQL.keysOfTenant, tenantId).all<Row>()).results.map(toKey);
  }

  async keysPage(tenantId: string, { after, limit }: Page): Promise<RegisteredKey[]> {
    const [createdAtMs, id] = after ?? [0, ""];
    return (await this.#bind(SQL.keysPage, tenantId, createdAtMs, id, limit).all<Row>()).results.map(toKey);
  }

  /** For what an operator did that changes no row of the register. */
  async note(audit: AuditEntry): Promise<void> {
    await this.#audit(audit).run();
  }

  async audit(after: number, limit: number): Promise<(AuditEntry & { readonly n: number })[]> {
    return (await this.#bind(SQL.audit, after, limit).all<Row>()).results.map(toAudit);
  }

  #keyInserts(key: RegisteredKey): D1PreparedStatement[] {
    const { id, tenantId, mode, label, secretHash, scopes, allowedIps, createdAtMs, expiresAtMs, replaces } = key;
    const json = [JSON.stringify(scopes), JSON.stringify(allowedIps)];
    return [
      this.#bind(SQL.insertKey, id, tenantId, mode, label, secretHash, ...json, createdAtMs, expiresAtMs, replaces),
      this.#bind(SQL.touchTenant, tenantId),
    ];
  }

  #audit(entry: AuditEntry): D1PreparedStatement {
    return auditInsert(this.#db, entry);
  }

  #bind(statement: string, ...values: readonly (string | number | null)[]): D1PreparedStatement {
    return this.#db.prepare(statement).bind(...values);
  }
}

function toTenant(row: Row): Tenant {
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    document: row["document"] as string,
    customerId: row["customer_id"] as string,
    plan: JSON.parse(row["plan"] as string) as Plan,
    status: row["status"] as TenantStatus,
    createdAtMs: row["created_at"] as number,
    version: row["version"] as number,
  };
}

function toKey(row: Row): RegisteredKey {
  return {
    id: row["id"] as string,
    tenantId: row["tenant_id"] as string,
    mode: row["mode"] as Mode,
    label: row["label"] as string | null,
    secretHash: row["secret_hash"] as string,
    scopes: JSON.parse(row["scopes"] as string) as Scope[],
    allowedIps: JSON.parse(row["allowed_ips"] as string) as string[],
    createdAtMs: row["created_at"] as number,
    expiresAtMs: row["expires_at"] as number | null,
    revokedAtMs: row["revoked_at"] as number | null,
    replaces: row["replaces"] as string | null,
    inDirectory: row["in_directory"] === 1,
  };
}

function toAudit(row: Row): AuditEntry & { readonly n: number } {
  return {
    n: row["n"] as number,
    atMs: row["at"] as number,
    actor: row["actor"] as string,
    action: row["action"] as string,
    target: row["target"] as string,
    before: fromJson(row["before"]),
    after: fromJson(row["after"]),
  };
}

function fromJson(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : null;
}
