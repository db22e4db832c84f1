import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, vi } from "vitest";
import { forgetServices } from "../../src/platform/services.ts";
import { rehearse } from "../../src/platform/rehearsal.ts";
import { requestsEnded, sandbox } from "./gateway.ts";

type Migration = { readonly name: string; readonly queries: readonly string[] };

const MOST_RESETS = 50;
const FLUSH_MS = 250;

/**
 * Test files share an isolate, since a start of its own costs each some four seconds of processor. Each begins with empty
 * storage, a Claro without faults, and services that know nothing yet.
 */
beforeAll(async () => {
  vi.useRealTimers();
  flushLogsMeanwhile();
  await emptyStorage();
  forgetServices(env);
  rehearse(null);
  await sandbox("reset");
  await applyMigrations();
});

// An object that is deleted under a request leaves that request without an end, and the next file with it.
afterAll(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await requestsEnded();
});

/**
 * What an object logs reaches vitest with the next message of the test itself. After the last one there is none, and the file
 * would wait for ever for a log line of an alarm, so one is sent now and then.
 */
function flushLogsMeanwhile(): void {
  const shared = globalThis as unknown as {
    __vitest_worker__: { rpc: { getCountOfFailedTests: () => Promise<number> } };
    flushing?: ReturnType<typeof setInterval>;
  };
  clearInterval(shared.flushing);
  const send = async () => {
    try {
      await shared.__vitest_worker__.rpc.getCountOfFailedTests();
    } catch {
      // The run is over.
    }
  };
  shared.flushing = setInterval(() => void send(), FLUSH_MS);
}

/** What the file before has left to be done may write once more. */
async function emptyStorage(): Promise<void> {
  for (let n = 0; n < MOST_RESETS; n += 1) {
    await reset();
    if (await isEmpty()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("the storage of the test file before is still there");
}

async function isEmpty(): Promise<boolean> {
  const [tables, keys, files] = await Promise.all([
    env.DB.prepare("SELECT name FROM sqlite_schema WHERE name = 'd1_migrations'").all(),
    env.KEYS.list({ limit: 1 }),
    env.STATEMENTS.list({ limit: 1 }),
  ]);
  return tables.results.length + keys.keys.length + files.objects.length === 0;
}

/** All in one batch: `applyD1Migrations` asks for every statement by itself. */
async function applyMigrations(): Promise<void> {
  const { TEST_MIGRATIONS: migrations } = env as unknown as { TEST_MIGRATIONS: readonly Migration[] };
  const kept = env.DB.prepare(
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  );
  const applied = migrations.flatMap(({ name, queries }) => [
    ...queries.map((query) => env.DB.prepare(query)),
    env.DB.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
  ]);
  await env.DB.batch([kept, ...applied]);
}
