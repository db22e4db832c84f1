import { env } from "cloudflare:workers";
import { beforeAll } from "vitest";

type Migration = { readonly name: string; readonly queries: readonly string[] };

/** All in one batch: each test file has a database of its own, and `applyD1Migrations` asks it for every statement by itself. */
beforeAll(async () => {
  const { TEST_MIGRATIONS: migrations } = env as unknown as { TEST_MIGRATIONS: readonly Migration[] };
  const kept = env.DB.prepare(
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  );
  const applied = migrations.flatMap(({ name, queries }) => [
    ...queries.map((query) => env.DB.prepare(query)),
    env.DB.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
  ]);
  await env.DB.batch([kept, ...applied]);
});
