import { existsSync, statfsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { configDefaults, defineConfig } from "vitest/config";
import { startTestSandbox } from "./support/test_sandbox.ts";

const root = fileURLToPath(new URL("..", import.meta.url).href);
const migrations = await readD1Migrations(`${root}src/platform/migrations`);

/** Twice the cores of a small machine: half of the time a file waits, mostly for grants and limits to end. */
const FILES_AT_ONCE = 4;
/** Long files compute more than they wait. None judges by a time of its own: those that measure compare within one run. */
const LONG_AT_ONCE = 2;
const IN_WORKERD = "{platform,gateway,http,pages}";

/** Linux has a disk in memory; a container's may be too small. */
const MEMORY_DISK = { path: "/dev/shm", leastBytes: 4 * 1024 ** 3 };

// Objects, databases and buckets are made by the thousand, and every write to a real disk waits for it: half of the time.
if (hasRoomInMemory()) process.env["TMPDIR"] = MEMORY_DISK.path;
// Hundreds of commands are run, and Node would compile each anew.
process.env["NODE_COMPILE_CACHE"] ??= `${root}node_modules/.cache/compiled`;

/** What takes long by nature is in `*.long.test.ts`, which only `npm run test:all` runs. */
const isLong = process.env["TEST_LONG"] === "true";
const ending = isLong ? "long.test.ts" : "test.ts";
const exclude = [...configDefaults.exclude, ...(isLong ? [] : ["**/*.long.test.ts"])];

/**
 * Four kinds of tests: `workerd` for the Worker with its real bindings, `e2e` for the gateway as `npm start` runs it,
 * `deploy` for deployments, `node` for all else. Files run side by side, in any order: each begins with empty storage, and
 * has its gateway and sandbox to itself.
 */
export default defineConfig({
  root,
  test: {
    reporters: ["default"],
    // What a test prints is shown when it has failed; the runner keeps all of it, and looks for personal data in it.
    silent: "passed-only",
    maxWorkers: isLong ? LONG_AT_ONCE : FILES_AT_ONCE,
    // What a file runs side by side, such as kill loops.
    maxConcurrency: LONG_AT_ONCE,
    projects: [
      {
        root,
        resolve: { alias: { "cloudflare:workers": `${root}test/support/tracing_in_node.ts` } },
        test: {
          name: "node",
          // A process of its own costs a file a second; nothing here changes what others would see.
          isolate: isLong,
          include: [`test/**/*.${ending}`],
          exclude: [...exclude, `test/${IN_WORKERD}/**`, "test/deploy/**", "test/e2e/**"],
          testTimeout: 60_000,
        },
      },
      {
        root,
        test: {
          name: "deploy",
          include: [`test/deploy/**/*.${ending}`],
          exclude,
          testTimeout: 60_000,
        },
      },
      {
        root,
        plugins: [
          cloudflareTest(async () => {
            // Called for each isolate: each has Claro to itself, with its own faults and counts.
            const sandboxUrl = await startTestSandbox();
            return {
              wrangler: { configPath: `${root}wrangler.toml` },
              miniflare: {
                bindings: {
                  CLARO_BASE_URL: sandboxUrl,
                  CLARO_TIMEOUT_MS: "2000",
                  CLARO_CLIENT_ID: "test-gateway",
                  CLARO_CLIENT_SECRET: "test-gateway-secret",
                  ADMIN_TOKEN: "test-admin-token-0123456789-abcdef",
                  ACCESS_TOKEN_SECRET: "test-access-token-secret-0123456789",
                  CPF_HMAC_SECRET: "test-cpf-hmac-secret-0123456789-abcdef",
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
                  TEST_YEAR_SEED: process.env["YEAR_SEED"] ?? "",
                  TEST_MIGRATIONS: migrations,
                },
              },
            };
          }),
        ],
        test: {
          name: "workerd",
          // A start of its own costs a file four seconds of processor; test/support/start_anew.ts empties what they share.
          isolate: isLong,
          include: [`test/${IN_WORKERD}/**/*.${ending}`],
          exclude,
          setupFiles: ["test/support/start_anew.ts"],
          testTimeout: 60_000,
        },
      },
      {
        root,
        test: {
          name: "e2e",
          include: [`test/e2e/**/*.${ending}`],
          exclude,
          globalSetup: ["test/e2e/support/make_dev_vars.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

function hasRoomInMemory(): boolean {
  if (!existsSync(MEMORY_DISK.path)) return false;
  const { bavail, bsize } = statfsSync(MEMORY_DISK.path);
  return bavail * bsize >= MEMORY_DISK.leastBytes;
}
