import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { previousPeriod } from "../../domain/period.ts";
import type { ExportPublicKey, FileDigest, Manifest } from "../../domain/statement.ts";
import { type BundleProblem, verifyBundle } from "../../domain/statement_bundle.ts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { contextOfOffline, withExamples } from "../program.ts";
import { print, tableText } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { shownCount } from "./shown_values.ts";
import { KEYS_FILE, sha256OfFile, sizeOf } from "./statement_download.ts";

const MANIFEST = "manifest.json";

type Found = { readonly dir: string; readonly text: string; readonly manifest: Partial<Manifest> };
type Verified = {
  readonly dir: string;
  readonly tenantId: string | null;
  readonly period: string | null;
  readonly amount: string | null;
  /** Whether the month before was there to compare the chain with; a tenant's first month has none. */
  readonly chain: "checked" | "first" | "previous month not here";
  readonly problems: readonly BundleProblem[];
};

/** `statements verify`: whether downloaded months are what was signed. It asks nobody. */
export function addVerifyCommand(group: Command): void {
  withExamples(
    group
      .command("verify")
      .description("Checks downloaded months offline: every file's hash, the sums, the signature, the chain of months.")
      .argument("<dir>")
      .option("--keys <file>", `the public keys that you trust (default: ${KEYS_FILE} beside the months)`)
      .action(verify),
    ["statements verify statements", "statements verify statements/<tenant-id>/2026-11 --keys trusted-keys.json"],
  );
}

async function verify(dir: string, options: { keys?: string }, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const root = resolve(dir);
  const publicKeys = await readKeys(options.keys === undefined ? await keysBeside(root) : resolve(options.keys));
  const months = await withSpinner("Hashing the files", async (report) => {
    const found = await findBundles(root);
    if (found.length === 0) throw usageError(`There is no ${MANIFEST} in ${root}`);
    const verified: Verified[] = [];
    for (const bundle of found) {
      report(`${shownCount(verified.length)} of ${shownCount(found.length)} months`);
      verified.push(await verifyOne(bundle, { found, publicKeys }));
    }
    return verified;
  });
  const wrong = months.filter(({ problems }) => problems.length > 0);
  if (wrong.length > 0) {
    const lines = wrong.flatMap(({ dir: where, problems }) =>
      problems.map(({ name, subject }) => `  ${where}: ${name} (${subject})`),
    );
    const message = `${shownCount(wrong.length)} of ${shownCount(months.length)} months are not as they were signed:`;
    throw new CtlError(EXIT.refused, [message, ...lines].join("\n"), { months });
  }
  print({ months }, { json, human: () => verifiedText(months) });
}

function verifiedText(months: readonly Verified[]): string {
  const rows = tableText(
    months,
    [
      { title: "TENANT", cell: ({ tenantId }) => tenantId ?? "-" },
      { title: "MONTH", cell: ({ period }) => period ?? "-" },
      { title: "AMOUNT (BRL)", cell: ({ amount }) => amount ?? "-", align: "right" },
      { title: "CHAIN", cell: ({ chain }) => chain },
    ],
    "",
  );
  return `${rows}\n\n${shownCount(months.length)} months are as they were signed.`;
}

async function verifyOne(
  bundle: Found,
  { found, publicKeys }: { found: readonly Found[]; publicKeys: readonly ExportPublicKey[] },
): Promise<Verified> {
  const { dir, text, manifest } = bundle;
  const previous = found.find(({ manifest: other }) => isMonthBefore(other, manifest));
  const names = (await readdir(dir)).filter((name) => name !== MANIFEST && name !== KEYS_FILE);
  const files: FileDigest[] = [];
  for (const name of names) {
    const path = join(dir, name);
    files.push({ name, bytes: await sizeOf(path), sha256: (await sha256OfFile(path)) ?? "" });
  }
  const options = previous === undefined ? {} : { previousManifestText: previous.text };
  const problems = await verifyBundle(files, text, { publicKeys, ...options });
  const isFirst = manifest.previousManifestSha256 === null;
  const chain = previous === undefined ? (isFirst ? "first" : "previous month not here") : "checked";
  const { tenantId = null, period = null, totals } = manifest;
  return { dir, tenantId, period, amount: totals?.amount ?? null, chain, problems };
}

function isMonthBefore(other: Partial<Manifest>, manifest: Partial<Manifest>): boolean {
  if (manifest.period === undefined || other.tenantId !== manifest.tenantId) return false;
  return other.period === previousPeriod(manifest.period);
}

/** Every folder with a manifest, in the order of their names: a tenant's months in order. */
async function findBundles(root: string): Promise<Found[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const dirs = entries.filter((entry) => entry.isFile() && entry.name === MANIFEST).map((entry) => entry.parentPath);
  return await Promise.all(
    dirs.toSorted().map(async (dir) => {
      const text = await readFile(join(dir, MANIFEST), "utf8");
      return { dir, text, manifest: readManifest(text) };
    }),
  );
}

/** For naming and ordering only: what it says counts when its signature does. */
function readManifest(text: string): Partial<Manifest> {
  try {
    return JSON.parse(text) as Partial<Manifest>;
  } catch {
    return {};
  }
}

async function keysBeside(root: string): Promise<string> {
  const places = [root, dirname(root), dirname(dirname(root))].map((dir) => join(dir, KEYS_FILE));
  for (const place of places) if ((await sizeOf(place)) > 0) return place;
  throw usageError(`There is no ${KEYS_FILE} in ${root} or above it: name the keys that you trust with --keys`);
}

async function readKeys(path: string): Promise<ExportPublicKey[]> {
  try {
    const { keys } = JSON.parse(await readFile(path, "utf8")) as { keys: ExportPublicKey[] };
    if (Array.isArray(keys)) return keys;
  } catch {
    // Said below.
  }
  throw usageError(`${path} holds no keys`);
}
