import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import spectralCore from "@stoplight/spectral-core";
import spectralRulesets from "@stoplight/spectral-rulesets";
import { afterAll, describe, expect, test, vi } from "vitest";
import { ENDPOINTS } from "../../src/app.ts";
import { describeEndpoints } from "../../src/http/openapi.ts";

vi.mock("cloudflare:sockets", () => ({ connect: () => new Error("no sockets here") }));

const TYPESCRIPT_5 = import.meta.resolve("@ts-morph/common").replace(/[^/]+$/, "typescript.js");

// The generators write with TypeScript's old programming interface, which its version 7 does not have.
registerHooks({
  resolve: (specifier, context, next) => next(specifier === "typescript" ? TYPESCRIPT_5 : specifier, context),
});

const ROOT = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "openapi-clients-"));
const TSC = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"];
const TSC_MORE = ["--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable", "--ignoreConfig"];

afterAll(() => rmSync(dir, { recursive: true }));

const AUDIENCES = ["everyone", "partner"] as const;
const LANGUAGES = ["pt-BR", "en"] as const;

/** A fresh copy: some tools change what they are given. */
function documentFor(audience: (typeof AUDIENCES)[number], language: (typeof LANGUAGES)[number] = "en") {
  const document = describeEndpoints(ENDPOINTS, { origin: "https://gateway.test", language, audience });
  return JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
}

/** What the compiler says of generated code and of what uses it. */
function compile(...files: string[]): string {
  try {
    execFileSync(join(ROOT, "node_modules/.bin/tsc"), [...TSC, ...TSC_MORE, ...files], { cwd: dir, stdio: "pipe" });
    return "";
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout);
  }
}

const OPERATIONS = ENDPOINTS.map(({ id }) => id);

describe("the document, as the tools of partners read it", () => {
  test.each(AUDIENCES.flatMap((audience) => LANGUAGES.map((language) => [audience, language] as const)))(
    "Spectral finds nothing, for %s in %s",
    async (audience, language) => {
      const spectral = new spectralCore.Spectral();
      spectral.setRuleset(spectralRulesets.oas as unknown as Parameters<typeof spectral.setRuleset>[0]);
      const found = await spectral.run(documentFor(audience, language));
      expect(found.map(({ code, message, path }) => `${code}: ${message} at ${path.join("/")}`)).toEqual([]);
    },
  );

  test("openapi-typescript writes types of every call, which compile and refuse what is wrong", async () => {
    const { default: openapiTypes, astToString } = await import("openapi-typescript");
    const types = astToString(await openapiTypes(documentFor("everyone") as never));
    for (const id of OPERATIONS) expect(types, id).toContain(`    ${id}: {`);
    writeFileSync(join(dir, "types.ts"), types);
    writeFileSync(
      join(dir, "use.ts"),
      `import type { operations } from "./types";
type Asked = operations["lookUpScore"]["requestBody"]["content"]["application/json"];
type Answered = operations["lookUpScore"]["responses"][200]["content"]["application/json"];
export const asked: Asked = { cpf: "52998224725" };
// @ts-expect-error a CPF is asked for
export const empty: Asked = {};
export const score = (answer: Answered): number => answer.score;
`,
    );
    expect(compile("use.ts")).toBe("");
  });

  test("hey-api writes a client of every call, which compiles", async () => {
    const { createClient } = await import("@hey-api/openapi-ts");
    const out = join(dir, "client");
    await createClient({ input: documentFor("everyone"), output: { path: out }, logs: { level: "silent" } });
    const calls = readFileSync(join(out, "sdk.gen.ts"), "utf8");
    for (const id of OPERATIONS) expect(calls, id).toContain(`export const ${id} = `);
    writeFileSync(
      join(dir, "call.ts"),
      `import { lookUpScore } from "./client";
export const score = async () => (await lookUpScore({ body: { cpf: "52998224725" } })).data?.score.toFixed();
// @ts-expect-error a body is asked for
export const without = () => lookUpScore({});
`,
    );
    expect(compile("call.ts")).toBe("");
  });
});
