import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, test, vi } from "vitest";
import { app, ROUTES } from "../../src/app.ts";

vi.mock("cloudflare:sockets", () => ({ connect: () => new Error("no sockets here") }));

const SETTINGS = {
  CLARO_CLIENT_ID: "id",
  CLARO_CLIENT_SECRET: "secret",
  ADMIN_TOKEN: "0123456789abcdef",
  ACCESS_TOKEN_SECRET: "0123456789abcdef",
  CPF_HMAC_SECRET: "0123456789abcdef",
  IDEMPOTENCY_SECRET: "0123456789abcdef",
};

type Operations = Record<string, { readonly responses: object }>;
type Document = { readonly paths: Record<string, Operations>; readonly servers: unknown };

describe("openapi.json", () => {
  test("has no error and no warning by Redocly's recommended rules", async () => {
    const config = await createConfig({
      extends: ["recommended"],
      // Told below with more precision: `GET /healthz` asks for nothing that could be wrong.
      rules: { "operation-4xx-response": "off" },
    });
    const source = JSON.stringify(await readDocument());
    const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
    expect(problems.map(({ message, location }) => `${message} at ${location[0]?.pointer}`)).toEqual([]);
  });

  test("tells of every path and method that is served, once each", async () => {
    const { paths, servers } = await readDocument();
    const told = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = Object.entries(ROUTES).flatMap(([path, route]) =>
      Object.keys(route).map((method) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`),
    );
    expect(told).toEqual(served);
    expect(servers).toEqual([{ url: "https://gateway.test" }]);
  });

  test("only what asks for nothing has no 4xx", async () => {
    const { paths } = await readDocument();
    const withoutRefusal = Object.entries(paths).filter(([, item]) =>
      Object.values(item).some(({ responses }) => !Object.keys(responses).some((status) => status.startsWith("4"))),
    );
    expect(withoutRefusal.map(([path]) => path)).toEqual([
      "/healthz",
      "/.well-known/claro-score-gateway/export-keys.json",
    ]);
  });
});

async function readDocument(): Promise<Document> {
  const response = await app.request("https://gateway.test/openapi.json", {}, SETTINGS);
  return await response.json<Document>();
}
