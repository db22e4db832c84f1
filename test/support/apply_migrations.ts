import { env } from "cloudflare:workers";
import { beforeAll } from "vitest";

/** All in one batch: each test file has a database of its own, and `applyD1Migrations` asks it for every statement by itself. */
beforeAll(async () => {
  const { TEST_MIGRATIONS: migrations } = env as unknown as { TEST_MIGRATIONS: readonly { queries: string[] }[] };
  await env.DB.batch(migrations.flatMap(({ queries }) => queries.map((query) => env.DB.prepare(query))));
});
