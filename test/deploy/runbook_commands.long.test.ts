import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { TOKEN } from "./stand_in/api_server.ts";
import { WORKER } from "./checkout.ts";
import { mustSucceed, newWorld, secretsOf, type World } from "./world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url).href);
const TIMEOUT_MS = 180_000;
const BUCKET = `${WORKER}-statements`;
const [OLD, NEW] = ["the-old-secret-0123456789-abcdefghij", "the-new-secret-0123456789-abcdefghij"];

type Done = { readonly code: number | null; readonly output: string };
type Command = {
  /** What an operator puts in the place of what varies. */
  readonly filled?: readonly (readonly [place: string, text: string])[];
  readonly input?: string;
  readonly before?: (world: World) => void;
  readonly check: (world: World, done: Done) => void;
};

const account = ({ api }: World) => api.account;
const database = (world: World, name: string) => account(world).findDatabase(name).sql;
const NAMED = [["NAME", "ADMIN_TOKEN"]] as const;

/** Each command of the page as it stands there, in its order, with what it must have done. */
const COMMANDS: Readonly<Record<string, Command>> = {
  "secret put NAME_PREVIOUS": {
    filled: NAMED,
    input: NEW,
    check: (world) => expect(secretsOf(world.api)).toMatchObject({ ADMIN_TOKEN_PREVIOUS: NEW }),
  },
  "secret bulk": {
    input: JSON.stringify({ ADMIN_TOKEN: NEW, ADMIN_TOKEN_PREVIOUS: OLD }),
    check: (world) => expect(secretsOf(world.api)).toMatchObject({ ADMIN_TOKEN: NEW, ADMIN_TOKEN_PREVIOUS: OLD }),
  },
  "secret delete NAME_PREVIOUS": {
    filled: NAMED,
    check: (world) => {
      expect(secretsOf(world.api)).toMatchObject({ ADMIN_TOKEN: NEW });
      expect(secretsOf(world.api)).not.toHaveProperty("ADMIN_TOKEN_PREVIOUS");
    },
  },
  "r2 bucket lock add <bucket> audit-heads audit/heads/ --retention-days 3650": {
    filled: [["<bucket>", BUCKET]],
    check: (world) => {
      const condition = { type: "Age", maxAgeSeconds: 3650 * 86_400 };
      expect(account(world).locks.get(BUCKET)).toMatchObject([
        { id: "audit-heads", prefix: "audit/heads/", condition },
      ]);
    },
  },
  "d1 time-travel restore <database> --timestamp <time>": {
    filled: [
      ["<database>", WORKER],
      ["<time>", "2026-11-28T03:00:00Z"],
    ],
    check: (world) =>
      expect(account(world).restored).toEqual([
        { database: WORKER, bookmark: expect.stringMatching(/^2026-11-28T03:00:00\.000/) },
      ]),
  },
  'd1 execute <database> --remote --command "SELECT tenant_id, period, prefix FROM statements"': {
    filled: [["<database>", WORKER]],
    before: (world) => {
      database(world, WORKER).exec(
        `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
         VALUES ('ten_1', 'Loja', '12ABC34501DE35', 'loja', '{}', 'active', 1);
         INSERT INTO statements (tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256, sealed_at)
         VALUES ('ten_1', '2026-10', 1, 1, 1, 'statements/ten_1/2026-10/', '{}', '', 1)`,
      );
    },
    check: (_world, { output }) => expect(output).toContain("statements/ten_1/2026-10/"),
  },
  "r2 object put <bucket>/<prefix><file> --file <file> --remote": {
    filled: [
      ["<bucket>", BUCKET],
      ["<prefix>", "statements/ten_1/2026-10/"],
      ["<file>", "events.csv"],
    ],
    before: ({ checkout }) => writeFileSync(join(checkout.dir, "events.csv"), "seq\r\n"),
    check: (world) =>
      expect([...account(world).objects]).toEqual([[`${BUCKET}/statements/ten_1/2026-10/events.csv`, "seq\r\n"]]),
  },
  'd1 execute <database> --remote --command "UPDATE statements SET sealed_at = NULL"': {
    filled: [["<database>", WORKER]],
    check: (world) =>
      expect(database(world, WORKER).prepare("SELECT sealed_at FROM statements").all()).toEqual([{ sealed_at: null }]),
  },
  "d1 export <database> --remote --output d1.sql": {
    filled: [["<database>", WORKER]],
    check: ({ checkout }) =>
      expect(readFileSync(join(checkout.dir, "d1.sql"), "utf8")).toContain("statements/ten_1/2026-10/"),
  },
  "d1 create claro-score-gateway-moved": {
    check: (world) => expect(account(world).findDatabase(`${WORKER}-moved`).name).toBe(`${WORKER}-moved`),
  },
  "d1 execute claro-score-gateway-moved --remote --file d1.sql": {
    check: (world) => {
      const rows = (name: string) => ({
        statements: database(world, name).prepare("SELECT * FROM statements").all(),
        applied: database(world, name).prepare("SELECT name FROM d1_migrations").all(),
        made: database(world, name).prepare("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").all(),
      });
      expect(rows(`${WORKER}-moved`)).toEqual(rows(WORKER));
    },
  },
  "r2 bucket create claro-score-gateway-statements-moved": {
    check: (world) => expect(account(world).buckets).toContain(`${BUCKET}-moved`),
  },
};

/** Those that need a browser or a Worker that logs. */
const BY_HAND = ["login", "tail"];

const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
const told = [...page.matchAll(/npx wrangler ([^`\n]+)/g)].map(([, command = ""]) => command.trim());

function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

/** Wrangler itself, in a clone, with the stand-in as Cloudflare. */
async function runWrangler({ api, checkout }: World, args: readonly string[], input: string): Promise<Done> {
  const child = spawn(join(ROOT, "node_modules/.bin/wrangler"), args, {
    cwd: checkout.dir,
    env: {
      PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}`,
      HOME: checkout.temporary,
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_API_BASE_URL: api.url,
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: api.account.id,
    } as unknown as NodeJS.ProcessEnv,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  child.stdin.end(input);
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, output };
}

describe("the wrangler commands of docs/operations.md", { timeout: TIMEOUT_MS }, () => {
  let world: World;

  beforeAll(async () => {
    world = await newWorld({ edge: false });
    await mustSucceed(world.deploy());
    account(world).editSecrets(WORKER, { ADMIN_TOKEN: OLD });
  }, TIMEOUT_MS);

  test("are all done here", () => {
    expect([...new Set(told)].toSorted()).toEqual([...Object.keys(COMMANDS), ...BY_HAND].toSorted());
  });

  test.each(Object.entries(COMMANDS))(
    "npx wrangler %s",
    async (command, { filled = [], input = "", before, check }) => {
      before?.(world);
      const line = filled.reduce((text, [place, value]) => text.replaceAll(place, value), command);
      const done = await runWrangler(world, wordsOf(line), input);
      expect(done.code, done.output).toBe(0);
      // What acts on this machine instead of the account says so, and succeeds.
      expect(done.output).not.toContain("Resource location: local");
      check(world, done);
    },
  );

  test("leave secrets that the next deployment keeps", async () => {
    account(world).editSecrets(WORKER, { ADMIN_TOKEN: NEW, ADMIN_TOKEN_PREVIOUS: OLD });
    world.checkout.commit("next");
    await mustSucceed(world.deploy());
    expect(secretsOf(world.api)).toMatchObject({ ADMIN_TOKEN: NEW, ADMIN_TOKEN_PREVIOUS: OLD });
  });

  test("and the one that a refused --rollback tells to those who mean it", async () => {
    account(world).editSecrets(WORKER, { CLARO_CLIENT_SECRET: "changed-since" });
    const present = account(world).shares(WORKER);
    const refused = await world.deploy("--rollback");
    expect(refused.code).toBe(1);
    const [, command = "", version = ""] = /npx wrangler (rollback (\S+) .+)/.exec(refused.stderr) ?? [];
    expect(account(world).shares(WORKER)).toEqual(present);
    const done = await runWrangler(world, wordsOf(command), "");
    expect(done.code, done.output).toBe(0);
    expect(account(world).shares(WORKER)).toEqual([{ version_id: version, percentage: 100 }]);
    expect(present[0]?.version_id).not.toBe(version);
  });
});
