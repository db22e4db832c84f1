import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getPlatformProxy, unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { assertPresent } from "../../domain/assert.ts";
import { migrationsDirOf, readTemplate } from "../deploy/template.ts";
import { PROJECT_ROOT } from "./wrangler.ts";

/**
 * A process of `npm start`: brings a state's D1 up to date, with the same record of it as `wrangler d1 migrations apply`,
 * which starts a runtime for each migration and so takes four times as long. All in one batch: D1 is asked three times.
 */
const MADE = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

async function migrate(db: D1Database, folder: string): Promise<void> {
  await db.prepare(MADE).run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql") && !applied.has(file));
  const statements = files
    .toSorted()
    .flatMap((file) => [
      ...splitSqlQuery(readFileSync(join(folder, file), "utf8")).map((statement) => db.prepare(statement)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(file),
    ]);
  if (statements.length > 0) await db.batch(statements);
}

const stateDir = assertPresent(process.argv[2], "npm start names the state");
const configPath = join(PROJECT_ROOT, "wrangler.toml");
const proxy = await getPlatformProxy<Env>({
  configPath,
  persist: { path: join(stateDir, "v3") },
  remoteBindings: false,
});
try {
  await migrate(proxy.env.DB, migrationsDirOf(readTemplate()));
} finally {
  await proxy.dispose();
}
