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

type Document = { readonly paths: Record<string, Record<string, unknown>>; readonly servers: unknown };

describe("openapi.json", () => {
  test("has no error and no warning by Redocly's recommended rules", async () => {
    const config = await createConfig({ extends: ["recommended"] });
    const source = JSON.stringify(await readDocument());
    const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
    expect(problems.map(({ message, location }) => `${message} at ${location[0]?.pointer}`)).toEqual([]);
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

async function readDocument(): Promise<Document> {
  const response = await app.request("https://gateway.test/openapi.json", {}, SETTINGS);
  return await response.json<Document>();
}
