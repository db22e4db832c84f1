import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { app, ENDPOINTS } from "../../src/app.ts";
import { claroError } from "../../src/http/claro_error.ts";
import { problem } from "../../src/http/problem.ts";
import { expectDocumented } from "../support/documented.ts";
import { ADMIN_TOKEN, admin, call, newTenant } from "../support/gateway.ts";

const CLAROS_PATHS = ["/oauth2/v1/token", "/customers/v1/scores"];

const PATHS = [...new Set(ENDPOINTS.map(({ path }) => path))];
const methodsOf = (path: string) => ENDPOINTS.filter((endpoint) => endpoint.path === path).map(({ method }) => method);

describe("every route", () => {
  test.each(PATHS)("%s tells other methods which it takes", async (pattern) => {
    const path = pattern.replaceAll(/:\w+/g, "x");
    const method = methodsOf(pattern).includes("PUT") ? "PATCH" : "PUT";
    const response = await call(path, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(response.status).toBe(405);
    const allowed = methodsOf(pattern).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    expect(response.headers.get("allow")).toBe(allowed.join(", "));
  });

  test.each(PATHS.filter((path) => !methodsOf(path).includes("GET")))(
    "%s does not take GET or HEAD",
    async (pattern) => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      expect((await call(pattern, { headers })).status).toBe(405);
      expect((await call(pattern, { method: "HEAD", headers })).status).toBe(405);
    },
  );

  test.each(PATHS)("%s with a slash at its end is another path", async (pattern) => {
    const path = `${pattern.replaceAll(/:\w+/g, "x")}/`;
    expect((await call(path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).status).toBe(404);
  });

  test("HEAD answers as GET does, without a body", async () => {
    const tenant = await newTenant();
    const response = await call("/v1/usage", { method: "HEAD", headers: { "x-api-key": tenant.key } });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe("");
  });
});

describe("failures outside of routes", () => {
  test.each([
    ["nothing", undefined, "pt-BR"],
    ["en", "en", "en"],
    ["en-US, en before Portuguese", "en-US,en;q=0.9,pt;q=0.8", "en"],
    ["Portuguese before English", "pt-BR,en;q=0.9", "pt-BR"],
    ["another language", "de", "pt-BR"],
    ["English refused", "en;q=0", "pt-BR"],
  ])("an unknown path, with %s preferred", async (_, accepted, language) => {
    const response = await call(
      "/v2/scores",
      accepted === undefined ? {} : { headers: { "accept-language": accepted } },
    );
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("content-language")).toBe(language);
    expect(response.headers.get("vary")).toBe("Accept-Language");
    const body = problem.parse(await response.json());
    expect(body.type).toBe("https://gateway.test/docs/errors#not_found");
    expect(body.requestId).toBe(response.headers.get("x-request-id"));
  });

  test("an unknown admin path is not told to strangers", async () => {
    const response = await call("/admin/v1/nothing");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect((await admin("/nothing")).status).toBe(404);
  });

  test("a mistake of ours tells nothing of itself", async () => {
    const broken = {
      ...env,
      DB: {
        prepare: () => {
          throw new Error("boom: select from tenants");
        },
      },
    };
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await app.request("https://gateway.test/admin/v1/tenants/ten_x", { headers }, broken);
    expect(response.status).toBe(500);
    await expectDocumented("GET", "/admin/v1/tenants/ten_x", response);
    const text = await response.text();
    expect(problem.parse(JSON.parse(text)).code).toBe("internal");
    expect(text).not.toContain("boom");
  });

  test.each(["/v1/usage", ...CLAROS_PATHS])("missing settings at %s are not named", async (path) => {
    const method = CLAROS_PATHS.includes(path) ? "POST" : "GET";
    const response = await app.request(`https://gateway.test${path}`, { method }, { ...env, ADMIN_TOKEN: "" });
    expect(response.status).toBe(500);
    await expectDocumented(method, path, response);
    expect(await response.text()).not.toContain("ADMIN_TOKEN");
  });

  test.each(CLAROS_PATHS)("%s fails in Claro's envelope, whatever the reason", async (path) => {
    const response = await call(path, { method: "PUT", headers: { "accept-language": "en" } });
    expect(claroError.parse(await response.json()).error).toMatchObject({
      httpCode: "405",
      errorCode: "API-SCORES-405",
      detailedMessage: expect.stringContaining("does not take this method"),
    });
  });
});

describe("X-Request-Id", () => {
  test.each(["a", "A.b_c-9", "x".repeat(128)])("is the caller's own: %s", async (id) => {
    expect((await call("/healthz", { headers: { "x-request-id": id } })).headers.get("x-request-id")).toBe(id);
  });

  test.each([
    ["empty", ""],
    ["too long", "x".repeat(129)],
    ["with a space", "a b"],
    ["with a quote", 'a"b'],
    ["with a letter of another script", "é"],
    ["twice", "a, b"],
    ["a CPF", ["529", "982", "247", "25"].join("")],
    ["a CPF after letters", ["id00529", "982", "247", "25"].join("")],
    ["a CPF in a longer number", ["7529", "982", "247", "258"].join("")],
    ["a CPF in groups", "529.982.247-25"],
    ["an API key", `csg_live_${"a".repeat(10)}_${"b".repeat(32)}`],
    ["a token", ["eyJhbGciOiJIUzI1NiJ9", "e30", "c2ln"].join(".")],
  ])("is made anew when it is %s", async (_, id) => {
    const response = await call("/nowhere", { headers: { "x-request-id": id } });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("traceparent", () => {
  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  const SPAN = "00f067aa0ba902b7";

  async function echoOf(traceparent: string): Promise<{ header: string | null; line: Record<string, unknown> }> {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const response = await call("/nowhere", { headers: { traceparent } });
    const [line] = log.mock.calls.map(([text]) => JSON.parse(String(text)) as Record<string, unknown>);
    log.mockRestore();
    return { header: response.headers.get("traceparent"), line: line ?? {} };
  }

  test.each(["00", "01", "fe"])("of version %s stands in the answer and in the log line", async (version) => {
    const traceparent = `${version}-${TRACE}-${SPAN}-01`;
    const { header, line } = await echoOf(traceparent);
    expect(header).toBe(traceparent);
    expect(line).toMatchObject({ event: "request", traceId: TRACE, parentId: SPAN });
  });

  test.each([
    ["empty", ""],
    ["of no version", `ff-${TRACE}-${SPAN}-01`],
    ["of no trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["of no span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["in capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["too short", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["too long", `00-${TRACE}-${SPAN}-01-x`],
    ["twice", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ["no hexadecimal", `00-${TRACE.replace("4", "g")}-${SPAN}-01`],
    ["around a CPF", `00-${["529", "982", "247", "25"].join("")}${TRACE.slice(11)}-${SPAN}-01`],
    ["around a CPF in its span", `00-${TRACE}-${["529", "982", "247", "25"].join("")}${SPAN.slice(11)}-01`],
  ])("is neither told nor logged when it is %s", async (_, traceparent) => {
    const { header, line } = await echoOf(traceparent);
    expect(header).toBeNull();
    expect([line["event"], line["traceId"], line["parentId"]]).toEqual(["request", undefined, undefined]);
  });
});

describe("/openapi.json", () => {
  test("is revalidated, not sent again, and stands for the host that was asked", async () => {
    const first = await call("/openapi.json");
    expect(first.headers.get("cache-control")).toBe("no-cache");
    expect(await first.json()).toMatchObject({ openapi: "3.1.0", servers: [{ url: "https://gateway.test" }] });
    const etag = first.headers.get("etag")!;
    const again = await call("/openapi.json", { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const elsewhere = await app.request("https://elsewhere.test/openapi.json", {}, env);
    expect(elsewhere.headers.get("etag")).not.toBe(etag);
  });
});

describe("the check of answers against the document", () => {
  test.each([
    ["a field too many", Response.json({ status: "ok", version: "0.1.0", commit: "dev", more: 1 }), "to deeply equal"],
    ["a wrong field", Response.json({ status: "no" }), "status"],
    ["a status that it does not list", Response.json({ status: "ok" }, { status: 201 }), "201"],
  ])("sees %s", async (_, response, named) => {
    response.headers.set("x-request-id", "a");
    await expect(expectDocumented("GET", "/healthz", response)).rejects.toThrow(named);
  });
});
