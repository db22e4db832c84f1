#!/usr/bin/env node
// Verifies downloaded statements of a Claro Score Gateway. The source of the single file `docs/verify_statement.mjs`, which
// runs on Node 20 or later without anything else; `npm run ctl -- statements verify` is the same code.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { parsePeriod } from "../domain/period.ts";
import { auditMonths } from "../domain/statement_audit.ts";
import { auditText, problemLines } from "./verify/audit_text.ts";
import { findMonths } from "./verify/find_months.ts";
import { chosenKeys } from "./verify/trusted_keys.ts";

const USAGE = `node verify_statement.mjs DIR [--keys FILE | --gateway URL [--trust-new-keys]] [--through YYYY-MM] [--json]

Checks downloaded months in DIR/<tenant>/<month>/, or one such folder: signatures, files, sums from the events, the chain.
  --keys FILE        the public keys that you trust: an export-keys.json, or a trusted-keys.json as --gateway writes it
  --gateway URL      pin the keys of this gateway at first use; later they must be the same
  --trust-new-keys   accept a key that the gateway lists and that is not pinned yet
  --through YYYY-MM  every tenant's months must reach this one
  --json             print JSON
Exit codes: 0 everything holds, 1 something does not, 2 nothing was checked: wrong usage, or no trusted keys.`;

const OPTIONS = {
  keys: { type: "string" },
  gateway: { type: "string" },
  "trust-new-keys": { type: "boolean" },
  through: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Values = {
  readonly keys?: string;
  readonly gateway?: string;
  readonly "trust-new-keys"?: boolean;
  readonly through?: string;
  readonly json?: boolean;
  readonly help?: boolean;
};

async function main(args: readonly string[]): Promise<number> {
  let parsed: { values: Values; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return usage((error as Error).message);
  }
  const { values, positionals } = parsed;
  const [dir, ...others] = positionals;
  if (values.help === true) return print(USAGE, 0);
  if (dir === undefined || others.length > 0) return usage("Name one folder.");
  const through = values.through === undefined ? null : parsePeriod(values.through);
  if (through?.ok === false) return usage("--through is a month such as 2026-11.");
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const keys = await chosenKeys(values, { acceptNew: values["trust-new-keys"] === true, say });
  if (!keys.ok) return usage(keys.failure);
  const found = await findMonths(resolve(dir));
  if (found.length === 0) return usage(`There is no month in ${resolve(dir)}`);
  const months = await auditMonths(found, { keys: keys.value, through: through?.value });
  const isWhole = months.every(({ problems }) => problems.length === 0);
  if (values.json === true) print(JSON.stringify({ months }, null, 2), 0);
  else if (isWhole) print(auditText(months), 0);
  else process.stderr.write(`${problemLines(months).join("\n")}\n`);
  return isWhole ? 0 : 1;
}

function print(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}

function usage(message: string): number {
  process.stderr.write(`${message}\n(--help says more)\n`);
  return 2;
}

// Exit code 1 says that a month does not hold, which nobody knows here.
process.on("uncaughtException", (error) => process.exit(usage(`Nothing was checked: ${error.message}`)));
process.exitCode = await main(process.argv.slice(2));
