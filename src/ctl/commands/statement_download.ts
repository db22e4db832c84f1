import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type FileDigest, type SignedManifest, verifyManifest } from "../../domain/statement.ts";
import type { TrustedKey } from "../../domain/statement_audit.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { contextOf, withExamples } from "../program.ts";
import { sha256OfFile } from "../verify/find_months.ts";
import { pinKeys } from "../verify/trusted_keys.ts";
import { note, print } from "../terminal/output.ts";
import { withProgressBar, withSpinner, type Steps } from "../terminal/progress.ts";
import { month } from "./read_arguments.ts";
import { shownMany } from "./shown_values.ts";
import { keysListedBy, orUsageError } from "./statement_verify.ts";

/** What a month may hold; anything else that a server lists is not written. */
const FILE_NAMES: ReadonlySet<string> = new Set([
  "events.jsonl",
  "events.csv",
  "events.pt-br.csv",
  "focus.csv",
  "eventos.xlsx",
  "demonstrativo.html",
]);
const TENANT_ID = /^[A-Za-z0-9_-]{1,100}$/;
const TRIES = 3;

type Options = {
  readonly period: string;
  readonly all?: true;
  readonly dir: string;
  readonly trustNewKeys?: true;
  readonly overwrite?: true;
};
type Bundle = { readonly tenantId: string; readonly manifest: SignedManifest; readonly text: string };

/** `statements download`: closed months as files, checked as they come. */
export function addDownloadCommand(group: Command): void {
  withExamples(
    group
      .command("download")
      .description(
        "Downloads a closed month into DIR/<tenant>/<month>/, when its signature is of a key that this computer trusts. " +
          "What is there and whole is kept, what is half there goes on.",
      )
      .argument("[tenant-id...]")
      .requiredOption("--period <month>", "YYYY-MM, a month of São Paulo", month)
      .option("--all", "of every tenant")
      .option("--dir <dir>", "where to", "statements")
      .option("--overwrite", "bring files anew that are there and are not what was signed")
      .option("--trust-new-keys", "accept a key that the gateway lists and that is not pinned yet")
      .action(download),
    [
      "statements download --period 2026-11 --all",
      "statements download <tenant-id> --period 2026-11 --dir /tmp/november",
    ],
  );
}

async function download(tenantIds: readonly string[], options: Options, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  if ((tenantIds.length === 0) !== (options.all === true)) throw usageError("Name tenants, or give --all.");
  const dir = resolve(options.dir);
  const acceptNew = options.trustNewKeys === true;
  const listed = await keysListedBy(api.url);
  const keys = orUsageError(await pinKeys(api.url, listed, { acceptNew, say: note }));
  const { bundles, open: notClosed } = await withSpinner("Reading the manifests", async (report) => {
    const ids = options.all === true ? await everyTenant(api) : tenantIds;
    return await manifestsOf(api, { ids, period: options.period, keys, report });
  });
  const bytes = bundles.flatMap(({ manifest }) => manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  await withProgressBar({ message: `Downloading ${options.period}`, steps: Math.max(bytes, 1) }, async (bar) => {
    for (const bundle of bundles) await fetchBundle(api, { bundle, dir, bar, overwrite: options.overwrite === true });
  });
  const answer = { dir, period: options.period, downloaded: bundles.map(({ tenantId }) => tenantId), notClosed };
  print(answer, {
    json,
    human: () => `${options.period} is in ${dir}, of ${shownMany(bundles.length, "tenant")}`,
  });
  if (notClosed.length > 0 && !json) note(`Not closed yet, so not downloaded: ${notClosed.join(", ")}`);
}

async function everyTenant(api: AdminApi): Promise<string[]> {
  const { data } = await api.list<{ id: string }>("/tenants", { most: Number.MAX_SAFE_INTEGER });
  return data.map(({ id }) => id);
}

type Wanted = {
  readonly ids: readonly string[];
  readonly period: string;
  readonly keys: readonly TrustedKey[];
  readonly report: (message: string) => void;
};

/** The closed month of each tenant that has it, its manifest checked, and whose is still open. */
async function manifestsOf(
  api: AdminApi,
  { ids, period, keys, report }: Wanted,
): Promise<{ bundles: Bundle[]; open: string[] }> {
  const bundles: Bundle[] = [];
  const notClosed: string[] = [];
  for (const tenantId of ids) {
    report(`${shownMany(bundles.length, "manifest")} of ${shownMany(ids.length, "tenant")}`);
    const response = await manifestResponse(api, filePath(tenantId, period, "manifest.json"), ids.length === 1);
    if (response === null) continue;
    const text = await response.text();
    if (response.headers.get("statement-status") === "open") notClosed.push(tenantId);
    else bundles.push({ tenantId, manifest: await checkedManifest(text, { tenantId, period, keys }), text });
  }
  return { bundles, open: notClosed };
}

/** A manifest that a trusted key has signed for this tenant and month, with names that may be written; else it is refused. */
async function checkedManifest(
  text: string,
  { tenantId, period, keys }: { tenantId: string; period: string; keys: readonly TrustedKey[] },
): Promise<SignedManifest> {
  const refuse = (why: string) => {
    return new CtlError(
      EXIT.refused,
      `The manifest of ${tenantId} ${period} is refused, and nothing of it written: ${why}`,
    );
  };
  const verified = await verifyManifest(text, keys);
  if (!verified.ok) throw refuse(verified.failure);
  const manifest = verified.value;
  if (!TENANT_ID.test(tenantId) || manifest.tenantId !== tenantId) throw refuse("it is of another tenant");
  if (manifest.period !== period) throw refuse("it is of another month");
  const foreign = manifest.files.find(({ name }) => !FILE_NAMES.has(name));
  if (foreign !== undefined) throw refuse(`it lists ${JSON.stringify(foreign.name)}, which no month holds`);
  return manifest;
}

/** Null for a tenant that is younger than the month. */
async function manifestResponse(api: AdminApi, path: string, isOnly: boolean): Promise<Response | null> {
  try {
    return await api.open(path);
  } catch (error) {
    if (!isOnly && error instanceof CtlError && error.details["status"] === 404) return null;
    throw error;
  }
}

async function fetchBundle(
  api: AdminApi,
  { bundle, dir, bar, overwrite }: { bundle: Bundle; dir: string; bar: Steps; overwrite: boolean },
): Promise<void> {
  const { tenantId, manifest, text } = bundle;
  const folder = join(dir, tenantId, manifest.period);
  await refuseOtherFiles(folder, bundle, overwrite);
  await mkdir(folder, { recursive: true });
  for (const file of manifest.files) {
    const message = `${tenantId} ${file.name}`;
    await fetchFile(api, {
      file,
      path: filePath(tenantId, manifest.period, file.name),
      target: join(folder, file.name),
      onBytes: (count) => bar.advance(message, count),
    });
  }
  // Written last: a folder with a manifest is complete.
  await writeFile(join(folder, "manifest.json"), text);
}

/** Refuses to overwrite other files: they are the user's, and may be evidence. */
async function refuseOtherFiles(folder: string, { manifest, text }: Bundle, overwrite: boolean): Promise<void> {
  const there = await readFile(join(folder, "manifest.json"), "utf8").catch(() => null);
  if (there !== null && there !== text) {
    const message = `${folder} holds another manifest than the gateway gives now. A closed month never changes: keep both.`;
    throw new CtlError(EXIT.refused, message);
  }
  if (overwrite) return;
  for (const file of manifest.files) {
    const path = join(folder, file.name);
    if ((await sha256OfFile(path)) === null || (await isWhole(path, file))) continue;
    throw new CtlError(EXIT.refused, `${path} is there and is not what was signed: --overwrite brings it anew.`);
  }
}

type Fetched = {
  readonly file: FileDigest;
  readonly path: string;
  readonly target: string;
  readonly onBytes: (count: number) => void;
};

/** Downloads one file, resuming an earlier run; it gets its name once its hash is right. */
async function fetchFile(api: AdminApi, { file, path, target, onBytes }: Fetched): Promise<void> {
  if (await isWhole(target, file)) return onBytes(file.bytes);
  const part = `${target}.part`;
  let lastError: unknown;
  let shownBytes = 0;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    if ((await sizeOf(part)) > file.bytes) await rm(part);
    try {
      onBytes(Math.max((await sizeOf(part)) - shownBytes, 0));
      shownBytes = Math.max(await sizeOf(part), shownBytes);
      await appendRest(api, { file, path, part, onBytes: (count) => ((shownBytes += count), onBytes(count)) });
    } catch (error) {
      // Refused is refused; a connection that broke is taken up again where it stopped.
      if (error instanceof CtlError && error.exitCode === EXIT.refused) throw error;
      lastError = error;
      continue;
    }
    if (await isWhole(part, file)) return await rename(part, target);
    await rm(part, { force: true });
    lastError = new Error("its hash is not the manifest's");
  }
  throw new CtlError(EXIT.unreachable, `${target} could not be downloaded: ${(lastError as Error).message}`);
}

async function appendRest(
  api: AdminApi,
  { file, path, part, onBytes }: { file: FileDigest; path: string; part: string; onBytes: (count: number) => void },
): Promise<void> {
  const have = await sizeOf(part);
  if (have === file.bytes && have > 0) return;
  const response = await api.open(path, have === 0 ? {} : { headers: { range: `bytes=${have}-` } });
  const isRest = have > 0 && response.status === 206;
  const handle = await open(part, isRest ? "a" : "w");
  try {
    for await (const chunk of response.body ?? []) {
      await handle.write(chunk);
      onBytes(chunk.byteLength);
    }
  } finally {
    await handle.close();
  }
}

/** Whether a file is there with the bytes that the manifest says. */
async function isWhole(path: string, { bytes, sha256 }: FileDigest): Promise<boolean> {
  return (await sizeOf(path)) === bytes && (await sha256OfFile(path)) === sha256;
}

/** Zero for what is not there. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

function filePath(tenantId: string, period: string, name: string): string {
  return `/tenants/${encodeURIComponent(tenantId)}/statements/${period}/${name}`;
}
