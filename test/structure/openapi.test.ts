import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, test, vi } from "vitest";
import { app, ENDPOINTS } from "../../src/app.ts";

vi.mock("cloudflare:sockets", () => ({ connect: () => new Error("no sockets here") }));

const SETTINGS = {
  CLARO_CLIENT_ID: "id",
  CLARO_CLIENT_SECRET: "secret",
  ADMIN_TOKEN: "0123456789abcdef0123456789abcdef",
  ACCESS_TOKEN_SECRET: "0123456789abcdef0123456789abcdef",
  CPF_HMAC_SECRET: "0123456789abcdef0123456789abcdef",
  IDEMPOTENCY_SECRET: "0123456789abcdef0123456789abcdef",
};

/** Each example, also of a parameter and of a field deep inside, is what its own schema takes. */
const EXAMPLE_RULES = {
  "no-invalid-schema-examples": "error",
  "no-invalid-parameter-examples": "error",
  "no-invalid-media-type-examples": "error",
} as const;

type Document = { readonly paths: Record<string, Record<string, unknown>>; readonly servers: unknown };

describe("openapi.json", () => {
  test("has no error and no warning by Redocly's recommended rules", async () => {
    expect(await lint(await readDocument(), { extends: ["recommended"] })).toEqual([]);
  });

  test("shows no example that its own schema would refuse", async () => {
    const document = await readDocument();
    expect(await lint(document, { rules: EXAMPLE_RULES })).toEqual([]);
    // Each of them is looked at: spoilt, it is named.
    const spoilt = structuredClone(document);
    const spoiltCount = spoilExamples(spoilt);
    expect(spoiltCount).toBeGreaterThan(900);
    const named = await lint(spoilt, { rules: EXAMPLE_RULES });
    expect(new Set(named.map((problem) => problem.split(" at ").at(-1))).size).toBeGreaterThanOrEqual(spoiltCount);
  });

  test("tells of every path and method that is served, once each", async () => {
    const { paths, servers } = await readDocument();
    const told = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = ENDPOINTS.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(told.toSorted()).toEqual(served.toSorted());
    expect(servers).toEqual([{ url: "https://gateway.test" }]);
  });
});

async function lint(document: Document, rules: Parameters<typeof createConfig>[0]): Promise<string[]> {
  const config = await createConfig(rules);
  const problems = await lintFromString({ source: JSON.stringify(document), absoluteRef: "/openapi.json", config });
  return problems.map(({ message, location }) => `${message} at ${location[0]?.pointer}`);
}

/** Puts what no schema of ours takes in the place of each example, and counts them. */
function spoilExamples(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const object = value as Record<string, unknown>;
  let count = 0;
  for (const [name, inner] of Object.entries(object)) {
    if (name === "example") [object[name], count] = [SPOILT, count + 1];
    else if (name === "examples" && Array.isArray(inner))
      [object[name], count] = [inner.map(() => SPOILT), count + inner.length];
    else count += spoilExamples(inner);
  }
  return count;
}

const SPOILT = [[{ spoilt: true }]];

async function readDocument(): Promise<Document> {
  const response = await app.request("https://gateway.test/openapi.json", {}, SETTINGS);
  return await response.json<Document>();
}
