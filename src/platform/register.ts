import type { LedgerKey } from "../domain/ledger/terms.ts";
import type { Mode } from "../domain/meter_event.ts";
import { auditInsert, toAuditEntry, type AuditEntry, type NumberedAuditEntry } from "./audit.ts";
import { requireRow, rowOf, rowsOf } from "./batch_rows.ts";
import {
  toKey,
  toRestricted,
  toTenant,
  type RegisteredKey,
  type RestrictedSubjects,
  type Row,
  type Tenant,
} from "./register_rows.ts";
import { SQL } from "./register_sql.ts";

export type { RegisteredKey, Tenant } from "./register_rows.ts";

/** All that a tenant's ledgers are told, as of one instant. */
export type RegisteredTerms = {
  readonly tenant: Tenant;
  readonly keys: readonly RegisteredKey[];
  readonly restricted: RestrictedSubjects;
  readonly knownSeq: number;
};

/** A key as its ledger has it and the register does not, after D1 was restored to an earlier point. */
export type RecoveredKey = { readonly mode: Mode; readonly key: LedgerKey };

/** What the register shows such a key as; it can be revoked like any other. */
const UNKNOWN_LABEL = "unknown to the register";

/** A key that ends soon and has no successor. */
export type EndingKey = {
  readonly keyId: string;
  readonly tenantId: string;
  readonly tenantName: string;
  readonly label: string | null;
  readonly expiresAtMs: number;
};

/** How a tenant is written down. */
export type TenantWrite = {
  readonly audit: AuditEntry;
  /** The tenant's document may be another tenant's as well. */
  readonly allowDuplicate: boolean;
};

export type Page = { readonly after: readonly [number, string] | null; readonly limit: number };

type SqlValue = string | number | null;

/** What must find a row for a statement to do anything: a change, its audit and what follows from it all ask for it. */
type Guard = { readonly query: string; readonly values: readonly SqlValue[] };
const ALWAYS: Guard = { query: "SELECT 1", values: [] };

/** The register of tenants and keys in D1. Every change and its line in the audit are one transaction. */
export class Register {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** False when another tenant has the document; nothing is written then. */
  async insertTenant(tenant: Tenant, { audit, allowDuplicate }: TenantWrite): Promise<boolean> {
    const { id, name, document, legalName, email, customerId, plan, status, createdAtMs, requires } = tenant;
    const written = [JSON.stringify(plan), status, createdAtMs, JSON.stringify(requires)];
    const columns = [id, name, document, legalName, email, customerId, ...written];
    const guard = allowDuplicate ? ALWAYS : unusedDocument(tenant);
    const [, inserted] = await this.#db.batch([
      this.#audit(audit, guard),
      this.#bindIf(guard, SQL.insertTenant, ...columns),
    ]);
    return inserted?.meta.changes === 1;
  }

  /** False when somebody else changed the tenant since it was read, or took its document; nothing is changed then. */
  async updateTenant(tenant: Tenant, { audit, allowDuplicate }: TenantWrite): Promise<boolean> {
    const { id, name, document, legalName, email, customerId, plan, status, version, nextPlan, requires } = tenant;
    const next = nextPlan === null ? [null, null] : [JSON.stringify(nextPlan.plan), nextPlan.fromMs];
    const named = [name, document, legalName, email, customerId, JSON.stringify(plan), status];
    const columns = [...named, ...next, JSON.stringify(requires), id];
    const unchanged = { query: `SELECT 1 FROM tenants WHERE id = ? AND version = ?`, values: [id, version] };
    const guard = allowDuplicate ? unchanged : both(unchanged, unusedDocument(tenant));
    const [, updated] = await this.#db.batch([
      this.#audit(audit, guard),
      this.#bindIf(guard, SQL.updateTenant, ...columns),
    ]);
    return updated?.meta.changes === 1;
  }

  /** The oldest tenant that has a document, besides `exceptId`. */
  async tenantOfDocument(document: string, exceptId: string): Promise<string | null> {
    return (await this.#bind(SQL.tenantOfDocument, document, exceptId).first<{ id: string }>())?.id ?? null;
  }

  async tenant(id: string): Promise<Tenant | null> {
    const row = await this.#bind(SQL.tenant, id).first<Row>();
    return row === null ? null : toTenant(row);
  }

  /** The names of some tenants, by their ids. */
  async namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map();
    const { results } = await this.#bind(SQL.namesOf, JSON.stringify(ids)).all<{ id: string; name: string }>();
    return new Map(results.map(({ id, name }) => [id, name]));
  }

  async tenants({ after, limit }: Page): Promise<Tenant[]> {
    const [createdAtMs, id] = after ?? [0, ""];
    return (await this.#bind(SQL.tenants, createdAtMs, id, limit).all<Row>()).results.map(toTenant);
  }

  /** How many tenants there are, and how many of them up to a place; all of them where that is null. */
  async countTenants(through: Page["after"]): Promise<{ readonly all: number; readonly through: number }> {
    const [createdAtMs, id] = through ?? [Number.MAX_SAFE_INTEGER, ""];
    const counts = await this.#bind(SQL.countTenants, createdAtMs, id).first<{ n: number; through: number }>();
    const { n: all, through: counted } = requireRow(counts);
    return { all, through: counted };
  }

  /** Ledgers and KV are as if they had been told nothing; gives how many tenants that is true of now. */
  async forgetProjections(): Promise<number> {
    const [, tenants] = await this.#db.batch([this.#bind(SQL.forgetDirectory), this.#bind(SQL.forgetProjections)]);
    return tenants?.meta.changes ?? 0;
  }

  /** Tenants whose ledgers or keys in KV are behind the register. */
  async unprojected(limit: number): Promise<string[]> {
    return (await this.#bind(SQL.unprojected, limit).all<{ id: string }>()).results.map((row) => row.id);
  }

  /** What the ledgers of a tenant are to know, in one reading: nothing of it is older than the tenant's version. */
  async termsOf(tenantId: string): Promise<RegisteredTerms | null> {
    const [tenants, keys, restricted, known] = await this.#db.batch<Row>([
      this.#bind(SQL.tenant, tenantId),
      this.#bind(SQL.keysOfTenant, tenantId),
      this.#bind(SQL.restricted),
      this.#bind(SQL.knownSeq, tenantId),
    ]);
    const [row] = rowsOf(tenants);
    if (row === undefined) return null;
    return {
      tenant: toTenant(row),
      keys: rowsOf(keys).map(toKey),
      restricted: toRestricted(rowsOf(restricted)),
      knownSeq: rowOf(known)["seq"] as number,
    };
  }

  async markProjected({ id, version }: Tenant): Promise<void> {
    await this.#bind(SQL.setProjected, version, id).run();
  }

  async markPublished(keyId: string): Promise<void> {
    await this.#bind(SQL.setInDirectory, keyId).run();
  }

  /** True when the tenant's ledgers and KV have been told all that the register says. */
  async isProjected(tenantId: string): Promise<boolean> {
    return (await this.#bind(SQL.isProjected, tenantId).first<Row>())?.["is_projected"] === 1;
  }

  /** False when the tenant has `most` working keys already, however many are made at once; nothing is changed then. */
  async insertKey(key: RegisteredKey, { most, audit }: { most: number; audit: AuditEntry }): Promise<boolean> {
    const guard = fewerKeys(key, most);
    const [, , inserted] = await this.#db.batch([
      this.#audit(audit, guard),
      this.#touch(key.tenantId, guard),
      this.#insertKey(key, guard),
    ]);
    return inserted?.meta.changes === 1;
  }

  /** Puts a tenant's version above its ledger's, and back what keys the ledger has and the register lost. */
  async liftTenant(
    tenantId: string,
    { above, keys, audit }: { above: number; keys: readonly RecoveredKey[]; audit: AuditEntry },
  ): Promise<void> {
    await this.#db.batch([
      this.#audit(audit),
      this.#bind(SQL.liftTenant, above, audit.atMs, tenantId),
      ...keys.map((key) => this.#recoverKey(tenantId, key, audit.atMs)),
    ]);
  }

  /** Tenants whose version was lifted since an instant. */
  async lifted(sinceMs: number): Promise<{ id: string; liftedAtMs: number }[]> {
    const { results } = await this.#bind(SQL.lifted, sinceMs).all<{ id: string; lifted_at: number }>();
    return results.map(({ id, lifted_at: liftedAtMs }) => ({ id, liftedAtMs }));
  }

  #recoverKey(tenantId: string, { mode, key }: RecoveredKey, nowMs: number): D1PreparedStatement {
    const { keyId, scopes, allowedIps, expiresAtMs, revokedAtMs, limits = null, defaults = null } = key;
    const rights = [JSON.stringify(scopes), JSON.stringify(allowedIps)];
    const times = [nowMs, expiresAtMs, revokedAtMs];
    const terms = [textOf(limits), textOf(defaults)];
    return this.#bind(SQL.recoverKey, keyId, tenantId, mode, UNKNOWN_LABEL, ...rights, ...times, ...terms);
  }

  /** The new key, and the old one's end, in one step. False when the old one was changed since it was read. */
  async replaceKey(
    key: RegisteredKey,
    old: RegisteredKey,
    change: { oldExpiresAtMs: number; most: number; audit: AuditEntry },
  ): Promise<boolean> {
    // The old one counts no more where it ends at once.
    const endsNow = change.oldExpiresAtMs <= key.createdAtMs;
    const guard = both(unchangedKey(old), fewerKeys(key, change.most + (endsNow ? 1 : 0)));
    const [, , inserted] = await this.#db.batch([
      this.#audit(change.audit, guard),
      this.#touch(key.tenantId, guard),
      this.#insertKey(key, guard),
      this.#bindIf(guard, SQL.expireKey, change.oldExpiresAtMs, old.id),
    ]);
    return inserted?.meta.changes === 1;
  }

  /** False when the key was changed since it was read; nothing is changed then. */
  async revokeKey(key: RegisteredKey, revokedAtMs: number, audit: AuditEntry): Promise<boolean> {
    const guard = unchangedKey(key);
    const [, , revoked] = await this.#db.batch([
      this.#audit(audit, guard),
      this.#touch(key.tenantId, guard),
      this.#bindIf(guard, SQL.revokeKey, revokedAtMs, key.id),
    ]);
    return revoked?.meta.changes === 1;
  }

  /** Gives a key other limits and defaults. False when it was changed since it was read; nothing is changed then. */
  async changeKey(key: RegisteredKey, old: RegisteredKey, audit: AuditEntry): Promise<boolean> {
    const guard = unchangedKey(old);
    const [, , changed] = await this.#db.batch([
      this.#audit(audit, guard),
      this.#touch(key.tenantId, guard),
      this.#bindIf(guard, SQL.changeKey, textOf(key.limits), textOf(key.defaults), key.id),
    ]);
    return changed?.meta.changes === 1;
  }

  async activeKeys(tenantId: string, nowMs: number): Promise<number> {
    return requireRow(await this.#bind(SQL.activeKeys, tenantId, nowMs).first<{ n: number }>()).n;
  }

  async key(id: string): Promise<RegisteredKey | null> {
    const row = await this.#bind(SQL.key, id).first<Row>();
    return row === null ? null : toKey(row);
  }

  /** Keys of all tenants that end within a time, the first to end first. */
  async keysEnding({ fromMs, toMs }: { fromMs: number; toMs: number }, most: number): Promise<EndingKey[]> {
    const { results } = await this.#bind(SQL.keysEnding, fromMs, toMs, most).all<Row>();
    return results.map((row) => ({
      keyId: row["id"] as string,
      tenantId: row["tenant_id"] as string,
      tenantName: row["name"] as string,
      label: row["label"] as string | null,
      expiresAtMs: row["expires_at"] as number,
    }));
  }

  async keysOfTenant(tenantId: string): Promise<RegisteredKey[]> {
    return (await this.#bind(SQL.keysOfTenant, tenantId).all<Row>()).results.map(toKey);
  }

  /** A tenant's keys, oldest first; those of one mode where it is given. */
  async keysPage(
    tenantId: string,
    { after, limit, mode = null }: Page & { readonly mode?: Mode | null },
  ): Promise<RegisteredKey[]> {
    const [createdAtMs, id] = after ?? [0, ""];
    return (await this.#bind(SQL.keysPage, tenantId, createdAtMs, id, limit, mode).all<Row>()).results.map(toKey);
  }

  /** For what an operator did that changes no row of the register. */
  async note(audit: AuditEntry): Promise<void> {
    await this.#audit(audit).run();
  }

  async audit(after: number, limit: number): Promise<NumberedAuditEntry[]> {
    return (await this.#bind(SQL.audit, after, limit).all<Row>()).results.map(toAuditEntry);
  }

  #insertKey(key: RegisteredKey, guard: Guard = ALWAYS): D1PreparedStatement {
    const { id, tenantId, mode, label, secretHash, createdAtMs, expiresAtMs, lifetimeMs, replaces } = key;
    const rights = [JSON.stringify(key.scopes), JSON.stringify(key.allowedIps)];
    const times = [createdAtMs, expiresAtMs, lifetimeMs];
    const terms = [textOf(key.limits), textOf(key.defaults)];
    const columns = [id, tenantId, mode, label, secretHash, ...rights, ...times, replaces, ...terms];
    return this.#bindIf(guard, SQL.insertKey, ...columns);
  }

  #touch(tenantId: string, guard: Guard = ALWAYS): D1PreparedStatement {
    return this.#bindIf(guard, SQL.touchTenant, tenantId);
  }

  #audit(entry: AuditEntry, { query, values }: Guard = ALWAYS): D1PreparedStatement {
    return auditInsert(this.#db, entry, { query: `SELECT 1 WHERE NOT EXISTS (${query})`, values });
  }

  #bindIf(guard: Guard, statement: string, ...values: readonly SqlValue[]): D1PreparedStatement {
    return this.#bind(`${statement} AND EXISTS (${guard.query})`, ...values, ...guard.values);
  }

  #bind(statement: string, ...values: readonly SqlValue[]): D1PreparedStatement {
    return this.#db.prepare(statement).bind(...values);
  }
}

function unchangedKey({ id, expiresAtMs, limits, defaults }: RegisteredKey): Guard {
  const query = `
    SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL AND expires_at IS ? AND limits IS ? AND defaults IS ?`;
  return { query, values: [id, expiresAtMs, textOf(limits), textOf(defaults)] };
}

function textOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function both(left: Guard, right: Guard): Guard {
  const query = `SELECT 1 WHERE EXISTS (${left.query}) AND EXISTS (${right.query})`;
  return { query, values: [...left.values, ...right.values] };
}

function unusedDocument({ id, document }: Tenant): Guard {
  const query = `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM tenants WHERE document = ? AND id <> ?)`;
  return { query, values: [document, id] };
}

/** A tenant has fewer working keys than `most`. */
function fewerKeys({ tenantId, createdAtMs }: RegisteredKey, most: number): Guard {
  return { query: `SELECT 1 WHERE (${SQL.activeKeys}) < ?`, values: [tenantId, createdAtMs, most] };
}
