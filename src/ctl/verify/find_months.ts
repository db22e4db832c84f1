import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { parsePeriod } from "../../domain/period.ts";
import type { FoundMonth } from "../../domain/statement_audit.ts";
import type { FileDigest } from "../../domain/statement.ts";

const MANIFEST = "manifest.json";
const EVENTS = "events.jsonl";
/** What a month's files are called, those of coming versions too. */
const FILE_OF_A_MONTH = /^(?:manifest|events|eventos|focus|demonstrativo)\b.*\.(?:json|jsonl|csv|xlsx|html)$/i;

/**
 * Every month under `root` (which may be one itself), measured: a folder that is called as a month, or that holds files
 * called as those of one. One without its manifest has to be told too: nobody signed what is in it. `onMonth` is told how
 * many there are.
 */
export async function findMonths(root: string, onMonth: (count: number) => void = () => {}): Promise<FoundMonth[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const dirs = entries.flatMap((entry) => {
    // A link may lead to a folder.
    if (!entry.isFile() && parsePeriod(entry.name).ok) return [join(entry.parentPath, entry.name)];
    return !entry.isDirectory() && FILE_OF_A_MONTH.test(entry.name) ? [entry.parentPath] : [];
  });
  const months: FoundMonth[] = [];
  for (const dir of [...new Set(dirs)].toSorted()) {
    months.push(await readMonth(dir));
    onMonth(months.length);
  }
  return months;
}

async function readMonth(dir: string): Promise<FoundMonth> {
  const all = await readdir(dir).catch((): string[] => []);
  const names = all.filter((name) => name !== MANIFEST);
  const files: FileDigest[] = [];
  for (const name of names) {
    const path = join(dir, name);
    const stats = await lstat(path);
    // What is no plain file has no bytes of its own, and is no file of a month.
    if (stats.isFile()) files.push({ name, bytes: stats.size, sha256: (await sha256OfFile(path)) ?? "" });
    else files.push({ name, bytes: -1, sha256: "" });
  }
  const hasEvents = files.some(({ name, bytes }) => name === EVENTS && bytes >= 0);
  return {
    where: dir,
    folder: { tenant: basename(dirname(dir)), month: basename(dir) },
    manifestText: all.includes(MANIFEST) ? await readFile(join(dir, MANIFEST), "utf8").catch(() => "") : null,
    files,
    events: hasEvents ? () => createInterface({ input: createReadStream(join(dir, EVENTS), "utf8") }) : null,
  };
}

/** The hash of a file as a manifest writes it; null for one that cannot be read. */
export async function sha256OfFile(path: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return hash.digest("hex");
  } catch {
    return null;
  }
}
