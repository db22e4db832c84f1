import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readTemplate } from "../../src/ctl/deploy/template.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url).href);

test("docs/operations.md tells of no option of npm run deploy that is not there", () => {
  const help = readFileSync(join(ROOT, "src/ctl/deploy/options.ts"), "utf8");
  const known = new Set([...help.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, name]) => name));
  const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const section = /^## Deploying$[\s\S]*?(?=^## |$(?![\s\S]))/m.exec(page)?.[0] ?? "";
  expect(section).not.toBe("");
  const told = [...section.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([name]) => name);
  expect(told.filter((name) => !known.has(name))).toEqual([]);
});

test(".dev.vars.example names the secrets that a deployment sets, and no other", () => {
  const example = readFileSync(join(ROOT, ".dev.vars.example"), "utf8");
  const named = [...example.matchAll(/^(\w+)=/gm)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual([...readTemplate().secrets.required].toSorted());
});

test("package.json describes each of them to who deploys with Cloudflare's button", () => {
  const { cloudflare } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    cloudflare: { bindings: Record<string, { description: string }> };
  };
  expect(Object.keys(cloudflare.bindings).toSorted()).toEqual([...readTemplate().secrets.required].toSorted());
  for (const { description } of Object.values(cloudflare.bindings)) expect(description).not.toBe("");
});
