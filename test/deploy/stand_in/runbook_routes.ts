import { createHash, randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { StandInAccount } from "./account.ts";
import type { Route, Within } from "./route.ts";

/** A database's dump as D1 writes it: tables with their rows, then what is built on them. */
export function dumpSql(sql: DatabaseSync): string {
  const made = (types: string) =>
    sql
      .prepare(
        `SELECT name, sql FROM sqlite_master WHERE type IN (${types}) AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid`,
      )
      .all() as { name: string; sql: string }[];
  const tables = made("'table'").flatMap(({ name, sql: create }) => {
    const columns = sql.prepare(`SELECT name FROM pragma_table_info(?)`).all(name) as { name: string }[];
    const quoted = columns.map((column) => `quote("${column.name}")`).join(` || ',' || `);
    const rows = sql.prepare(`SELECT ${quoted} AS line FROM "${name}"`).all() as { line: string }[];
    const names = columns.map((column) => `"${column.name}"`).join(",");
    return [create, ...rows.map(({ line }) => `INSERT INTO "${name}" (${names}) VALUES (${line})`)];
  });
  const rest = ["'index'", "'trigger'", "'view'"].flatMap((type) => made(type).map(({ sql: create }) => create));
  return [...tables, ...rest].map((statement) => `${statement};\n`).join("");
}

/** What the commands of docs/operations.md ask of Cloudflare beside a deployment: secrets, files, locks, dumps. */
export class RunbookRoutes {
  readonly #account: StandInAccount;
  /** Dumps that wait to be fetched, and files that were sent to be run, by their names. */
  readonly #files = new Map<string, string>();

  constructor(account: StandInAccount) {
    this.#account = account;
  }

  /** What stands at an address that needs no token; `null` where nothing does. */
  file(method: string, name: string, body: Buffer): { readonly text: string; readonly etag: string } | null {
    if (method === "PUT") this.#files.set(name, body.toString());
    const text = this.#files.get(name);
    return text === undefined ? null : { text, etag: createHash("md5").update(text).digest("hex") };
  }

  routes(within: Within, fileUrl: (name: string) => string): readonly Route[] {
    const account = this.#account;
    const script = (path: string) => within(`/workers/scripts/:x/${path}`);
    return [
      [
        "PUT",
        script("secrets"),
        async ({ json }, [worker = ""]) => {
          const { name, text } = await json();
          account.editSecrets(worker, { [String(name)]: String(text) });
          return { name, type: "secret_text" };
        },
      ],
      [
        "DELETE",
        script("secrets/:x"),
        (_call, [worker = "", name = ""]) => account.editSecrets(worker, { [name]: null }),
      ],
      [
        "PATCH",
        script("secrets-bulk"),
        async ({ json }, [worker = ""]) => {
          const secrets = Object.entries((await json())["secrets"] as Record<string, { text: string } | null>);
          account.editSecrets(
            worker,
            Object.fromEntries(secrets.map(([name, secret]) => [name, secret?.text ?? null])),
          );
          return {};
        },
      ],
      [
        "PUT",
        within("/r2/buckets/:x/objects/:rest"),
        ({ text }, [bucket = "", key = ""]) => {
          account.findBucket(bucket);
          account.objects.set(`${bucket}/${key}`, text());
          return {};
        },
      ],
      ["GET", within("/r2/buckets/:x/lock"), (_call, [name = ""]) => ({ rules: account.locks.get(name) ?? [] })],
      [
        "PUT",
        within("/r2/buckets/:x/lock"),
        async ({ json }, [name = ""]) => {
          account.findBucket(name);
          account.locks.set(name, (await json())["rules"] as unknown[]);
          return {};
        },
      ],
      ["GET", within("/d1/database/:x/time_travel/bookmark"), ({ query }) => ({ bookmark: query.get("timestamp") })],
      [
        "POST",
        within("/d1/database/:x/time_travel/restore"),
        ({ query }, [id = ""]) => {
          const bookmark = query.get("bookmark") ?? "";
          account.restored.push({ database: account.findDatabase(id).name, bookmark });
          return { bookmark, previous_bookmark: "before", message: "" };
        },
      ],
      [
        "POST",
        within("/d1/database/:x/export"),
        (_call, [id = ""]) => {
          const name = randomUUID();
          this.#files.set(name, dumpSql(account.findDatabase(id).sql));
          return done({ filename: name, signed_url: fileUrl(name) });
        },
      ],
      [
        "POST",
        within("/d1/database/:x/import"),
        async ({ json }, [id = ""]) => this.#import(id, await json(), fileUrl),
      ],
    ];
  }

  #import(id: string, { action, filename }: Record<string, unknown>, fileUrl: (name: string) => string): object {
    const { sql } = this.#account.findDatabase(id);
    if (action === "init") {
      const name = randomUUID();
      return { success: true, messages: [], upload_url: fileUrl(name), filename: name };
    }
    sql.exec(this.#files.get(String(filename)) ?? "");
    const meta = { duration: 1, rows_read: 0, rows_written: 0, size_after: 0 };
    return done({ num_queries: 1, final_bookmark: "now", meta });
  }
}

function done(result: object): object {
  return { success: true, status: "complete", messages: [], at_bookmark: "now", result };
}
