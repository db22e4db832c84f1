import { readdirSync } from "node:fs";
import { expect } from "vitest";
import { Checkout, WORKER } from "./checkout.ts";
import { ApiServer } from "./stand_in/api_server.ts";
import { filesWith, secretsOf } from "./world.ts";

/** The calls of an undisturbed first deployment, as `METHOD /path`. */
export async function listCalls(): Promise<string[]> {
  const { api, checkout, end } = await begin();
  const run = await checkout.deploy(api, ["--yes", "--no-check"]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const calls = [...api.calls];
  await end();
  return calls;
}

export type Death = { readonly at: number; readonly when: "before" | "after"; readonly signal: NodeJS.Signals };

/** Ends a first deployment at one call, with all its children, then runs the same command again. */
export async function dieAndRepeat({ at, when, signal }: Death): Promise<void> {
  const { api, checkout, end } = await begin();
  let pid = 0;
  // SIGKILL ends the children too, for nobody can tell them; of another signal the process itself must tell them.
  const target = () => (signal === "SIGKILL" ? -pid : pid);
  api.cut = { at, when, onCut: () => process.kill(target(), signal) };
  const broken = await checkout.deploy(api, ["--yes", "--no-check"], { onStart: (started) => (pid = started) });
  expect(broken.code).not.toBe(0);
  expect(api.cut).toBeNull();
  const known = api.account.workers.has(WORKER) ? secretsOf(api) : null;

  const repeated = await checkout.deploy(api, ["--yes", "--no-check"]);
  expect(repeated, `repeated after ${signal} ${when} call ${at}`).toMatchObject({ code: 0, stderr: "" });
  const { account } = api;
  expect([account.databases.size, account.namespaces.size, account.buckets.size, account.workers.size]).toEqual([
    1, 1, 1, 1,
  ]);
  const secrets = secretsOf(api);
  expect(Object.keys(secrets).length).toBe(7);
  const [database] = [...account.databases.values()];
  const applied = database!.sql
    .prepare("SELECT name FROM d1_migrations")
    .all()
    .map(({ name }) => name);
  expect(new Set(applied).size).toBe(applied.length);
  expect(applied.length).toBe(
    readdirSync(`${checkout.dir}/src/platform/migrations`).filter((name) => name.endsWith(".sql")).length,
  );
  expect(checkout.record("production")["deployed"]).toMatchObject({ versionId: account.present(WORKER).id });
  expect(account.worker(WORKER)).toMatchObject({ schedules: ["*/5 * * * *"], subdomain: { enabled: true } });

  // Whoever followed the output has the token that is in force.
  const shownBy = [broken, repeated].filter(({ stdout }) => stdout.includes(secrets["ADMIN_TOKEN"]!));
  expect(shownBy.length).toBe(1);
  if (known !== null) {
    expect(secrets).toEqual(known);
    expect(repeated.stdout).toContain("--new-admin-token");
  }
  const values = Object.values(secrets);
  for (const dir of [checkout.dir, checkout.temporary]) expect(filesWith(dir, values)).toEqual([]);
  if (signal !== "SIGKILL")
    expect(readdirSync(checkout.temporary).filter((name) => name.startsWith("claro-"))).toEqual([]);
  await end();
}

async function begin() {
  const api = await ApiServer.start();
  const checkout = new Checkout();
  const end = async () => {
    await api.stop();
    checkout.remove();
  };
  return { api, checkout, end };
}
