import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { exitOf, PROJECT_ROOT, WRANGLER } from "./local/wrangler.ts";

const HELP = `Brings the schema and the Worker to your own Cloudflare account, in this order. It creates no database, no namespace, no
bucket and no secret: README.md, "Deploying", says how you do that, once.

  npm run deploy -- [options]

  --dry-run      checks the configuration and builds the Worker into .tmp/deploy; reaches nobody
  --config FILE  another configuration than wrangler.toml
  --help         this text
`;

/** What only a gateway on one's own machine may have. */
const LOCAL_VARS = ["LOCAL", "CLOCK_OFFSET_MS"];
const D1_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const KV_ID = /^[0-9a-f]{32}$/;

type Config = {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly d1_databases: readonly { binding: string; database_name?: string; database_id?: string }[];
  readonly kv_namespaces: readonly { binding: string; id?: string }[];
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { "dry-run": { type: "boolean" }, config: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) return say(HELP);
  const path = values.config === undefined ? join(PROJECT_ROOT, "wrangler.toml") : resolve(values.config);
  const config: Config = readConfig({ config: path }, { hideWarnings: true });
  const forbidden = LOCAL_VARS.filter((name) => name in config.vars);
  if (forbidden.length > 0)
    return refuse(`${forbidden.join(" and ")} of ${path} must not be deployed: local use only.`);

  const missing = missingResources(config);
  if (values["dry-run"]) {
    const built = await wrangler([
      "deploy",
      "--dry-run",
      "--outdir",
      join(PROJECT_ROOT, ".tmp/deploy"),
      "--config",
      path,
    ]);
    if (built === 0 && missing.length > 0) say(`\nBefore a deployment:\n${missing.join("\n")}\n`);
    return built;
  }
  if (missing.length > 0)
    return refuse(`Not yet, for ${path} names what is not in your account:\n${missing.join("\n")}`);
  // The schema first: the Worker needs it.
  const migrated = await wrangler(["d1", "migrations", "apply", "DB", "--remote", "--config", path]);
  return migrated === 0 ? await wrangler(["deploy", "--config", path]) : migrated;
}

/** What has no id of an account yet. Without one, wrangler would make it unasked. */
function missingResources(config: Config): string[] {
  const databases = config.d1_databases
    .filter(({ database_id: id }) => id === undefined || !D1_ID.test(id))
    .map(({ binding, database_name: name }) => `  D1 ${binding}: npx wrangler d1 create ${name}, then its database_id`);
  const namespaces = config.kv_namespaces
    .filter(({ id }) => id === undefined || !KV_ID.test(id))
    .map(({ binding }) => `  KV ${binding}: npx wrangler kv namespace create ${binding}, then its id`);
  return [...databases, ...namespaces];
}

/** With the terminal of whoever deploys: wrangler asks for the login, and whether to apply what it shows. */
async function wrangler(args: readonly string[]): Promise<number> {
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  return (
    (await exitOf(spawn(process.execPath, [WRANGLER, ...args], { cwd: PROJECT_ROOT, env, stdio: "inherit" }))) ?? 1
  );
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function refuse(reason: string): number {
  process.stderr.write(`${reason}\n`);
  return 1;
}
