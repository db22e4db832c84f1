import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { ledgerOf } from "./gateway.ts";

type Table = { readonly name: string; readonly sql: string; readonly rows: readonly Record<string, SqlStorageValue>[] };

/** A ledger's object as it is at an instant: what a point-in-time restore of the platform goes back to. */
export type ObjectSnapshot = { readonly tables: readonly Table[]; readonly indexes: readonly string[] };

export async function takeObjectSnapshot(tenantId: string): Promise<ObjectSnapshot> {
  return await runInDurableObject(ledgerOf(tenantId), (_, { storage: { sql } }) => {
    const made = sql
      .exec<{ type: string; name: string; sql: string | null }>(`SELECT type, name, sql FROM sqlite_master`)
      .toArray()
      .filter(({ name }) => !/^(?:sqlite_|_cf_)/.test(name));
    const tables = made
      .filter(({ type }) => type === "table")
      .map(({ name, sql: text }) => ({ name, sql: text ?? "", rows: sql.exec(`SELECT * FROM ${name}`).toArray() }));
    const indexes = made.flatMap(({ type, sql: text }) => (type === "index" && text !== null ? [text] : []));
    return { tables, indexes };
  });
}

export async function restoreObjectSnapshot(tenantId: string, { tables, indexes }: ObjectSnapshot): Promise<void> {
  const ledger = ledgerOf(tenantId);
  await runInDurableObject(ledger, async (_, { storage }) => {
    await storage.deleteAlarm();
    await storage.deleteAll();
    storage.transactionSync(() => {
      for (const { name, sql: text, rows } of tables) {
        storage.sql.exec(text);
        for (const row of rows) {
          const names = Object.keys(row);
          const places = names.map(() => "?").join(", ");
          storage.sql.exec(`INSERT INTO ${name} (${names.join(", ")}) VALUES (${places})`, ...Object.values(row));
        }
      }
      for (const text of indexes) storage.sql.exec(text);
    });
  });
  await evictDurableObject(ledger);
}

/** As after a renamed Worker, or a namespace that is new: the object has nothing. */
export async function loseObject(tenantId: string): Promise<void> {
  await restoreObjectSnapshot(tenantId, { tables: [], indexes: [] });
}
