import { parseArgs } from "node:util";
import { isLoopback } from "../../domain/local_host.ts";
import { usageError } from "../ctl_error.ts";

export const HELP = `Deploys the gateway to your own Cloudflare account: makes what is missing there, applies the schema, uploads the
Worker, and checks it. The only step before is \`npx wrangler login\`, or an API token in CLOUDFLARE_API_TOKEN.
Interrupted anywhere, the same command completes it. docs/operations.md, "Deploying", tells more.

  npm run deploy -- [options]

  --env NAME           another environment than production, with a Worker and storage of its own
  --yes                asks nothing; Claro's credentials come from CLARO_CLIENT_ID and CLARO_CLIENT_SECRET
  --dry-run            shows what a first deployment makes and builds the Worker into .tmp/deploy; reaches nobody
  --canary PERCENT     sends 1 to 99 percent of the calls to the new version, watches it, then promotes or returns it
  --watch SECONDS      how long a canary is watched (default 300)
  --rollback           returns to the version before
  --new-admin-token    replaces the admin token and shows the new one
  --check-url URL      where the gateway answers, when it is neither on workers.dev nor on the environment's custom domain
  --check-wait SECONDS how long the new version may take to answer there (default 180)
  --no-check           asks the deployed gateway nothing
  --help               this text
`;

export type Options = {
  readonly environment: string;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly canaryPercent: number | null;
  readonly watchSeconds: number;
  readonly rollback: boolean;
  readonly newAdminToken: boolean;
  readonly check: boolean;
  readonly checkUrl: string | null;
  readonly checkWaitSeconds: number;
  readonly help: boolean;
};

const ENVIRONMENT = /^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?$/;
const MAX_CANARY_PERCENT = 99;
const MAX_SECONDS = 86_400;

/** Reads the command line. Throws a usage error for what it does not know and for what does not go together. */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args);
  const options: Options = {
    environment: values.env ?? "production",
    yes: values.yes ?? false,
    dryRun: values["dry-run"] ?? false,
    canaryPercent: values.canary === undefined ? null : wholeNumber("--canary", values.canary, MAX_CANARY_PERCENT),
    watchSeconds: wholeNumber("--watch", values.watch ?? "300", MAX_SECONDS),
    rollback: values.rollback ?? false,
    newAdminToken: values["new-admin-token"] ?? false,
    check: !(values["no-check"] ?? false),
    checkUrl: values["check-url"] === undefined ? null : originOf(values["check-url"]),
    checkWaitSeconds: wholeNumber("--check-wait", values["check-wait"] ?? "180", MAX_SECONDS),
    help: values.help ?? false,
  };
  if (!ENVIRONMENT.test(options.environment)) {
    throw usageError("--env takes 1 to 20 lower-case letters, digits and hyphens, a letter first");
  }
  const modes = [options.canaryPercent !== null, options.rollback, options.newAdminToken, options.dryRun];
  if (modes.filter(Boolean).length > 1) {
    throw usageError("--canary, --rollback, --new-admin-token and --dry-run do not go together");
  }
  if (!options.check && options.checkUrl !== null) throw usageError("--check-url and --no-check do not go together");
  if (!options.check && options.canaryPercent !== null) {
    throw usageError("A canary is judged by how it answers: --canary and --no-check do not go together");
  }
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        env: { type: "string" },
        yes: { type: "boolean" },
        "dry-run": { type: "boolean" },
        canary: { type: "string" },
        watch: { type: "string" },
        rollback: { type: "boolean" },
        "new-admin-token": { type: "boolean" },
        "check-url": { type: "string" },
        "check-wait": { type: "string" },
        "no-check": { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw usageError(`${(error as Error).message}\n(npm run deploy -- --help tells what there is)`);
  }
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) throw usageError(`${name} takes a number from 1 to ${most}`);
  return value;
}

/** Secrets are sent there, so it is https, or this machine. */
function originOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)))) {
    throw usageError("--check-url takes an https URL");
  }
  return url.origin;
}
