import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { FoundMonth } from "../../domain/statement_audit.ts";
import type { FileDigest } from "../../domain/statement.ts";

const MANIFEST = "manifest.json";
const EVENTS = "events.jsonl";

/** Every folder with a manifest under `root` (which may be one itself), measured. `onMonth` is told how many there are. */
export async function findMonths(root: string, onMonth: (count: number) => void = () => {}): Promise<FoundMonth[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const dirs = entries.filter((entry) => entry.isFile() && entry.name === MANIFEST).map((entry) => entry.parentPath);
  const months: FoundMonth[] = [];
  for (const dir of dirs.toSorted()) {
    months.push(await readMonth(dir));
    onMonth(months.length);
  }
  return months;
}

async function readMonth(dir: string): Promise<FoundMonth> {
  const names = (await readdir(dir)).filter((name) => name !== MANIFEST);
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
    manifestText: await readFile(join(dir, MANIFEST), "utf8"),
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
