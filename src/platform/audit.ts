/** Who did what to what; `before` and `after` hold no secret. */
export type AuditEntry = {
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
};

/** An entry with its place in the audit. */
export type NumberedAuditEntry = AuditEntry & { readonly n: number };

/** A row of `audit`. */
export function toAuditEntry(row: Readonly<Record<string, unknown>>): NumberedAuditEntry {
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

type SqlValue = string | number | null;

/**
 * The statement that writes an entry, for the batch of the change that it tells of. With `unless`, a query, it writes
 * nothing when that finds a row: put before the change, it keeps a repeat of the change out of the audit.
 */
export function auditInsert(
  db: D1Database,
  entry: AuditEntry,
  unless: { readonly query: string; readonly values: readonly SqlValue[] } = {
    query: "SELECT 1 WHERE false",
    values: [],
  },
): D1PreparedStatement {
  const { atMs, actor, action, target, before, after } = entry;
  return db
    .prepare(
      `INSERT INTO audit (at, actor, action, target, before, after) SELECT ?, ?, ?, ?, ?, ?
       WHERE NOT EXISTS (${unless.query})`,
    )
    .bind(atMs, actor, action, target, toJson(before), toJson(after), ...unless.values);
}

function fromJson(text: unknown): unknown {
  return typeof text === "string" ? JSON.parse(text) : null;
}

function toJson(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
