import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { PRODUCT } from "../../src/domain/version.ts";
import { ClaroClient } from "../../src/platform/claro/claro_client.ts";
import { withDeadline } from "../../src/platform/deadline.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { MAGIC_CPFS, type MagicName } from "../../src/sandbox/magic_cpfs.ts";
import { forgetRenewals, lookup, newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
import { failureCode, fetchWith, scoreRequest, SHAPES, usageOf, type Totals } from "../support/shapes.ts";

const CPF = "52998224725";
const SCORE = 540;

type Fault = Record<string, unknown>;
type Row = {
  readonly claro: string;
  readonly faults: readonly Fault[];
  readonly status: number;
  readonly code?: string;
  readonly outcome: keyof Totals;
  /** Score calls that reach Claro. */
  readonly calls: number;
  readonly retryAfter?: string;
};

const failed = { outcome: "failed", calls: 1 } as const;
const contract = { status: 502, code: "claro_contract", ...failed } as const;
const timedOut = { status: 504, code: "claro_timeout", outcome: "unknown", calls: 1 } as const;
const delivered = { status: 200, outcome: "delivered", calls: 1 } as const;

function status(code: number, more: Fault = {}): Fault {
  return { target: "score", kind: "status", status: code, times: 1, ...more };
}

function body(text: string): Fault {
  return { target: "score", kind: "body", body: text, times: 1 };
}

function scoreBody(score: string): Fault {
  return body(`{"apiVersion":"2:x","transactionId":"t-1","data":{"statsResult":{"score":${score}}}}`);
}

const ROWS: readonly Row[] = [
  { claro: "a score", faults: [], ...delivered },
  { claro: "the score 0", faults: [scoreBody("0")], ...delivered },
  { claro: "the score 1000", faults: [scoreBody("1000")], ...delivered },
  { claro: "a numeric string", faults: [scoreBody('"742"')], ...delivered },
  ...['"0742"', '" 742 "', '"742.0"', '"0000000000742.000"', "742.0", "7.42e2", '"\\n742\\t"'].map((score) => ({
    claro: `the score ${score}`,
    faults: [scoreBody(score)],
    ...delivered,
  })),
  ...["0", "-0", '"0"', '"00000000000"', '"0.0"', "1000", '"1000.00"'].map((score) => ({
    claro: `the score ${score}`,
    faults: [scoreBody(score)],
    ...delivered,
  })),
  { claro: "a score after a 103", faults: [{ target: "score", kind: "early_hints", times: 1 }], ...delivered },
  { claro: "a score, dripping in", faults: [{ target: "score", kind: "drip", delayMs: 1, times: 1 }], ...delivered },
  { claro: "a score without a transaction", faults: [body('{"data":{"statsResult":{"score":7}}}')], ...delivered },
  ...[
    "1001",
    "-1",
    "500.5",
    '"abc"',
    '""',
    '"0x10"',
    '"1e2"',
    '"12.5"',
    '"12."',
    '".0"',
    '"+1"',
    '"1,0"',
    '"٧"',
    '"1 2"',
    '"1000.1"',
    "null",
    "true",
    "[5]",
    "{}",
    "1e400",
  ].map((score) => ({ claro: `the score ${score}`, faults: [scoreBody(score)], ...contract })),
  { claro: "JSON without a score", faults: [body('{"transactionId":"t-2"}')], ...contract },
  { claro: "JSON null", faults: [body("null")], ...contract },
  { claro: "an empty body", faults: [body("")], ...contract },
  { claro: "JSON cut short", faults: [body('{"data":{"statsResult":{"score":74')], ...contract },
  { claro: "HTML", faults: [{ target: "score", kind: "html", times: 1 }], ...contract },
  { claro: "a huge body", faults: [{ target: "score", kind: "huge_body", times: 1 }], ...contract },
  { claro: "400", faults: [status(400)], status: 400, code: "rejected_by_claro", outcome: "rejected", calls: 1 },
  { claro: "401 once", faults: [status(401)], ...delivered, calls: 2 },
  {
    claro: "401 twice",
    faults: [status(401, { times: 2 })],
    status: 502,
    code: "claro_unauthorized",
    ...failed,
    calls: 2,
  },
  { claro: "403", faults: [status(403)], status: 502, code: "claro_forbidden", ...failed },
  { claro: "404", faults: [status(404)], status: 404, code: "score_not_found", outcome: "notFound", calls: 1 },
  ...[
    ["an empty body", ""],
    ["no JSON", "404 page not found"],
    ["JSON null", "null"],
    ["JSON cut short", '{"apiVersion":"1"'],
    ["a fault somewhere within", '{"error":{"fault":{}}}'],
    ["a fault in a text", '"{\\"fault\\":{}}"'],
  ].map(([claro, text]) => ({
    claro: `404 with ${claro}`,
    faults: [status(404, { body: text })],
    status: 404,
    code: "score_not_found",
    outcome: "notFound" as const,
    calls: 1,
  })),
  ...[
    ["HTML", "<html><body>nginx</body></html>"],
    ["a doctype", "\n <!DOCTYPE HTML PUBLIC>"],
    ["a byte order mark and HTML", "\uFEFF<html>"],
    ["XML", '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'],
    ["Apigee's fault", '{"fault":{"faultstring":"Unable to identify proxy"}}'],
    ["Apigee's fault, pretty-printed", ' {\n  "fault" : {\n} }'],
    ["Apigee's fault, not first", '{"a":1,"fault":{}}'],
    ["Apigee's fault, cut short", '{"fault":{"faultstr'],
    ["HTML that is longer than what is read", `<html>${"x".repeat(900_000)}`],
  ].map(([claro, text]) => ({
    claro: `404 with ${claro}`,
    faults: [status(404, { body: text })],
    status: 502,
    code: "claro_failed",
    ...failed,
  })),
  {
    claro: "404 with a page in another form",
    faults: [{ target: "score", kind: "html", status: 404, body: "Not found", times: 1 }],
    status: 502,
    code: "claro_failed",
    ...failed,
  },
  { claro: "429", faults: [status(429)], status: 503, code: "claro_throttled", retryAfter: "5", ...failed },
  ...[
    ["17", "17"],
    ["3601", "3600"],
    ["99999999999999999999999", "3600"],
    ["Fri, 31 Dec 2100 23:59:59 GMT", "3600"],
    ["Sunday, 06-Nov-94 08:49:37 GMT", "1"],
    ["1.9", "1"],
    ["0", "5"],
    ["-5", "5"],
    ["soon", "5"],
    ["", "5"],
    ["1e3", "5"],
    ["2026-11-28", "5"],
  ].map(([header = "", retryAfter = ""]) => ({
    claro: `429 with Retry-After: ${header}`,
    faults: [status(429, { headers: { "Retry-After": header } })],
    status: 503,
    code: "claro_throttled",
    retryAfter,
    ...failed,
  })),
  ...[500, 502, 503, 504].flatMap((code) => [
    { claro: `${code} once`, faults: [status(code)], ...delivered, calls: 2 },
    {
      claro: `${code} twice`,
      faults: [status(code, { times: 2 })],
      status: 502,
      code: "claro_failed",
      ...failed,
      calls: 2,
    },
  ]),
  ...[201, 204, 206, 301, 302, 304, 307, 308, 402, 405, 409, 418, 422, 451, 501, 505, 506, 599, 600, 999].map(
    (code) => ({
      claro: String(code),
      faults: [status(code, { headers: { Location: "/customers/v1/scores" } })],
      ...contract,
    }),
  ),
  {
    claro: "500, then 400",
    faults: [status(500), status(400)],
    status: 400,
    code: "rejected_by_claro",
    outcome: "rejected",
    calls: 2,
  },
  {
    claro: "500, then a lost connection",
    faults: [status(500), { target: "score", kind: "drop", times: 1 }],
    ...timedOut,
    calls: 2,
  },
  { claro: "401, then 500, then a score", faults: [status(401), status(500)], ...delivered, calls: 3 },
  { claro: "a connection lost after sending", faults: [{ target: "score", kind: "drop", times: 1 }], ...timedOut },
  {
    claro: "a connection lost within the body",
    faults: [{ target: "score", kind: "reset_mid_body", times: 1 }],
    ...timedOut,
  },
  {
    claro: "a score that is not packed as it says",
    faults: [{ target: "score", kind: "bad_gzip", times: 1 }],
    ...contract,
  },
  { claro: "half a score, and then nothing", faults: [{ target: "score", kind: "hang_body", times: 1 }], ...timedOut },
  { claro: "no answer in time", faults: [{ target: "score", kind: "delay", delayMs: 4000, times: 1 }], ...timedOut },
  {
    claro: "an answer that drips for too long",
    faults: [{ target: "score", kind: "drip", delayMs: 200, times: 1 }],
    ...timedOut,
  },
];

beforeEach(async () => {
  await sandbox("reset");
});

describe.each(SHAPES)("a live lookup in $name, when Claro gives", (shape) => {
  test.each(ROWS)("$claro", async ({ faults, status: expected, code, outcome, calls, retryAfter }) => {
    const tenant = await newTenant();
    await sandbox("faults", faults);
    const response = await shape.lookup(tenant, CPF);
    expect(response.status).toBe(expected);
    expect(response.headers.get("retry-after")).toBe(retryAfter ?? null);
    if (code === undefined) expect(await response.text()).toContain('"score":');
    else expect(await failureCode(response)).toBe(code);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: calls });
    const isBilled = outcome === "delivered" ? { billed: 1 } : {};
    expect(await usageOf(tenant)).toEqual({ requests: 1, [outcome]: 1, ...isBilled });
  });

  test("an answer in Claro's own words", async () => {
    const tenant = await newTenant();
    await sandbox("faults", [scoreBody('"742"')]);
    const answer = await (await shape.lookup(tenant, CPF)).json();
    if (shape.path === "/v1/scores") expect(answer).toMatchObject({ score: 742, transactionId: "t-1" });
    else expect(answer).toEqual({ apiVersion: "2:x", transactionId: "t-1", data: { statsResult: { score: "742" } } });
  });
});

/** How a body can be broken whose status is known. */
const BROKEN_BODIES: readonly Fault[] = [
  { kind: "reset_mid_body" },
  { kind: "hang_body" },
  { kind: "drip", delayMs: 500 },
  { kind: "bad_gzip" },
  { kind: "huge_body" },
  { kind: "status", body: "" },
  { kind: "body", body: '{"data":{"statsResult":{"score":742}}}' },
];
/** Less than the budget of a lookup, which is 2 s here, and far more than a lookup takes on a busy machine. */
const AT_ONCE_MS = 1500;

type Decided = Omit<Row, "claro" | "faults" | "retryAfter"> & { readonly claroStatus: number };
const DECIDED: readonly Decided[] = [
  ...[201, 301, 418, 501, 999].map((claroStatus) => ({ claroStatus, ...contract })),
  { claroStatus: 400, status: 400, code: "rejected_by_claro", outcome: "rejected", calls: 1 },
  { claroStatus: 401, status: 502, code: "claro_unauthorized", outcome: "failed", calls: 2 },
  { claroStatus: 403, status: 502, code: "claro_forbidden", ...failed },
  { claroStatus: 404, status: 404, code: "score_not_found", outcome: "notFound", calls: 1 },
  { claroStatus: 429, status: 503, code: "claro_throttled", ...failed },
  ...[500, 502, 503, 504].map((claroStatus) => ({
    claroStatus,
    status: 502,
    code: "claro_failed",
    outcome: "failed" as const,
    calls: 2,
  })),
];

describe("the status decides, whatever becomes of the body", () => {
  beforeEach(async () => {
    await forgetRenewals();
  });

  test.each(DECIDED.flatMap((row) => BROKEN_BODIES.map((fault) => ({ ...row, fault, kind: fault["kind"] as string }))))(
    "$claroStatus, $kind",
    async ({ claroStatus, fault, status: expected, code, outcome, calls }) => {
      const tenant = await newTenant();
      await lookup(tenant.key, CPF);
      await sandbox("reset");
      await sandbox("faults", [{ target: "score", ...fault, status: claroStatus }]);
      const startMs = Date.now();
      const response = await lookup(tenant.key, CPF);
      expect(Date.now() - startMs).toBeLessThan(AT_ONCE_MS);
      expect([response.status, await failureCode(response)]).toEqual([expected, code]);
      expect(await sandbox("counts")).toMatchObject({ scoreCalls: calls });
      const usage: Partial<Totals> = { requests: 2, delivered: 1, billed: 1, [outcome]: 1 };
      expect(await usageOf(tenant)).toEqual(usage);
    },
  );

  test.each(BROKEN_BODIES.map((fault) => ({ fault, kind: fault["kind"] as string })))(
    "a 401 renews the token: $kind",
    async ({ fault }) => {
      const tenant = await newTenant();
      await lookup(tenant.key, CPF);
      await sandbox("reset");
      await sandbox("revoke-tokens");
      await sandbox("faults", [{ target: "score", ...fault, status: 401, times: 1 }]);
      expect((await lookup(tenant.key, CPF)).status).toBe(200);
      expect(await sandbox("counts")).toMatchObject({ scoreCalls: 2, tokenCalls: 1 });
    },
  );

  test("a 404 that a router sent is not kept for its idempotency key, and gives its allowance back", async () => {
    const tenant = await newTenant({ plan: { allowance: { requests: 1 } } });
    await sandbox("faults", [{ target: "score", kind: "html", status: 404, times: 1 }]);
    const key = { "idempotency-key": "the-same" };
    expect((await lookup(tenant.key, CPF, key)).status).toBe(502);
    expect((await lookup(tenant.key, CPF, key)).status).toBe(200);
  });

  test("a 404 whose headers come as the time runs out is no unknown", async () => {
    const tenant = await newTenant();
    await sandbox("faults", [{ target: "score", kind: "hang_body", status: 404, delayMs: 1900, body: "x".repeat(99) }]);
    expect((await lookup(tenant.key, CPF)).status).toBe(404);
    expect(await usageOf(tenant)).toEqual({ requests: 1, notFound: 1 });
  });
});

describe("texts of Claro's", () => {
  test.each([
    ["0f8c6d1e-3b1a-4c55-9f0e-a1b2c3d4e5f6", true],
    ["A.b_c:d-1", true],
    ["x".repeat(128), true],
    ["x".repeat(129), false],
    ["", false],
    ["a b", false],
    ["=1+1", false],
    ["a\nb", false],
    ["ação", false],
    [CPF, false],
    ["529.982.247-25", false],
    ["tx-111.444.777-35", false],
    [`9${CPF}9`, false],
    ["5-2-9-9-8-2-2-4-7-2-5", false],
    [`tx${CPF.slice(0, 6)}x${CPF.slice(6)}`, false],
  ])("%j is kept: %s", async (text, isKept) => {
    const tenant = await newTenant();
    const answer = { apiVersion: text, transactionId: text, data: { statsResult: { score: 7 } } };
    await sandbox("faults", [body(JSON.stringify(answer))]);
    const response = await (await lookup(tenant.key, CPF)).json();
    expect(response).toMatchObject({ score: 7, transactionId: isKept ? text : null });
  });

  test.each([12, true, null, {}, ["a"]])("%j is none", async (transactionId) => {
    const tenant = await newTenant();
    await sandbox("faults", [body(JSON.stringify({ transactionId, data: { statsResult: { score: 7 } } }))]);
    expect(await (await lookup(tenant.key, CPF)).json()).toMatchObject({ score: 7, transactionId: null });
  });

  test("a score with zeros before it is told in its plainest form, in the type that Claro chose", async () => {
    const tenant = await newTenant();
    const [, claros] = SHAPES;
    await sandbox("faults", [scoreBody('"00000000191"')]);
    expect(await (await claros?.lookup(tenant, CPF))?.json()).toMatchObject({
      data: { statsResult: { score: "191" } },
    });
  });
});

describe("our calls", () => {
  test("say who calls", async () => {
    const tenant = await newTenant();
    await lookup(tenant.key, CPF);
    const { entries } = await sandbox<{ entries: { headers: Record<string, string> }[] }>("journal");
    expect(entries[0]?.headers["user-agent"]).toBe(PRODUCT);
  });

  test("send the secrets as UTF-8", async () => {
    const settings = readSettings({ ...env, CLARO_CLIENT_ID: "loja", CLARO_CLIENT_SECRET: "maçã😀" });
    if (!settings.ok) throw new Error("misconfigured");
    const sent = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response('{"access_token":"t"}'));
    const claro = new ClaroClient("live", settings.value, { nowMs: () => Date.now() });
    expect(await withDeadline(1000, (deadline) => claro.requestToken(deadline))).toMatchObject({ accessToken: "t" });
    const headers = new Headers(sent.mock.calls[0]?.[1]?.headers);
    sent.mockRestore();
    const encoded = headers.get("x-client-auth")?.replace("Basic ", "") ?? "";
    expect(new TextDecoder().decode(Uint8Array.fromBase64(encoded))).toBe("loja:maçã😀");
    expect(headers.get("user-agent")).toBe(PRODUCT);
  });

  test.each([
    ["before anything is sent", "failed"],
    ["after Claro may have it", "unknown"],
  ] as const)("a fault of our own %s is told as ours", async (when, outcome) => {
    const tenant = await newTenant();
    const spy = vi
      .spyOn(ClaroClient.prototype, "requestScore")
      .mockImplementation(async (_call, _deadline, onStage) => {
        if (outcome === "unknown") onStage("sent");
        throw new Error(`a mistake ${when}`);
      });
    const response = await lookup(tenant.key, CPF);
    spy.mockRestore();
    expect([response.status, await failureCode(response)]).toEqual([500, "internal"]);
    expect(await usageOf(tenant)).toEqual({ requests: 1, [outcome]: 1 });
  });

  test("a failure's cause and Claro's status are in the log line", async () => {
    const tenant = await newTenant();
    await sandbox("faults", [{ target: "score", kind: "html", status: 404 }]);
    const log = vi.spyOn(console, "log");
    await lookup(tenant.key, CPF);
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
    log.mockRestore();
    expect(lines).toContainEqual(
      expect.objectContaining({ event: "request", code: "claro_failed", cause: "html", upstreamStatus: 404 }),
    );
  });
});

describe("a Claro that cannot be reached", () => {
  const { TEST_SANDBOX_URL: sandboxUrl } = env as unknown as { TEST_SANDBOX_URL: string };

  test.each([
    ["takes no connection", "http://127.0.0.1:9", "connect"],
    ["has no address", "http://claro.invalid", "connect"],
    ["speaks no TLS", sandboxUrl.replace("http:", "https:"), "tls"],
  ])("since it %s costs nothing and says so", async (_why, CLARO_BASE_URL, cause) => {
    const tenant = await newTenant();
    const log = vi.spyOn(console, "log");
    const response = await fetchWith({ CLARO_BASE_URL }, scoreRequest(tenant.key));
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
    log.mockRestore();
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await failureCode(response)).toBe("claro_unreachable");
    expect(await usageOf(tenant)).toEqual({ requests: 1, failed: 1 });
    expect(lines).toContainEqual(expect.objectContaining({ event: "request", cause, upstreamStatus: null }));
  });

  test.each([
    [521, "claro_unreachable", "failed"],
    [522, "claro_unreachable", "failed"],
    [523, "claro_unreachable", "failed"],
    [525, "claro_unreachable", "failed"],
    [526, "claro_unreachable", "failed"],
    [530, "claro_unreachable", "failed"],
    [520, "claro_timeout", "unknown"],
    [524, "claro_timeout", "unknown"],
  ])("as Cloudflare says with %i, is %s", async (claroStatus, code, outcome) => {
    const tenant = await newTenant();
    await sandbox("faults", [status(claroStatus, { times: 2 })]);
    expect(await failureCode(await lookup(tenant.key, CPF))).toBe(code);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: outcome === "failed" ? 2 : 1 });
    expect(await usageOf(tenant)).toEqual({ requests: 1, [outcome]: 1 });
  });
});

type Sandboxed = { status: number; code?: string; outcome: keyof Totals; score?: number };
const MAGIC: Record<MagicName, Sandboxed> = {
  score_0: { status: 200, outcome: "delivered", score: 0 },
  score_1000: { status: 200, outcome: "delivered", score: 1000 },
  not_found: { status: 404, code: "score_not_found", outcome: "notFound" },
  rejected: { status: 400, code: "rejected_by_claro", outcome: "rejected" },
  expired_token_once: { status: 200, outcome: "delivered" },
  forbidden: { status: 502, code: "claro_forbidden", outcome: "failed" },
  throttled: { status: 503, code: "claro_throttled", outcome: "failed" },
  failed: { status: 502, code: "claro_failed", outcome: "failed" },
  slow: { status: 200, outcome: "delivered" },
  timeout: { status: 504, code: "claro_timeout", outcome: "unknown" },
  html: { status: 502, code: "claro_contract", outcome: "failed" },
  score_out_of_range: { status: 502, code: "claro_contract", outcome: "failed" },
  no_score: { status: 502, code: "claro_contract", outcome: "failed" },
};

describe.each(SHAPES)("a test lookup in $name", (shape) => {
  let tenant: TestTenant;

  beforeAll(async () => {
    tenant = await newTenant({ mode: "test" });
    // A token that is older than `expired_token_once` accepts.
    await shape.lookup(tenant, CPF);
    await new Promise((done) => setTimeout(done, 2100));
  });

  test.each(MAGIC_CPFS)("$name", async ({ name, cpf }) => {
    const { status: expected, code, outcome, score } = MAGIC[name];
    const before = await usageOf(tenant);
    const response = await shape.lookup(tenant, cpf);
    expect(response.status).toBe(expected);
    if (code !== undefined) expect(await failureCode(response)).toBe(code);
    if (score !== undefined) expect(await response.text()).toContain(`"score":${score}`);
    const after = { ...before, [outcome]: (before[outcome] ?? 0) + 1, requests: (before.requests ?? 0) + 1 };
    expect(await usageOf(tenant)).toEqual(after);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0, tokenCalls: 0 });
  });

  test("any other CPF has its fixed score, and nothing is billed", async () => {
    for (const _again of [1, 2]) expect(await (await shape.lookup(tenant, CPF)).text()).toContain(`"score":${SCORE}`);
    expect((await usageOf(tenant)).billed).toBeUndefined();
  });
});
