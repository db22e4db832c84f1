import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const src = fileURLToPath(new URL("../../src", import.meta.url).href);

/** What each room may use. Imports go one way: pages → http → gateway → platform → domain. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  domain: ["domain"],
  sandbox: ["sandbox", "domain"],
  platform: ["platform", "domain", "sandbox"],
  gateway: ["gateway", "platform", "domain"],
  http: ["http", "gateway", "platform", "domain", "sandbox"],
  pages: ["pages", "http", "gateway", "platform", "domain", "sandbox"],
  ctl: ["ctl", "sandbox", "platform", "domain"],
  ".": ["http", "pages", "gateway", "platform", "."],
};

/** The ledger's turns may not await, so they seal and pack with what the platform offers synchronously. */
const LEDGER_MODULES: readonly string[] = ["node:crypto", "node:zlib"];

const files = globSync("**/*.ts", { cwd: src }).filter((file) => !file.endsWith(".d.ts"));

describe("imports", () => {
  test.each(files)("%s imports only what its room may use", (file) => {
    const allowed = MAY_IMPORT[roomOf(file)] ?? [];
    const foreign = importsOf(file)
      .filter((target) => target.startsWith("."))
      .map((target) => roomOf(relative(src, join(src, dirname(file), target))))
      .filter((room) => !allowed.includes(room));
    expect(foreign).toEqual([]);
  });

  test.each(files.filter((file) => roomOf(file) !== "ctl"))("%s uses web standards only", (file) => {
    const allowed = file.startsWith("platform/ledger/") ? LEDGER_MODULES : [];
    expect(importsOf(file).filter((target) => target.startsWith("node:") && !allowed.includes(target))).toEqual([]);
  });

  test.each(files.filter((file) => roomOf(file) === "domain"))("%s knows no clock, no I/O and no chance", (file) => {
    const code = readFileSync(join(src, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    expect(code).not.toMatch(/Date\.now|new Date\(\)|\bfetch\(|Math\.random|\bEnv\b|setTimeout|randomUUID/);
  });
});

test.each(files)("%s takes zod as a namespace", (file) => {
  // By its name `z` the bundle gets the texts of all its languages: 76 kB of gzip that nobody reads.
  expect(readFileSync(join(src, file), "utf8")).not.toMatch(/^import \{[^}]*\bz\b[^}]*\} from "zod"/m);
});

function roomOf(file: string): string {
  const [room] = file.split("/");
  return room !== undefined && file.includes("/") ? room : ".";
}

function importsOf(file: string): string[] {
  const code = readFileSync(join(src, file), "utf8");
  return [...code.matchAll(/(?:from|import)\s+"([^"]+)"/g)].map((match) => match[1] ?? "");
}
