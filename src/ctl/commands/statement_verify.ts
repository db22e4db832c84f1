import { resolve } from "node:path";
import type { Command } from "commander";
import { parsePeriod } from "../../domain/period.ts";
import type { Result } from "../../domain/result.ts";
import { auditMonths, type TrustedKey } from "../../domain/statement_audit.ts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { contextOfOffline, withExamples } from "../program.ts";
import { note, print } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { auditText, problemLines } from "../verify/audit_text.ts";
import { findMonths } from "../verify/find_months.ts";
import { chosenKeys, listedKeys } from "../verify/trusted_keys.ts";
import { month } from "./read_arguments.ts";
import { shownMany } from "./shown_values.ts";

type Options = {
  readonly keys?: string;
  readonly gateway?: string;
  readonly trustNewKeys?: true;
  readonly through?: string;
};

/** `statements verify`: whether downloaded months are what was signed. It asks nobody, unless keys are to be pinned. */
export function addVerifyCommand(group: Command): void {
  withExamples(
    group
      .command("verify")
      .description(
        "Checks downloaded months offline, by keys that you trust: signatures, files, the sums from the events, the chain.",
      )
      .argument("<dir>", "DIR/<tenant>/<month>/ or one such folder")
      .option(
        "--keys <file>",
        "the public keys that you trust: export-keys.json or trusted-keys.json (default: those pinned at the first download)",
      )
      .option("--gateway <url>", "pin this gateway's keys at first use; later they must be the same")
      .option("--trust-new-keys", "accept a key that the gateway lists and that is not pinned yet")
      .option("--through <month>", "every tenant's months must reach this one", month)
      .action(verify),
    ["statements verify statements", "statements verify statements/<tenant-id>/2026-11 --keys export-keys.json"],
  );
}

async function verify(dir: string, options: Options, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const acceptNew = options.trustNewKeys === true;
  const keys = orUsageError(await chosenKeys(options, { acceptNew, say: note }));
  const through = options.through === undefined ? null : parsePeriod(options.through);
  const months = await withSpinner("Hashing the files", async (report) => {
    const found = await findMonths(resolve(dir), (count) => report(shownMany(count, "month")));
    if (found.length === 0) throw usageError(`There is no month in ${resolve(dir)}`);
    return await auditMonths(found, { keys, through: through?.ok === true ? through.value : undefined });
  });
  if (months.some(({ problems }) => problems.length > 0)) {
    throw new CtlError(EXIT.refused, problemLines(months).join("\n"), { months });
  }
  print({ months }, { json, human: () => auditText(months) });
}

/** What there is, or a usage error: nothing was done. */
export function orUsageError<Value>(result: Result<Value, string>): Value {
  if (!result.ok) throw usageError(result.failure);
  return result.value;
}

/** The keys that a gateway lists now, where nothing can be done without them. */
export async function keysListedBy(gatewayUrl: string): Promise<readonly TrustedKey[]> {
  const listed = await listedKeys(gatewayUrl);
  if (listed.ok) return listed.value;
  throw new CtlError(EXIT.unreachable, `${gatewayUrl} cannot be asked for its keys (${listed.failure}).`);
}
