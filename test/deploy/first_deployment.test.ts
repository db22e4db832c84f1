import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { CLARO_SECRET, WORKER, type Run } from "./checkout.ts";
import { answering, filesWith, newWorld, secretsOf, type World } from "./world.ts";

const STEP_TIMEOUT_MS = 180_000;
const OWN_SECRETS = [
  "ADMIN_TOKEN",
  "ACCESS_TOKEN_SECRET",
  "CPF_HMAC_SECRET",
  "IDEMPOTENCY_SECRET",
  "EXPORT_SIGNING_KEY",
];

describe("npm run deploy, in an account where nothing is", () => {
  let world: World;
  let first: Run;
  let firstSecrets: Record<string, string>;
  const seen = { commandLines: new Set<string>(), environments: new Set<string>(), files: new Set<string>() };

  beforeAll(async () => {
    world = await newWorld({ edge: true });
    // While the upload arrives, everything that could leak is there to be looked at.
    world.api.onCall = (name) => {
      if (name.startsWith("PUT /workers/scripts")) noteWhatOthersSee(world, seen);
    };
    first = await world.deploy();
    firstSecrets = secretsOf(world.api);
  }, STEP_TIMEOUT_MS);

  test("makes storage, secrets and schema, uploads, and gets a score from what it has uploaded", () => {
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("A sandbox lookup gave a score.");
    const { account } = world.api;
    expect([...account.databases.values()].map(({ name }) => name)).toEqual(["claro-score-gateway"]);
    expect([...account.namespaces.values()]).toEqual(["claro-score-gateway-keys"]);
    expect([...account.buckets]).toEqual(["claro-score-gateway-statements"]);
    expect(account.subdomain).toMatch(/^score-[0-9a-f]{8}$/);
    expect(account.worker(WORKER)).toMatchObject({ subdomain: { enabled: true }, schedules: ["*/5 * * * *"] });
  });

  test("applies every migration, in order and once", () => {
    const [database] = [...world.api.account.databases.values()];
    const applied = database!.sql.prepare("SELECT name FROM d1_migrations ORDER BY id").all();
    expect(applied.map(({ name }) => name)).toEqual(migrationsOf(world));
  });

  test("uploads the bindings, classes, date and limits of wrangler.toml", () => {
    const { account } = world.api;
    const { bindings, upload } = account.present(WORKER);
    const [[databaseId], [namespaceId]] = [[...account.databases.keys()], [...account.namespaces.keys()]];
    const template = readFileSync(join(world.checkout.dir, "wrangler.toml"), "utf8");
    expect(bindings).toEqual(
      expect.arrayContaining([
        { name: "DB", type: "d1", id: databaseId },
        { name: "KEYS", type: "kv_namespace", namespace_id: namespaceId },
        { name: "STATEMENTS", type: "r2_bucket", bucket_name: "claro-score-gateway-statements" },
        { name: "VERSION", type: "version_metadata" },
        { name: "TENANT_LEDGER", type: "durable_object_namespace", class_name: "TenantLedger" },
      ]),
    );
    const declared = [...template.matchAll(/^\[exports\.(\w+)\]$/gm)].map(([, name]) => name);
    expect(upload.classNames).toEqual(declared);
    expect(upload.metadata.compatibility_date).toBe(/^compatibility_date = "(.*)"$/m.exec(template)?.[1]);
    expect(upload.metadata.limits).toEqual({ cpu_ms: 300_000 });
    expect(bindings.some(({ name }) => name === "LOCAL" || name === "CLOCK_OFFSET_MS")).toBe(false);
  });

  test("keeps URLs' queries out of what the platform keeps, and traces off", () => {
    expect(world.api.account.worker(WORKER).observability).toMatchObject({
      enabled: true,
      redact_query_string: true,
      logs: { enabled: true, invocation_logs: false },
      traces: { enabled: false },
    });
  });

  test("sets secrets that the gateway takes, each with a value of its own", () => {
    expect(Object.keys(firstSecrets).toSorted()).toEqual(
      [...OWN_SECRETS, "CLARO_CLIENT_ID", "CLARO_CLIENT_SECRET"].toSorted(),
    );
    expect(firstSecrets).toMatchObject({ CLARO_CLIENT_ID: "claro-gateway-id", CLARO_CLIENT_SECRET: CLARO_SECRET });
    expect(new Set(Object.values(firstSecrets)).size).toBe(Object.keys(firstSecrets).length);
    expect(readSettings(firstSecrets).ok).toBe(true);
    for (const name of OWN_SECRETS) expect(firstSecrets[name]!.length).toBeGreaterThanOrEqual(43);
  });

  test("shows the admin token once, before the upload, and no other secret at all", () => {
    const output = first.stdout + first.stderr;
    const { ADMIN_TOKEN: token = "", ...others } = firstSecrets;
    expect(output.split(token).length - 1).toBe(1);
    expect(output.indexOf(token)).toBeLessThan(output.indexOf("Uploaded "));
    for (const [name, value] of Object.entries(others)) {
      if (name !== "CLARO_CLIENT_ID") expect(output.includes(value), name).toBe(false);
    }
  });

  test("puts no secret into a file, an argument or a child's environment, neither during the upload nor after", () => {
    const values = Object.values(firstSecrets);
    expect(seen.commandLines.size).toBeGreaterThan(1);
    expect([...seen.environments].join()).toContain("CLOUDFLARE_API_TOKEN");
    expect(seen.files.size).toBeGreaterThan(1);
    const holding = (texts: Iterable<string>) =>
      [...texts].filter((text) => values.some((value) => text.includes(value)));
    expect(holding(seen.commandLines)).toEqual([]);
    expect(holding(seen.environments)).toEqual([]);
    expect(holding(seen.files)).toEqual([]);
    expect(filesWith(world.checkout.dir, values)).toEqual([]);
    expect(filesWith(world.checkout.temporary, values)).toEqual([]);
    expect(readdirSync(world.checkout.temporary).filter((name) => name.startsWith("claro-"))).toEqual([]);
  });

  test("changes nothing in the checkout but the environment's file", () => {
    expect(world.checkout.git("status", "--porcelain", "--untracked-files=all")).toBe("?? deployments/production.json");
    expect(world.checkout.record("production")).toMatchObject({
      accountId: world.api.account.id,
      deployed: {
        versionId: world.api.account.present(WORKER).id,
        release: { environment: "production", ledgerSchema: LEDGER_SCHEMA_VERSION },
      },
    });
  });

  test("says what comes next: the file, Claro, a name, Access", () => {
    for (const word of ["Commit deployments/production.json", "Ask Claro", "customDomain", "Cloudflare Access"]) {
      expect(first.stdout).toContain(word);
    }
  });

  test(
    "again, it makes nothing and sets no secret, and the new version answers",
    { timeout: STEP_TIMEOUT_MS },
    async () => {
      const commit = world.checkout.commit("Second");
      const before = world.api.calls.length;
      const second = await world.deployWithToken();
      expect(second).toMatchObject({ code: 0, stderr: "" });
      expect(second.stdout).toContain("A sandbox lookup gave a score.");
      expect(second.stdout).not.toContain("Admin token");
      const calls = world.api.calls.slice(before);
      expect(
        calls.filter((name) => /^POST \/(?:d1\/database|storage\/kv\/namespaces|r2\/buckets)$/.test(name)),
      ).toEqual([]);
      expect(secretsOf(world.api)).toEqual(firstSecrets);
      expect(answering(world.api)).toEqual({ [commit]: 100 });
      const healthz = await fetch(`${world.edge!.url}/healthz`);
      expect(await healthz.json()).toEqual({
        status: "ok",
        version: "0.1.0",
        commit,
        versionId: world.api.account.present(WORKER).id,
        deployedAt: world.api.account.present(WORKER).createdAt,
      });
    },
  );

  test("another environment shares nothing with the first", { timeout: STEP_TIMEOUT_MS }, async () => {
    const run = await world.deploy("--env", "staging", "--no-check");
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const worker = `${WORKER}-staging`;
    const staging = world.api.account.present(worker).bindings;
    const production = world.api.account.present(WORKER).bindings;
    const shared = staging.filter(({ name, type, ...rest }) => {
      const other = production.find((binding) => binding.name === name);
      const isStorage = ["d1", "kv_namespace", "r2_bucket", "ratelimit"].includes(type) || OWN_SECRETS.includes(name);
      const { name: _name, type: _type, ...others } = other ?? { name, type };
      return isStorage && idsOf(rest).some((id) => idsOf(others).includes(id));
    });
    expect(shared).toEqual([]);
    expect(world.checkout.record("staging")).not.toMatchObject({
      databases: world.checkout.record("production")["databases"] as object,
    });
    expect(world.checkout.git("status", "--porcelain", "--untracked-files=all").split("\n")).toEqual([
      expect.stringContaining("deployments/production.json"),
      expect.stringContaining("deployments/staging.json"),
    ]);
  });

  test("--new-admin-token replaces that one secret and shows the new one", { timeout: STEP_TIMEOUT_MS }, async () => {
    const run = await world.deploy("--new-admin-token");
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { ADMIN_TOKEN: token, ...others } = secretsOf(world.api);
    const { ADMIN_TOKEN: before, ...othersBefore } = firstSecrets;
    expect(token).not.toBe(before);
    expect(run.stdout).toContain(token);
    expect(others).toEqual(othersBefore);
  });
});

function migrationsOf({ checkout }: World): string[] {
  return readdirSync(join(checkout.dir, "src/platform/migrations"))
    .filter((name) => name.endsWith(".sql"))
    .toSorted();
}

function idsOf(binding: Readonly<Record<string, unknown>>): string[] {
  return ["id", "namespace_id", "bucket_name", "text"].flatMap((field) =>
    field in binding ? [String(binding[field])] : [],
  );
}

/** What another user or a backup could see while wrangler uploads: arguments of every process, children's variables, files. */
function noteWhatOthersSee(
  { checkout }: World,
  seen: { commandLines: Set<string>; environments: Set<string>; files: Set<string> },
): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (!commandLine.includes(checkout.dir)) continue;
      seen.commandLines.add(commandLine);
      if (commandLine.includes("wrangler-dist")) seen.environments.add(readFileSync(`/proc/${pid}/environ`, "utf8"));
    } catch {
      // It has ended.
    }
  }
  for (const dir of [checkout.temporary, join(checkout.dir, "deployments")]) {
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      const path = join(dir, name);
      if (statSync(path).isFile()) seen.files.add(readFileSync(path, "latin1"));
    }
  }
}
