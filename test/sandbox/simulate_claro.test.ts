import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { cpfCheckDigits, parseCpf } from "../../src/domain/cpf.ts";
import { MAGIC_CPFS, type MagicName, magicNameOf } from "../../src/sandbox/magic_cpfs.ts";
import { simulateClaro } from "../../src/sandbox/simulate_claro.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const HOUR_MS = 3_600_000;
const ORDINARY_CPF = "52998224725";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

type ScoreOptions = {
  /** Undefined: a token issued at `nowMs`; null: none is sent. */
  token?: string | null;
  nowMs?: number;
  customerId?: string | null;
  body?: string;
  scheme?: string;
  header?: string;
  signal?: AbortSignal;
};

afterEach(() => {
  vi.useRealTimers();
});

describe("the token call", () => {
  test.each(["x-client-auth", "Authorization"])("answers Apigee's body to credentials in %s", async (header) => {
    const response = await callToken({ [header]: `Basic ${btoa("key:secret:with:colons")}` });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(text)).toMatchObject({
      token_type: "BearerToken",
      issued_at: String(NOW_MS),
      expires_in: "3599",
      client_id: "key",
      access_token: expect.stringMatching(/^[\w-]+\.[0-9a-z]+\.[\w-]+$/),
      status: "approved",
    });
  });

  test("gives the seed's curl client its token: one line names it, and it is the fourth field between quotes", async () => {
    const text = await (await callToken()).text();
    const lines = text.split("\n").filter((line) => line.includes("access_token"));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.split('"')[3]).toBe(JSON.parse(text).access_token);
  });

  test("never issues the same token twice", async () => {
    expect(await issueToken()).not.toBe(await issueToken());
  });

  test.each([
    ["no credentials", {}],
    ["another scheme", { "x-client-auth": `Bearer ${btoa("key:secret")}` }],
    ["no base64", { "x-client-auth": "Basic %%%" }],
    ["no colon", { "x-client-auth": `Basic ${btoa("key")}` }],
    ["an empty key", { "x-client-auth": `Basic ${btoa(":secret")}` }],
    ["an empty secret", { "x-client-auth": `Basic ${btoa("key:")}` }],
  ])("refuses %s with 401", async (_, headers) => {
    const response = await callToken(headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual(envelope("OAUTH2", 401, "401"));
  });

  test.each([
    ["grant_type=password", "application/x-www-form-urlencoded"],
    ["", "application/x-www-form-urlencoded"],
    ["grant_type=client_credentials", "application/json"],
  ])("refuses the body '%s' as %s with 400", async (body, contentType) => {
    const headers = { "x-client-auth": `Basic ${btoa("key:secret")}`, "content-type": contentType };
    const response = await callToken(headers, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual(envelope("OAUTH2", 400, "400"));
  });
});

describe("the score call", () => {
  test.each(["x-client-auth", "Authorization"])("answers Claro's body to a token in %s", async (header) => {
    const response = await callScore(ORDINARY_CPF, { header });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      apiVersion: "1;2019-08-02",
      transactionId: expect.stringMatching(UUID),
      data: { statsResult: { score: 540 } },
    });
  });

  test("gives each answer a transaction id of its own", async () => {
    const [one, other] = await Promise.all([callScore(ORDINARY_CPF), callScore(ORDINARY_CPF)]);
    expect((await one.json<Body>()).transactionId).not.toBe((await other.json<Body>()).transactionId);
  });

  test.each([
    ["missing", { token: null }],
    ["unknown", { token: "made-up" }],
    ["malformed", { token: `sim.!.${"0".repeat(32)}` }],
    ["sent under another scheme", { scheme: "Basic" }],
  ])("refuses a token that is %s with 401", async (_, options: ScoreOptions) => {
    const response = await callScore(ORDINARY_CPF, options);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual(envelope("SCORES", 401));
  });

  test("takes a token until its hour is over", async () => {
    const token = await issueToken();
    expect((await callScore(ORDINARY_CPF, { token, nowMs: NOW_MS + HOUR_MS - 1 })).status).toBe(200);
    expect((await callScore(ORDINARY_CPF, { token, nowMs: NOW_MS + HOUR_MS })).status).toBe(401);
  });

  test.each([
    ["no X-CustomerID", { customerId: null }],
    ["a blank X-CustomerID", { customerId: "  " }],
    ["wrong check digits", { body: scoreBody('"52998224724"') }],
    ["a repeated digit", { body: scoreBody('"11111111111"') }],
    ["punctuation", { body: scoreBody('"529.982.247-25"') }],
    ["no CPF", { body: "{}" }],
    ["null", { body: "null" }],
    ["no JSON", { body: "{" }],
    ["a number with leading zeros", { body: scoreBody("00000000191") }],
  ])("refuses %s with 400", async (_, options: ScoreOptions) => {
    const response = await callScore(ORDINARY_CPF, options);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual(envelope("SCORES", 400));
  });

  test("takes a CPF as a bare number, as the seed's PHP client sends it", async () => {
    const asNumber = await callScore(ORDINARY_CPF, { body: scoreBody("191") });
    expect(asNumber.status).toBe(200);
    expect(await scoreIn(asNumber)).toBe(await scoreIn(await callScore("00000000191")));
  });

  test("checks the token before the request, and the request before the CPF", async () => {
    const notFound = magic("not_found");
    expect((await callScore(notFound, { token: null, customerId: null })).status).toBe(401);
    expect((await callScore(notFound, { customerId: null })).status).toBe(400);
  });

  test("has a fixed score from 0 to 1000 for every valid CPF", async () => {
    const token = await issueToken();
    await fc.assert(
      fc.asyncProperty(ordinaryCpf(), async (cpf) => {
        const score = await scoreIn(await callScore(cpf, { token }));
        expect(score).toSatisfy((value: number) => Number.isInteger(value) && value >= 0 && value <= 1000);
        expect(await scoreIn(await callScore(cpf, { token: await issueToken() }))).toBe(score);
      }),
      { numRuns: 200 },
    );
  });

  test("spreads the scores of neighbouring CPFs over the whole range", async () => {
    const token = await issueToken();
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let number = 300_000_000; number < 300_002_000; number++) {
      const score = await scoreIn(await callScore(withCheckDigits(String(number)), { token }));
      tenths[Math.min(9, Math.floor(score / 100))]! += 1;
    }
    // 200 are expected in each; four standard deviations are 54.
    for (const count of tenths) expect(Math.abs(count - 200)).toBeLessThan(54);
  });
});

describe("the magic CPFs", () => {
  const CASES: Record<MagicName, { status: number; score?: number }> = {
    score_0: { status: 200, score: 0 },
    score_1000: { status: 200, score: 1000 },
    not_found: { status: 404 },
    rejected: { status: 400 },
    expired_token_once: { status: 401 },
    forbidden: { status: 403 },
    throttled: { status: 429 },
    failed: { status: 500 },
    slow: { status: 200, score: 261 },
    timeout: { status: 504 },
    html: { status: 200 },
    score_out_of_range: { status: 200, score: 1001 },
    no_score: { status: 200 },
  };

  test("are all there, valid, different, and none of the usual examples", () => {
    const cpfs = MAGIC_CPFS.map(({ cpf }) => cpf);
    expect(MAGIC_CPFS.map(({ name }) => name)).toEqual(Object.keys(CASES));
    expect(new Set(cpfs).size).toBe(cpfs.length);
    expect(cpfs.filter((cpf) => !parseCpf(cpf).ok)).toEqual([]);
    for (const example of ["52998224725", "11144477735", "12345678909", "00000000191"]) {
      expect(cpfs).not.toContain(example);
    }
  });

  const scored = MAGIC_CPFS.map(({ name }) => name).filter(
    (name) => name !== "slow" && CASES[name].score !== undefined,
  );

  test.each(scored)("%s carries its score", async (name) => {
    const response = await callScore(magic(name));
    expect(response.status).toBe(CASES[name].status);
    expect(await scoreIn(response)).toBe(CASES[name].score);
  });

  test.each(["not_found", "rejected", "forbidden", "throttled", "failed"] as const)("%s is refused", async (name) => {
    const response = await callScore(magic(name));
    expect(response.status).toBe(CASES[name].status);
    expect(await response.json()).toEqual(envelope("SCORES", CASES[name].status));
  });

  test("have the statuses that their table says", () => {
    const table = MAGIC_CPFS.filter(({ name }) => name !== "timeout");
    for (const { name, claroStatus } of table) expect(claroStatus, name).toBe(CASES[name].status);
    expect(MAGIC_CPFS.find(({ name }) => name === "timeout")?.claroStatus).toBeNull();
  });

  test("expired_token_once refuses a token older than two seconds and takes a fresh one", async () => {
    const cpf = magic("expired_token_once");
    const old = await issueToken(NOW_MS - 2_001);
    const refused = await callScore(cpf, { token: old });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toEqual(envelope("SCORES", 401));
    expect((await callScore(ORDINARY_CPF, { token: old })).status).toBe(200);
    expect((await callScore(cpf, { token: await issueToken(NOW_MS - 2_000) })).status).toBe(200);
  });

  test("html is a page with status 200", async () => {
    const response = await callScore(magic("html"));
    expect(response.status).toBe(CASES.html.status);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
  });

  test("no_score is JSON that lacks only the score", async () => {
    const response = await callScore(magic("no_score"));
    expect(response.status).toBe(CASES.no_score.status);
    expect(await response.json()).toEqual({
      apiVersion: "1;2019-08-02",
      transactionId: expect.stringMatching(UUID),
      data: { statsResult: {} },
    });
  });

  test.each([
    ["slow", 1_500],
    ["timeout", 60_000],
  ] as const)("%s answers after %i ms", async (name, delayMs) => {
    const token = await issueToken();
    vi.useFakeTimers();
    const settled = vi.fn<(response: Response) => void>();
    void callScore(magic(name), { token }).then(settled);
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    const response = settled.mock.calls[0]?.[0];
    expect(response?.status).toBe(CASES[name].status);
    if (name === "slow") expect(await scoreIn(response!)).toBe(CASES.slow.score);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(["slow", "timeout"] as const)("%s ends with the caller's signal and leaves no timer", async (name) => {
    const token = await issueToken();
    vi.useFakeTimers();
    const controller = new AbortController();
    const answered = callScore(magic(name), { token, signal: controller.signal });
    const ended = expect(answered).rejects.toThrow("out of time");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(vi.getTimerCount()).toBe(1);
    controller.abort(new Error("out of time"));
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a call that was aborted before it began is not answered", async () => {
    const signal = AbortSignal.abort(new Error("out of time"));
    await expect(callScore(ORDINARY_CPF, { signal })).rejects.toThrow("out of time");
  });
});

test.each([
  ["GET", "/customers/v1/scores"],
  ["POST", "/customers/v2/scores"],
])("knows no %s %s", async (method, path) => {
  const response = await simulateClaro(new Request(`https://claro.test${path}`, { method }), { nowMs: () => NOW_MS });
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual(envelope("GATEWAY", 404, "404"));
});

type Body = { transactionId: string; data: { statsResult: { score: number } } };

const CREDENTIALS = { "x-client-auth": `Basic ${btoa("key:secret")}` };

function callToken(
  headers: Record<string, string> = CREDENTIALS,
  { body = "grant_type=client_credentials", nowMs = NOW_MS } = {},
): Promise<Response> {
  const request = new Request("https://claro.test/oauth2/v1/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body,
  });
  return simulateClaro(request, { nowMs: () => nowMs });
}

async function issueToken(nowMs = NOW_MS): Promise<string> {
  const response = await callToken(CREDENTIALS, { nowMs });
  return (await response.json<{ access_token: string }>()).access_token;
}

async function callScore(cpf: string, options: ScoreOptions = {}): Promise<Response> {
  const { nowMs = NOW_MS, customerId = "claro exemplo", scheme = "Bearer", header = "x-client-auth" } = options;
  const token = options.token === undefined ? await issueToken(nowMs) : options.token;
  const headers = new Headers({ "content-type": "application/json" });
  if (token !== null) headers.set(header, `${scheme} ${token}`);
  if (customerId !== null) headers.set("X-CustomerID", customerId);
  const request = new Request("https://claro.test/customers/v1/scores", {
    method: "POST",
    headers,
    body: options.body ?? scoreBody(`"${cpf}"`),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return simulateClaro(request, { nowMs: () => nowMs });
}

async function scoreIn(response: Response): Promise<number> {
  return (await response.json<Body>()).data.statsResult.score;
}

function scoreBody(idCpf: string): string {
  return `{"data":{"customer":{"idCpf":${idCpf}}}}`;
}

function magic(name: MagicName): string {
  const found = MAGIC_CPFS.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`There is no magic CPF called ${name}`);
  return found.cpf;
}

function withCheckDigits(firstNine: string): string {
  return `${firstNine}${cpfCheckDigits(firstNine)}`;
}

function ordinaryCpf(): fc.Arbitrary<string> {
  return fc
    .integer({ min: 0, max: 999_999_999 })
    .map((number) => withCheckDigits(String(number).padStart(9, "0")))
    .filter((cpf) => {
      const parsed = parseCpf(cpf);
      return parsed.ok && magicNameOf(parsed.value) === null;
    });
}

function envelope(proxy: string, status: number, httpCode: number | string = status): unknown {
  return {
    apiVersion: "1;2019-08-02",
    transactionId: expect.stringMatching(UUID),
    error: {
      httpCode,
      errorCode: `API-${proxy}-${status}`,
      message: expect.any(String),
      detailedMessage: expect.any(String),
      link: { rel: "related", href: "https://api.claro.com.br/docs" },
    },
  };
}
