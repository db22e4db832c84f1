import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { Checkout, type Run, WORKER } from "./checkout.ts";
import type { Binding } from "./stand_in/account.ts";
import { ApiServer } from "./stand_in/api_server.ts";
import { Edge } from "./stand_in/edge.ts";

/** A clone to deploy from, an account to deploy to and, when asked for, the deployed gateway itself. */
export type World = {
  readonly checkout: Checkout;
  readonly api: ApiServer;
  readonly edge: Edge | null;
  /** Deploys with `--yes`, checked where the gateway runs. */
  readonly deploy: (...args: string[]) => Promise<Run>;
  /** The same from a terminal where the operator has the admin token. */
  readonly deployWithToken: (...args: string[]) => Promise<Run>;
};

export async function newWorld(options: { edge: boolean }): Promise<World> {
  const api = await ApiServer.start();
  const checkout = new Checkout();
  const edge = options.edge ? await Edge.start(api.account, WORKER) : null;
  afterAll(async () => {
    await edge?.stop();
    await api.stop();
    checkout.remove();
  });
  const check = edge === null ? ["--no-check"] : ["--check-url", edge.url, "--check-wait", "30"];
  const argsOf = (args: readonly string[]) => ["--yes", ...(args.includes("--no-check") ? [] : check), ...args];
  return {
    checkout,
    api,
    edge,
    deploy: async (...args) => await checkout.deploy(api, argsOf(args)),
    deployWithToken: async (...args) =>
      await checkout.deploy(api, argsOf(args), { env: { CLARO_GATEWAY_ADMIN_TOKEN: secretsOf(api)["ADMIN_TOKEN"] } }),
  };
}

/** The values of a Worker's secrets, which nobody but a stand-in can tell. */
export function secretsOf(api: ApiServer, worker = WORKER): Record<string, string> {
  const secrets = api.account.present(worker).bindings.filter(({ type }) => type === "secret_text");
  return Object.fromEntries(secrets.map(({ name, text }: Binding) => [name, String(text)]));
}

/** The versions that answer, as `{commit: percentage}`. */
export function answering(api: ApiServer, worker = WORKER): Record<string, number> {
  const stored = api.account.worker(worker);
  return Object.fromEntries(
    api.account.shares(worker).map(({ version_id: id, percentage }) => {
      const { bindings } = api.account.versionOf(stored, id);
      const release = bindings.find(({ name }) => name === "RELEASE")?.["json"] as { commit: string };
      return [release.commit, percentage];
    }),
  );
}

/** Files below a folder that hold one of some texts; links, and what npm has installed, are left out. */
export function filesWith(dir: string, texts: readonly string[]): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesWith(path, texts);
    if (!entry.isFile()) return [];
    const content = readFileSync(path, "latin1");
    return texts.some((text) => content.includes(text)) ? [path] : [];
  });
}

/** Changes the schema that a checkout says its ledgers have. */
export function setLedgerSchema(checkout: Checkout, version: number): void {
  checkout.edit("src/domain/ledger/schema_version.ts", (text) =>
    text.replace(/LEDGER_SCHEMA_VERSION = \d+/, `LEDGER_SCHEMA_VERSION = ${version}`),
  );
}

/** For what a test builds on. */
export async function mustSucceed(run: Promise<Run>): Promise<void> {
  const { code, stdout, stderr } = await run;
  if (code !== 0) throw new Error(`a deployment ended with ${code}:\n${stdout}${stderr}`);
}
