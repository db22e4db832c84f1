import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";
import type { SourceChange } from "./broken_ledgers.ts";

/** What the Worker is built from. */
const SOURCES = ["src", "wrangler.toml", "package.json", "tsconfig.json"];
/** The tortured entry is always this checkout's: the same faults strike every version. */
const ENTRY = ["test/torture/worker.ts", "test/torture/inner_faults.ts"];

/** The sources as a commit has them, in a folder of their own. */
export function treeOfCommit(commit: string, dir: string): string {
  mkdirSync(dir, { recursive: true });
  const archive = join(dir, "sources.tar");
  execFileSync("git", ["archive", "--format=tar", "--output", archive, commit, ...SOURCES], { cwd: PROJECT_ROOT });
  execFileSync("tar", ["-xf", archive, "-C", dir]);
  rmSync(archive);
  return withEntry(dir);
}

/** This checkout's sources with some places changed, each of which stands in its file once. */
export function treeWith(changes: readonly SourceChange[], dir: string): string {
  for (const name of SOURCES) cpSync(join(PROJECT_ROOT, name), join(dir, name), { recursive: true });
  for (const { file, intact, broken } of changes) {
    const path = join(dir, file);
    const source = readFileSync(path, "utf8");
    if (source.split(intact).length !== 2) throw new Error(`${file} does not have once: ${intact}`);
    writeFileSync(
      path,
      source.replace(intact, () => broken),
    );
  }
  return withEntry(dir);
}

function withEntry(dir: string): string {
  for (const name of ENTRY) cpSync(join(PROJECT_ROOT, name), join(dir, name), { recursive: true });
  symlinkSync(join(PROJECT_ROOT, "node_modules"), join(dir, "node_modules"));
  return dir;
}
