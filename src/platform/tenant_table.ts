import { rowOf, rowsOf } from "./batch_rows.ts";
import type { Tenant } from "./register.ts";

/** How the list of tenants is asked for. */
export type TenantTableAsked = {
  /** Part of a name, a CNPJ's beginning, or an id. */
  readonly text: string;
  readonly status: Tenant["status"] | null;
  readonly order: "created" | "name" | "spent";
  readonly isDescending: boolean;
  readonly offset: number;
  readonly limit: number;
  /** The month whose spending counts, by its first and last day. */
  readonly from: string;
  readonly to: string;
};

/** A row of it: who, and what the month came to so far. */
export type TenantRow = {
  readonly id: string;
  readonly name: string;
  readonly document: string;
  readonly status: Tenant["status"];
  readonly plan: Tenant["plan"];
  readonly createdAtMs: number;
  readonly lookups: number;
  readonly spentMicros: number;
};

const ORDERS = { created: "created_at", name: "name COLLATE NOCASE", spent: "spent" } as const;

/** All tenants with what they spent, sorted and found by a part of their name: what an operator looks through. */
export async function tenantTable(
  db: D1Database,
  asked: TenantTableAsked,
): Promise<{ rows: TenantRow[]; count: number }> {
  const { text, status, order, isDescending, offset, limit, from, to } = asked;
  const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const document = text.replaceAll(/[^0-9A-Za-z]/g, "").toUpperCase();
  const where = `(?1 = '' OR name LIKE ?2 ESCAPE '\\' OR legal_name LIKE ?2 ESCAPE '\\' OR id = ?1 OR (?3 <> '' AND document >= ?3 AND document < ?3 || '~'))
    AND (?4 IS NULL OR status = ?4)`;
  const direction = isDescending ? "DESC" : "ASC";
  const [found, counted] = await db.batch<Record<string, unknown>>([
    db
      .prepare(
        `WITH spending AS (
           SELECT tenant_id, sum(sums->>'$.amountMicros') AS spent,
             sum((SELECT sum(value) FROM json_each(sums, '$.counts'))) AS lookups
           FROM usage_days WHERE date BETWEEN ?5 AND ?6 AND mode = 'live' GROUP BY tenant_id)
         SELECT id, name, document, status, plan, created_at, coalesce(spent, 0) AS spent, coalesce(lookups, 0) AS lookups
         FROM tenants LEFT JOIN spending ON tenant_id = id WHERE ${where}
         ORDER BY ${ORDERS[order]} ${direction}, id LIMIT ?7 OFFSET ?8`,
      )
      .bind(text, pattern, document, status, from, to, limit, offset),
    db.prepare(`SELECT count(*) AS n FROM tenants WHERE ${where}`).bind(text, pattern, document, status),
  ]);
  return { rows: rowsOf(found).map(toRow), count: rowOf(counted)["n"] as number };
}

function toRow(row: Record<string, unknown>): TenantRow {
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    document: row["document"] as string,
    status: row["status"] as TenantRow["status"],
    plan: JSON.parse(row["plan"] as string) as TenantRow["plan"],
    createdAtMs: row["created_at"] as number,
    lookups: row["lookups"] as number,
    spentMicros: row["spent"] as number,
  };
}
