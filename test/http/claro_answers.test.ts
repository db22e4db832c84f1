import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAGIC_CPFS, type MagicName } from "../../src/sandbox/magic_cpfs.ts";
import { newTenant, sandbox, type TestTenant } from "../support/gateway.ts";
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
  return body(`{"apiVersion":"2;x","transactionId":"t-1","data":{"statsResult":{"score":${score}}}}`);
}

const ROWS: readonly Row[] = [
  { claro: "a score", faults: [], ...delivered },
  { claro: "the score 0", faults: [scoreBody("0")], ...delivered },
  { claro: "the score 1000", faults: [scoreBody("1000")], ...delivered },
  { claro: "a numeric string", faults: [scoreBody('"742"')], ...delivered },
  { claro: "a score, dripping in", faults: [{ target: "score", kind: "drip", delayMs: 1, times: 1 }], ...delivered },
  { claro: "a score without a transaction", faults: [body('{"data":{"statsResult":{"score":7}}}')], ...delivered },
  ...["1001", "-1", "500.5", '"abc"', '""', '"0x10"', '"1e2"', '"12.0"', "null", "true", "[5]", "{}", "1e400"].map(
    (score) => ({ claro: `the score ${score}`, faults: [scoreBody(score)], ...contract }),
  ),
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
  {
    claro: "404 in HTML",
    faults: [status(404, { body: "<html>" })],
    status: 404,
    code: "score_not_found",
    outcome: "notFound",
    calls: 1,
  },
  { claro: "429", faults: [status(429)], status: 503, code: "claro_throttled", retryAfter: "5", ...failed },
  {
    claro: "429 with a time to wait",
    faults: [status(429, { headers: { "Retry-After": "17" } })],
    status: 503,
    code: "claro_throttled",
    retryAfter: "17",
    ...failed,
  },
  {
    claro: "429 with a date to wait for",
    faults: [status(429, { headers: { "Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT" } })],
    status: 503,
    code: "claro_throttled",
    retryAfter: "5",
    ...failed,
  },
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
  ...[501, 505, 599].map((code) => ({
    claro: String(code),
    faults: [status(code)],
    status: 502,
    code: "claro_failed",
    ...failed,
  })),
  ...[201, 204, 206, 301, 302, 304, 307, 308, 402, 405, 409, 418, 422, 451].map((code) => ({
    claro: String(code),
    faults: [status(code, { headers: { Location: "/customers/v1/scores" } })],
    ...contract,
  })),
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
    else expect(answer).toEqual({ apiVersion: "2;x", transactionId: "t-1", data: { statsResult: { score: "742" } } });
  });
});

describe("a Claro that cannot be reached", () => {
  test.each([
    ["takes no connection", "http://127.0.0.1:9"],
    ["has no address", "http://claro.invalid"],
  ])("since it %s costs nothing and says so", async (_why, CLARO_BASE_URL) => {
    const tenant = await newTenant();
    const response = await fetchWith({ CLARO_BASE_URL }, scoreRequest(tenant.key));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await failureCode(response)).toBe("claro_unreachable");
    expect(await usageOf(tenant)).toEqual({ requests: 1, failed: 1 });
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
