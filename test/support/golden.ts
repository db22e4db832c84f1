import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "..", "domain", "export", "golden");

/** A golden file as it stands. With `npm run goldens` it becomes what the test has made. */
export function goldenFile(name: string, made: string | Uint8Array): Buffer {
  if (process.env["GOLDENS"] === "write") writeFileSync(join(FOLDER, name), made);
  return readGolden(name);
}

export function readGolden(name: string): Buffer {
  return readFileSync(join(FOLDER, name));
}
