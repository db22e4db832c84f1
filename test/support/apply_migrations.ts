import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll } from "vitest";

beforeAll(async () => {
  await applyD1Migrations(env.DB, testEnv().TEST_MIGRATIONS);
});

function testEnv(): { TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1] } {
  return env as unknown as { TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1] };
}
