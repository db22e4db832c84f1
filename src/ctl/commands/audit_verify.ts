import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { type SignedAuditHead, verifyAudit } from "../../domain/audit_chain.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { contextOf, contextOfOffline, withExamples } from "../program.ts";
import { print } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { readKeysFile } from "../verify/trusted_keys.ts";
import { shownMany } from "./shown_values.ts";
import { keysListedBy, orUsageError } from "./statement_verify.ts";

const HEADS_A_PAGE = 200;

/** `audit download` and `audit verify`: the audit as evidence, checked without asking the gateway. */
export function addAuditChainCommands(audit: Command): void {
  withExamples(
    audit
      .command("download")
      .description("Downloads the audit with its chain, its signed heads and the keys, for a place of your own.")
      .argument("<dir>")
      .action(download),
    ["audit download audit-2026-11"],
  );
  withExamples(
    audit
      .command("verify")
      .description("Checks a downloaded audit offline: every hash, that no entry is missing, and the signed heads.")
      .argument("<file>", "audit.jsonl")
      .option("--heads <dir>", "the heads that were kept, one a file; of earlier downloads too")
      .requiredOption("--keys <file>", "the public keys that you trust: export-keys.json or trusted-keys.json")
      .action(verify),
    ["audit verify audit-2026-11/audit.jsonl --heads audit-2026-11/heads --keys export-keys.json"],
  );
}

async function download(dir: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const root = resolve(dir);
  const heads = join(root, "heads");
  await mkdir(heads, { recursive: true, mode: 0o700 });
  const kept = await withSpinner("Downloading the audit", async () => {
    // The heads first: each then names an entry that the audit below has.
    const count = await downloadHeads(api, heads);
    const response = await api.open("/audit.jsonl");
    const file = createWriteStream(join(root, "audit.jsonl"), { mode: 0o600 });
    if (response.body !== null) await pipeline(response.body as AsyncIterable<Uint8Array>, file);
    await writeFile(join(root, "export-keys.json"), `${JSON.stringify({ keys: await keysListedBy(api.url) })}\n`);
    return count;
  });
  print(
    { dir: root, heads: kept },
    { json, human: () => `The audit is in ${root}, with its heads of ${shownMany(kept, "hour")}` },
  );
}

async function downloadHeads(api: AdminApi, dir: string): Promise<number> {
  let count = 0;
  for (let after: string | undefined; ;) {
    const { data } = await api.get<{ data: SignedAuditHead[] }>("/audit/heads", { limit: HEADS_A_PAGE, after });
    for (const head of data) {
      if (!/^\d{4}-\d{2}-\d{2}T\d{2}$/.test(head.hour)) throw new CtlError(EXIT.refused, "A head names no hour");
      await writeFile(join(dir, `${head.hour}.json`), `${JSON.stringify(head)}\n`, { mode: 0o600 });
    }
    count += data.length;
    after = data.at(-1)?.hour;
    if (data.length < HEADS_A_PAGE || after === undefined) return count;
  }
}

async function verify(file: string, options: { heads?: string; keys: string }, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const path = resolve(file);
  if (!(await isFile(path))) throw usageError(`There is no file ${path}`);
  const publicKeys = orUsageError(await readKeysFile(resolve(options.keys)));
  const heads = options.heads === undefined ? [] : await readHeads(resolve(options.heads));
  const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  const verdict = await withSpinner("Checking the audit", () => verifyAudit(lines, { heads, publicKeys }));
  if (verdict.problems.length > 0) {
    const told = verdict.problems.map(({ where, what }) => `  ${where} ${what}`);
    throw new CtlError(EXIT.refused, ["The audit is not as it was written:", ...told].join("\n"), verdict);
  }
  const { entries } = verdict;
  const seen =
    heads.length === 0
      ? "No heads were given: that it was not written anew as a whole, only they show."
      : `${shownMany(heads.length, "signed head agrees", "signed heads agree")} with them.`;
  print(verdict, {
    json,
    human: () => `${shownMany(entries, "entry is", "entries are")} chained, and none is missing. ${seen}`,
  });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

async function readHeads(dir: string): Promise<SignedAuditHead[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith(".json")).toSorted();
  if (names.length === 0)
    throw usageError(
      `There are no heads in ${dir}: the cron signs one each hour. Without --heads the chain alone is checked.`,
    );
  return await Promise.all(
    names.map(async (name) => {
      const head = parse(await readFile(join(dir, name), "utf8")) as Partial<SignedAuditHead> | null;
      if (typeof head?.n === "number" && typeof head.hour === "string" && typeof head.hash === "string") {
        return head as SignedAuditHead;
      }
      throw usageError(`${join(dir, name)} is no head of an audit`);
    }),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
