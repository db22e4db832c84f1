import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url).href);

/**
 * Three kinds of tests: `node` for what is pure and for tools, `workerd` for the Worker with its real bindings, `e2e` for
 * the gateway as `npm start` runs it. In workerd, live keys reach the stand-alone sandbox on a port of this run.
 */
export default defineConfig(async () => {
  // The configuration is read more than once in a run.
  process.env["TEST_SANDBOX_PORT"] ??= String(await freePort());
  const sandboxUrl = `http://127.0.0.1:${process.env["TEST_SANDBOX_PORT"]}`;
  return {
    root,
    test: {
      reporters: ["default"],
      projects: [
        {
          root,
          test: {
            name: "node",
            include: ["test/{domain,sandbox,structure,ctl,bench}/**/*.test.ts"],
            testTimeout: 60_000,
          },
        },
        {
          root,
          plugins: [
            cloudflareTest({
              wrangler: { configPath: `${root}wrangler.toml` },
              miniflare: {
                bindings: {
                  CLARO_BASE_URL: sandboxUrl,
                  CLARO_TIMEOUT_MS: "2000",
                  CLARO_CLIENT_ID: "test-gateway",
                  CLARO_CLIENT_SECRET: "test-gateway-secret",
                  ADMIN_TOKEN: "test-admin-token-0123456789",
                  ACCESS_TOKEN_SECRET: "test-access-token-secret-0123456789",
                  CPF_HMAC_SECRET: "test-cpf-hmac-secret-0123456789",
                  IDEMPOTENCY_SECRET: "test-idempotency-secret-0123456789",
                  // The key pair of RFC 8037, appendix A: known to everyone, good for tests only.
                  EXPORT_SIGNING_KEY: JSON.stringify({
                    kty: "OKP",
                    crv: "Ed25519",
                    kid: "export-test",
                    d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                    x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                  }),
                  LOCAL: "true",
                  TEST_SANDBOX_URL: sandboxUrl,
                  TEST_MODEL_SEED: process.env["MODEL_SEED"] ?? "",
                  TEST_MIGRATIONS: await readD1Migrations(`${root}src/platform/migrations`),
                },
              },
            }),
          ],
          test: {
            name: "workerd",
            include: ["test/{platform,gateway,http}/**/*.test.ts"],
            setupFiles: ["test/support/apply_migrations.ts"],
            globalSetup: ["test/support/sandbox_setup.ts"],
            // One sandbox serves them all, with one set of faults.
            fileParallelism: false,
            testTimeout: 60_000,
          },
        },
        {
          root,
          // They share the project's .dev.vars, and two gateways at once would be too slow to tell anything.
          test: {
            name: "e2e",
            include: ["test/e2e/**/*.test.ts"],
            fileParallelism: false,
            testTimeout: 120_000,
            hookTimeout: 120_000,
          },
        },
      ],
    },
  };
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}
