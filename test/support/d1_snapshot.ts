import { env } from "cloudflare:workers";

type Row = Record<string, string | number | null>;

/** D1 as it is at an instant: what its own point-in-time restore goes back to. */
export type D1Snapshot = ReadonlyMap<string, readonly Row[]>;

const OTHERS = /^(?:sqlite_|_cf_|d1_)/;

async function tables(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{
    name: string;
  }>();
  return results.map(({ name }) => name).filter((name) => !OTHERS.test(name));
}

/** Takes every row of every table. */
export async function takeSnapshot(): Promise<D1Snapshot> {
  const snapshot = new Map<string, readonly Row[]>();
  for (const table of await tables()) {
    snapshot.set(table, (await env.DB.prepare(`SELECT * FROM ${table}`).all<Row>()).results);
  }
  return snapshot;
}

/** Sets D1 back to a snapshot. Its triggers, which keep what is closed from being changed, know nothing of restores. */
export async function restoreSnapshot(snapshot: D1Snapshot): Promise<void> {
  const { results: triggers } = await env.DB.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all<{
    name: string;
    sql: string;
  }>();
  const statements = [env.DB.prepare("PRAGMA defer_foreign_keys = on")];
  for (const { name } of triggers) statements.push(env.DB.prepare(`DROP TRIGGER ${name}`));
  for (const table of await tables()) statements.push(env.DB.prepare(`DELETE FROM ${table}`));
  for (const [table, rows] of snapshot) {
    for (const row of rows) {
      const columns = Object.keys(row);
      const places = columns.map(() => "?").join(", ");
      statements.push(
        env.DB.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`).bind(...Object.values(row)),
      );
    }
  }
  for (const { sql } of triggers) statements.push(env.DB.prepare(sql));
  await env.DB.batch(statements);
}
