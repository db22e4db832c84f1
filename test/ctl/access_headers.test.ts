import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { AdminApi } from "../../src/ctl/api/admin_api.ts";

const LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login";

let server: Server;
let url = "";
let passed: string[] = [];

/** As Access in front of a gateway: a call without its service token is sent to the page where people log in. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const { "cf-access-client-id": id, "cf-access-client-secret": secret, authorization } = request.headers;
    if (id !== "ci.access" || secret !== "the-secret") return response.writeHead(302, { location: LOGIN }).end();
    passed.push(`${request.method} ${request.url} ${authorization}`);
    return response.writeHead(200, { "content-type": "application/json" }).end('{"data":[],"id":"x","key":"k"}');
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  passed = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(() => {
  server.close();
});

const api = () => new AdminApi({ url, adminToken: "own", tokenHint: "" });

describe("a gateway behind Cloudflare Access", () => {
  test("is reached with the service token of the environment, beside the operator's own", async () => {
    vi.stubEnv("CLOUDFLARE_ACCESS_CLIENT_ID", "ci.access");
    vi.stubEnv("CLOUDFLARE_ACCESS_CLIENT_SECRET", "the-secret");
    await api().get("/health");
    expect(passed).toEqual(["GET /admin/v1/health Bearer own"]);
  });

  test("without one is not reached, which says what to set", async () => {
    await expect(api().get("/health")).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/status 302.*Cloudflare Access.*CLOUDFLARE_ACCESS_CLIENT_ID/),
    });
  });

  test.each(["CLOUDFLARE_ACCESS_CLIENT_ID", "CLOUDFLARE_ACCESS_CLIENT_SECRET"])("%s alone is refused", async (name) => {
    vi.stubEnv(name, "x");
    await expect(api().get("/health")).rejects.toMatchObject({ exitCode: 2 });
    expect(passed).toEqual([]);
  });
});
