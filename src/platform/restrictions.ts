import { auditInsert, type AuditEntry } from "./audit.ts";
import { requireRow } from "./batch_rows.ts";
import { listPages } from "./r2_objects.ts";
import type { Page } from "./register.ts";

/** That lookups of a person are refused. `subject` is the person, by a keyed hash (platform/reference_keys.ts). */
export type Restriction = {
  readonly id: string;
  readonly subject: string;
  readonly reason: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** When it ends by itself; null for never. */
  readonly untilMs: number | null;
  readonly endedAtMs: number | null;
  readonly endedBy: string | null;
};

const ROOT = "restrictions/";
const COLUMNS = `id, subject, reason, created_at, created_by, until_at, ended_at, ended_by`;

const SQL = {
  one: `SELECT ${COLUMNS} FROM subject_restrictions WHERE id = ?`,
  page: `
    SELECT ${COLUMNS} FROM subject_restrictions WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
  ofSubject: `SELECT ${COLUMNS} FROM subject_restrictions WHERE subject = ? ORDER BY created_at, id LIMIT 1000`,
  due: `SELECT ${COLUMNS} FROM subject_restrictions WHERE ended_at IS NULL AND until_at <= ? ORDER BY until_at LIMIT ?`,
  countInForce: `SELECT count(*) AS n FROM subject_restrictions WHERE ended_at IS NULL`,
  states: `SELECT id, ended_at FROM subject_restrictions`,
  insert: `INSERT INTO subject_restrictions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  exists: `SELECT 1 FROM subject_restrictions WHERE id = ?`,
  end: `UPDATE subject_restrictions SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL`,
  isEnded: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM subject_restrictions WHERE id = ? AND ended_at IS NULL)`,
  // Every ledger has to be told: what counts as told is below this version.
  touchAll: `UPDATE tenants SET version = version + 1`,
} as const;

type Row = {
  readonly id: string;
  readonly subject: string;
  readonly reason: string;
  readonly created_at: number;
  readonly created_by: string;
  readonly until_at: number | null;
  readonly ended_at: number | null;
  readonly ended_by: string | null;
};

/**
 * Restrictions of persons in D1, where ledgers are told from, and in R2, which remembers them when D1 is restored to an
 * earlier point: `restrictions/<id>.json`, written before D1's row, and again when the restriction ends. An object never
 * goes back from its end.
 */
export class Restrictions {
  readonly #db: D1Database;
  readonly #bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.#bucket = bucket;
  }

  async one(id: string): Promise<Restriction | null> {
    const row = await this.#db.prepare(SQL.one).bind(id).first<Row>();
    return row === null ? null : toRestriction(row);
  }

  async page({ after, limit }: Page): Promise<Restriction[]> {
    const [createdAtMs, id] = after ?? [0, ""];
    return await this.#all(SQL.page, createdAtMs, id, limit);
  }

  /** All that ever were of one person. */
  async ofSubject(subject: string): Promise<Restriction[]> {
    return await this.#all(SQL.ofSubject, subject);
  }

  /** Those in force whose time is over. */
  async due(nowMs: number, limit: number): Promise<Restriction[]> {
    return await this.#all(SQL.due, nowMs, limit);
  }

  async countInForce(): Promise<number> {
    return requireRow(await this.#db.prepare(SQL.countInForce).first<number>("n"));
  }

  /** Remembers a restriction outside D1, as it is now. */
  async remember(restriction: Restriction): Promise<void> {
    const { id, endedAtMs } = restriction;
    const customMetadata = { ended: endedAtMs === null ? "no" : "yes" };
    const httpMetadata = { contentType: "application/json" };
    await this.#bucket.put(objectOf(id), JSON.stringify(restriction), { customMetadata, httpMetadata });
  }

  /** Writes a restriction down, so that every ledger has to be told of it. A repeat changes nothing. */
  async insert(restriction: Restriction, audit: AuditEntry): Promise<void> {
    const { id, subject, reason, createdAtMs, createdBy, untilMs, endedAtMs, endedBy } = restriction;
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.exists, values: [id] }),
      this.#db.prepare(SQL.insert).bind(id, subject, reason, createdAtMs, createdBy, untilMs, endedAtMs, endedBy),
      this.#db.prepare(SQL.touchAll),
    ]);
  }

  /** Ends a restriction, so that every ledger has to be told of it. A repeat tells them again. */
  async end(id: string, { atMs, by, audit }: { atMs: number; by: string; audit: AuditEntry }): Promise<void> {
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.isEnded, values: [id] }),
      this.#db.prepare(SQL.end).bind(atMs, by, id),
      this.#db.prepare(SQL.touchAll),
    ]);
  }

  /** What R2 and D1 do not both know: of R2 those that D1 lacks or has in force still, of D1 those that R2 lacks. */
  async differences(): Promise<{ readonly inR2: readonly Restriction[]; readonly inD1: readonly Restriction[] }> {
    const { results } = await this.#db.prepare(SQL.states).all<{ id: string; ended_at: number | null }>();
    const rows = new Map(results.map(({ id, ended_at: endedAtMs }) => [id, endedAtMs]));
    const inR2: Restriction[] = [];
    const remembered = new Set<string>();
    for await (const { id, isEnded } of this.#remembered()) {
      remembered.add(id);
      const endedAtMs = rows.get(id);
      if (endedAtMs !== undefined && (endedAtMs !== null || !isEnded)) continue;
      const object = await this.#bucket.get(objectOf(id));
      if (object !== null) inR2.push(await object.json<Restriction>());
    }
    const missing = [...rows.keys()].filter((id) => !remembered.has(id));
    const inD1 = await Promise.all(missing.map((id) => this.one(id)));
    return { inR2, inD1: inD1.filter((restriction) => restriction !== null) };
  }

  async *#remembered(): AsyncGenerator<{ id: string; isEnded: boolean }> {
    for await (const { objects } of listPages(this.#bucket, { prefix: ROOT, include: ["customMetadata"] })) {
      for (const { key, customMetadata } of objects) {
        yield { id: key.slice(ROOT.length, -".json".length), isEnded: customMetadata?.["ended"] === "yes" };
      }
    }
  }

  async #all(statement: string, ...values: readonly (string | number)[]): Promise<Restriction[]> {
    const { results } = await this.#db
      .prepare(statement)
      .bind(...values)
      .all<Row>();
    return results.map(toRestriction);
  }
}

function toRestriction(row: Row): Restriction {
  return {
    id: row.id,
    subject: row.subject,
    reason: row.reason,
    createdAtMs: row.created_at,
    createdBy: row.created_by,
    untilMs: row.until_at,
    endedAtMs: row.ended_at,
    endedBy: row.ended_by,
  };
}

function objectOf(id: string): string {
  return `${ROOT}${id}.json`;
}
