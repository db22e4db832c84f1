import { styleText } from "node:util";
import { Command } from "commander";
import { AdminApi } from "./api/admin_api.ts";
import { findGateway } from "./api/find_gateway.ts";
import { usageError } from "./ctl_error.ts";
import { prose } from "./terminal/output.ts";

const NOTES = `
Shorter, and for clean JSON (npm run prints lines of its own): npx ctl health
Money: 5000, 5.000,00 or 0.15. Durations: 90s, 15m, 24h or 30d.
What could mean two things is refused; what is dangerous is asked about.

The local gateway is found by itself. For another one set CLARO_GATEWAY_URL
and CLARO_GATEWAY_ADMIN_TOKEN.

Exit codes:
  0 done
  1 refused by the gateway
  2 wrong usage, or not confirmed
  3 gateway not reached
  4 health is not well, or ledgers, D1 and R2 do not agree
`;

/** What every command can be told. */
export type GlobalOptions = { readonly json?: true; readonly url?: string };

/** The command line without its groups of commands. It throws `CommanderError` instead of ending the process. */
export function newProgram(): Command {
  const program = new Command("npm run ctl --")
    .description("Operates a Claro Score Gateway over its admin API.")
    .option("--json", "print JSON for scripts instead of tables")
    .option("--url <url>", "the gateway's address (default: CLARO_GATEWAY_URL, else the one that `npm start` runs)")
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => styleText("bold", title), minWidthToWrap: 20 })
    .configureOutput({ outputError: (text, write) => write(prose(text)) })
    .showHelpAfterError("(add --help for more)")
    .exitOverride()
    .hook("preAction", (_program, command) => refuseBlanks(command));
  return withExamples(program, [
    "tenants list",
    'tenants create --name "Loja São João" --document 12ABC34501DE35 --customer-id loja --plan trial',
    "keys create <tenant-id> --mode live --label checkout",
    "usage <tenant-id> --from 2026-11-01 --to 2026-11-30",
    "lookups show lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20",
    "health --json",
  ]).addHelpText("after", NOTES);
}

/** An argument that is empty is a variable that a script never set: nothing is asked of the gateway with it. */
function refuseBlanks(command: Command): void {
  const blank = command.args.findIndex((text) => text.trim() === "");
  if (blank < 0) return;
  const name = command.registeredArguments[blank]?.name() ?? "argument";
  throw usageError(`${name} is empty: was a variable never set?`);
}

/** A group such as `tenants`, to which commands are added. */
export function addGroup(program: Command, name: string, description: string): Command {
  return program.command(name).description(description);
}

/** Shows what can be typed at the end of a command's `--help`; the lines begin after `npm run ctl --`. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  npm run ctl -- ${example}\n`);
  return command.addHelpText("after", `\n${styleText("bold", "Examples:")}\n${lines.join("")}`);
}

/** What a command works with. Only a command that runs looks for the gateway: `--help` needs none. */
export function contextOf(command: Command): { readonly api: AdminApi; readonly json: boolean } {
  const { json = false, url } = command.optsWithGlobals<GlobalOptions>();
  return { api: new AdminApi(findGateway(url)), json };
}

/** What a command works with that asks no gateway. */
export function contextOfOffline(command: Command): { readonly json: boolean } {
  const { json = false } = command.optsWithGlobals<GlobalOptions>();
  return { json };
}

/** Whether errors are to be printed as JSON, known even when the command line could not be read. */
export function wantsJson(argv: readonly string[]): boolean {
  return argv.includes("--json");
}
