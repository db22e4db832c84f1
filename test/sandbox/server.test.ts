import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { MAGIC_CPFS, type MagicName } from "../../src/sandbox/magic_cpfs.ts";

const SCRIPT = `${import.meta.dirname}/../../src/ctl/sandbox.ts`;
const CPF = "52998224725";

type Sandbox = { readonly process: ChildProcess; readonly url: string; readonly output: () => string };

type Entry = {
  at: string;
  token: string | null;
  customerId: string | null;
  cpf: string | null;
  headers: Record<string, string>;
  status: number | null;
  transactionId: string | null;
  score: number | null;
  finished: boolean;
};

describe("the running sandbox", () => {
  let sandbox: Sandbox;
  let token: string;

  beforeAll(async () => {
    sandbox = await start("--quiet", "--seed", "7");
  });

  beforeEach(async () => {
    await control(sandbox, "POST reset");
    token = await issueToken(sandbox);
    await control(sandbox, "POST reset");
  });

  afterAll(() => stop(sandbox));

  test("keeps a journal of what it received and what it delivered", async () => {
    const before = Date.now();
    const response = await score(sandbox, { token, customerId: "claro exemplo", headers: { "X-Trace": "abc" } });
    const body = await response.json<{ transactionId: string; data: unknown }>();
    expect(body.data).toEqual({ statsResult: { score: 540 } });
    const [entry] = await journal(sandbox);
    expect(entry).toMatchObject({
      token,
      customerId: "claro exemplo",
      cpf: CPF,
      status: 200,
      transactionId: body.transactionId,
      score: 540,
      finished: true,
    });
    expect(entry?.headers).toMatchObject({ "x-trace": "abc", "x-client-auth": `Bearer ${token}` });
    expect(Date.parse(entry?.at ?? "")).toBeGreaterThanOrEqual(before);
    expect(Date.parse(entry?.at ?? "")).toBeLessThanOrEqual(Date.now());
  });

  test("counts calls, and as delivered only those with a usable score", async () => {
    await issueToken(sandbox);
    for (const cpf of [CPF, magic("not_found"), magic("score_out_of_range"), magic("html"), magic("score_0")]) {
      await (await score(sandbox, { token, cpf })).text();
    }
    await expectCounts(sandbox, { tokenCalls: 1, scoreCalls: 5, delivered: 2, inFlight: 0 });
    const entries = await journal(sandbox);
    expect(entries.map((entry) => entry.status)).toEqual([200, 404, 200, 200, 200]);
    expect(entries.map((entry) => entry.score)).toEqual([540, null, null, null, 0]);
  });

  test("gives the journal from an index on", async () => {
    for (const cpf of [CPF, magic("score_0"), magic("score_1000")]) await (await score(sandbox, { token, cpf })).text();
    const answer = (await control(sandbox, "GET journal?since=2")) as { entries: Entry[]; next: number };
    expect(answer.entries.map((entry) => entry.cpf)).toEqual([magic("score_1000")]);
    expect(answer.next).toBe(3);
  });

  test("a reset forgets the journal, the counts and the faults, but no token", async () => {
    await setFaults(sandbox, [{ target: "score", kind: "status", status: 503 }]);
    expect((await score(sandbox, { token })).status).toBe(503);
    await control(sandbox, "POST reset");
    expect(await journal(sandbox)).toEqual([]);
    await expectCounts(sandbox, { tokenCalls: 0, scoreCalls: 0, delivered: 0, inFlight: 0 });
    expect((await score(sandbox, { token })).status).toBe(200);
  });

  test("revokes the tokens issued up to now, and only those", async () => {
    expect(await control(sandbox, "POST revoke-tokens")).toEqual({ revoked: expect.any(Number) });
    expect((await score(sandbox, { token })).status).toBe(401);
    expect((await score(sandbox, { token: await issueToken(sandbox) })).status).toBe(200);
  });

  test("refuses a well-formed token that it did not issue", async () => {
    const forged = token.replace(/.{8}$/, "00000000");
    expect((await score(sandbox, { token: forged })).status).toBe(401);
    const [entry] = await journal(sandbox);
    expect(entry).toMatchObject({ token: forged, cpf: CPF, status: 401, score: null });
  });

  test("a caller that gives up leaves a call that was received but not answered", async () => {
    const answered = score(sandbox, { token, cpf: magic("timeout"), signal: AbortSignal.timeout(200) });
    await expectCounts(sandbox, { scoreCalls: 1, inFlight: 1 });
    await expect(answered).rejects.toThrow();
    await expectCounts(sandbox, { scoreCalls: 1, inFlight: 0, delivered: 0 });
    expect(await journal(sandbox)).toMatchObject([{ cpf: magic("timeout"), status: null, finished: false }]);
  });

  test("a call in flight over a reset stays in flight and is not counted as delivered", async () => {
    const answered = score(sandbox, { token, cpf: magic("slow") });
    await expectCounts(sandbox, { inFlight: 1 });
    await control(sandbox, "POST reset");
    await expectCounts(sandbox, { scoreCalls: 0, inFlight: 1 });
    expect((await answered).status).toBe(200);
    await expectCounts(sandbox, { scoreCalls: 0, delivered: 0, inFlight: 0 });
  });

  test.each(["GET /customers/v1/scores", "POST /elsewhere", "POST /__sandbox/nothing", "GET /__sandbox/reset"])(
    "knows no %s",
    async (target) => {
      const [method, path] = target.split(" ") as [string, string];
      expect((await fetch(sandbox.url + path, { method })).status).toBe(404);
    },
  );

  describe("with faults", () => {
    test("status: an error in Claro's envelope, with the headers that were asked for", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "status", status: 429, headers: { "Retry-After": "7" } }]);
      const response = await score(sandbox, { token });
      expect(response.status).toBe(429);
      expect(response.headers.get("retry-after")).toBe("7");
      expect(await response.json()).toMatchObject({ error: { httpCode: 429, errorCode: "API-SCORES-429" } });
      expect(await journal(sandbox)).toMatchObject([{ status: 429, score: null, finished: true }]);
    });

    test("status with a body: exactly that body", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "status", status: 502, body: "" }]);
      const response = await score(sandbox, { token });
      expect(response.status).toBe(502);
      expect(await response.text()).toBe("");
    });

    test("body: exactly that body, and the score in it counts as delivered", async () => {
      const body = '{"transactionId":"t-1","data":{"statsResult":{"score":"742"}}}';
      await setFaults(sandbox, [{ target: "score", kind: "body", body }]);
      const response = await score(sandbox, { token });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(body);
      expect(await journal(sandbox)).toMatchObject([{ status: 200, transactionId: "t-1", score: 742 }]);
      await expectCounts(sandbox, { delivered: 1 });
    });

    test("body: no score that is out of range or not whole counts", async () => {
      for (const value of ["1001", "-1", "7.5", '"7a"', "null"]) {
        const body = `{"transactionId":"t-1","data":{"statsResult":{"score":${value}}}}`;
        await setFaults(sandbox, [{ target: "score", kind: "body", body }]);
        expect(await (await score(sandbox, { token })).text()).toBe(body);
      }
      await expectCounts(sandbox, { scoreCalls: 5, delivered: 0 });
      for (const entry of await journal(sandbox)) expect(entry).toMatchObject({ transactionId: "t-1", score: null });
    });

    test("html: a page in place of JSON", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "html", status: 502 }]);
      const response = await score(sandbox, { token });
      expect(response.status).toBe(502);
      expect(response.headers.get("content-type")).toBe("text/html");
      expect(await response.text()).toMatch(/^<html>/);
    });

    test("huge_body: more than 10 MB", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "huge_body" }]);
      const body = await (await score(sandbox, { token })).text();
      expect(body.length).toBeGreaterThan(10 * 1024 * 1024);
    });

    test("huge_body: is not finished when the caller stops reading", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "huge_body" }]);
      const response = await score(sandbox, { token });
      await response.body?.cancel();
      await expectCounts(sandbox, { scoreCalls: 1, inFlight: 0 });
      expect(await journal(sandbox)).toMatchObject([{ status: 200, finished: false }]);
    });

    test("drop: received, and no answer", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "drop" }]);
      await expect(score(sandbox, { token })).rejects.toThrow("fetch failed");
      await expectCounts(sandbox, { scoreCalls: 1, delivered: 0, inFlight: 0 });
      expect(await journal(sandbox)).toMatchObject([{ cpf: CPF, status: null, score: null, finished: false }]);
    });

    test("reset_mid_body: the headers and half of the body", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "reset_mid_body" }]);
      const response = await score(sandbox, { token });
      expect(response.status).toBe(200);
      const length = Number(response.headers.get("content-length"));
      expect(await receivedBytes(response)).toEqual({ count: Math.floor(length / 2), isWhole: false });
      await expectCounts(sandbox, { scoreCalls: 1, delivered: 0, inFlight: 0 });
      expect(await journal(sandbox)).toMatchObject([{ status: 200, score: 540, finished: false }]);
    });

    test("drip: the whole body, one byte at a time", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "drip", delayMs: 3 }]);
      const response = await score(sandbox, { token });
      const startedAt = performance.now();
      const body = await response.text();
      expect(JSON.parse(body).data.statsResult.score).toBe(540);
      expect(performance.now() - startedAt).toBeGreaterThan(2 * body.length);
      await expectCounts(sandbox, { delivered: 1, inFlight: 0 });
    });

    test("drip: stops when the caller leaves", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "drip", delayMs: 50 }]);
      const response = await score(sandbox, { token });
      await response.body?.cancel();
      await expectCounts(sandbox, { scoreCalls: 1, delivered: 0, inFlight: 0 });
      expect(await journal(sandbox)).toMatchObject([{ status: 200, finished: false }]);
    });

    test("hang_body: the headers and half of the body, and then nothing", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "hang_body", status: 401 }]);
      const response = await score(sandbox, { token, signal: AbortSignal.timeout(300) });
      expect(response.status).toBe(401);
      const length = Number(response.headers.get("content-length"));
      expect(await receivedBytes(response)).toEqual({ count: Math.floor(length / 2), isWhole: false });
      await expectCounts(sandbox, { scoreCalls: 1, delivered: 0, inFlight: 0 });
    });

    test("bad_gzip: a body that is marked as packed and is not", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "bad_gzip" }]);
      const response = await score(sandbox, { token });
      expect(response.headers.get("content-encoding")).toBe("gzip");
      await expect(response.text()).rejects.toThrow();
      expect(await journal(sandbox)).toMatchObject([{ status: 200, score: null }]);
    });

    test("early_hints: the normal answer after a 103", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "early_hints" }]);
      expect((await score(sandbox, { token })).status).toBe(200);
      await expectCounts(sandbox, { delivered: 1, inFlight: 0 });
    });

    test.each(["reset_mid_body", "hang_body", "drip", "delay", "bad_gzip", "early_hints"])(
      "%s: with another status, and another body",
      async (kind) => {
        await setFaults(sandbox, [{ target: "score", kind, status: 503, body: "no", delayMs: 1 }]);
        const response = await score(sandbox, { token });
        expect([response.status, response.headers.get("content-length")]).toEqual([503, "2"]);
        await response.body?.cancel();
      },
    );

    test("strike only the person, or the customer, that they are for", async () => {
      await setFaults(sandbox, [
        { target: "score", kind: "status", status: 500, cpf: magic("score_0") },
        { target: "score", kind: "status", status: 503, customerId: "unlucky" },
      ]);
      const statusFor = async (options: Partial<ScoreOptions>) => (await score(sandbox, { token, ...options })).status;
      expect(await statusFor({})).toBe(200);
      expect(await statusFor({ cpf: magic("score_0") })).toBe(500);
      expect(await statusFor({ customerId: "unlucky" })).toBe(503);
      expect(await statusFor({ customerId: "unlucky", cpf: magic("score_0") })).toBe(500);
      expect((await callToken(sandbox)).status).toBe(200);
    });

    test("delay: the normal answer, later", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "delay", delayMs: 150 }]);
      const startedAt = performance.now();
      expect((await score(sandbox, { token })).status).toBe(200);
      expect(performance.now() - startedAt).toBeGreaterThan(145);
    });

    test("strike the token call, and leave the score call alone", async () => {
      await setFaults(sandbox, [{ target: "token", kind: "status", status: 503 }]);
      const response = await callToken(sandbox);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ error: { errorCode: "API-OAUTH2-503" } });
      expect((await score(sandbox, { token })).status).toBe(200);
    });

    test("are used up in turn", async () => {
      await setFaults(sandbox, [
        { target: "score", kind: "status", status: 500, times: 2 },
        { target: "score", kind: "status", status: 503, times: 1 },
      ]);
      expect(await statuses(sandbox, { token, count: 5 })).toEqual([500, 500, 503, 200, 200]);
    });

    test("replace the faults before them", async () => {
      await setFaults(sandbox, [{ target: "score", kind: "status", status: 500 }]);
      await setFaults(sandbox, []);
      expect((await score(sandbox, { token })).status).toBe(200);
    });

    test("strike as often as their probability says, the same calls for the same seed", async () => {
      const fault = { target: "score", kind: "status", status: 500, probability: 0.3 };
      const runs = [];
      for (const seed of ["7", "7", "8"]) {
        const seeded = await start("--quiet", "--seed", seed);
        await setFaults(seeded, [fault]);
        runs.push(await statuses(seeded, { token: await issueToken(seeded), count: 200 }));
        await stop(seeded);
      }
      const [first, same, other] = runs;
      expect(same).toEqual(first);
      expect(other).not.toEqual(first);
      const struck = first?.filter((status) => status === 500).length;
      expect(struck).toBeGreaterThan(40);
      expect(struck).toBeLessThan(80);
    });

    test.each([
      ["no list", { target: "score", kind: "drop" }],
      ["an unknown kind", [{ target: "score", kind: "explode" }]],
      ["an unknown member", [{ target: "score", kind: "drop", often: true }]],
      ["a probability above 1", [{ target: "score", kind: "drop", probability: 2 }]],
      ["a broken header", [{ target: "score", kind: "status", headers: { "a b": "c" } }]],
    ])("refuses %s, and keeps the faults as they were", async (_, faults) => {
      await setFaults(sandbox, [{ target: "score", kind: "status", status: 503 }]);
      const refused = await fetch(`${sandbox.url}/__sandbox/faults`, { method: "POST", body: JSON.stringify(faults) });
      expect(refused.status).toBe(400);
      expect((await score(sandbox, { token })).status).toBe(503);
    });
  });
});

describe("the command", () => {
  test("says where it listens, how to point a gateway at it, and every magic CPF; it prints no other", async () => {
    const sandbox = await start();
    await (await score(sandbox, { token: await issueToken(sandbox) })).text();
    await stop(sandbox);
    expect(sandbox.output()).toContain(`Sandbox of Claro listening on ${sandbox.url}\n`);
    expect(sandbox.output()).toContain(`npm start -- --var CLARO_BASE_URL:${sandbox.url}\n`);
    expect(sandbox.output().match(/[0-9]{11}/g)).toEqual(MAGIC_CPFS.map(({ cpf }) => cpf));
  });

  test("--latency-ms delays each score answer; --no-journal counts and keeps nothing", async () => {
    const sandbox = await start("--latency-ms", "120", "--no-journal", "--quiet");
    const token = await issueToken(sandbox);
    const startedAt = performance.now();
    expect((await score(sandbox, { token })).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(115);
    await expectCounts(sandbox, { tokenCalls: 1, scoreCalls: 1, delivered: 1, inFlight: 0 });
    expect(await journal(sandbox)).toEqual([]);
    expect(sandbox.output()).toBe(`Sandbox of Claro listening on ${sandbox.url}\n`);
    await stop(sandbox);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends it with 0, calls in flight included", async (signal) => {
    const sandbox = await start("--quiet");
    const token = await issueToken(sandbox);
    const silent = expect(score(sandbox, { token, cpf: magic("timeout") })).rejects.toThrow("fetch failed");
    await expectCounts(sandbox, { inFlight: 1 });
    await setFaults(sandbox, [{ target: "score", kind: "drip", delayMs: 10_000 }]);
    const dripping = await score(sandbox, { token });
    expect(await stop(sandbox, signal)).toBe(0);
    await silent;
    await expect(dripping.text()).rejects.toThrow("terminated");
  });

  test("a busy port is one clear line and exit code 1", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as { port: number };
    expect(await run("--port", String(port))).toEqual({
      code: 1,
      stdout: "",
      stderr: `Sandbox: Port ${port} is already in use.\n`,
    });
    blocker.close();
  });

  test.each([
    ["--port", "abc"],
    ["--port", "65536"],
    ["--latency-ms", "1.5"],
    ["--sed", "1"],
  ])("refuses %s %s in one line", async (...args) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Sandbox: .*\n$/);
    expect(stderr).toContain(args[0]);
  });

  test("--help explains every option", async () => {
    const { code, stdout } = await run("--help");
    expect(code).toBe(0);
    for (const option of ["--port", "--latency-ms", "--seed", "--no-journal", "--quiet"]) {
      expect(stdout).toContain(option);
    }
  });
});

async function start(...args: string[]): Promise<Sandbox> {
  const child = spawn(process.execPath, [SCRIPT, "--port", "0", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const url = await vi.waitFor(
    () => {
      const found = /http:\/\/127\.0\.0\.1:[0-9]+/.exec(output)?.[0];
      if (found === undefined) throw new Error("The sandbox does not listen yet");
      return found;
    },
    { timeout: 10_000, interval: 10 },
  );
  return { process: child, url, output: () => output };
}

/** Resolves with the exit code. */
async function stop(sandbox: Sandbox, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  sandbox.process.kill(signal);
  const [code] = (await once(sandbox.process, "close")) as [number | null];
  return code;
}

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

function callToken(sandbox: Sandbox): Promise<Response> {
  return fetch(`${sandbox.url}/oauth2/v1/token`, {
    method: "POST",
    headers: { "x-client-auth": `Basic ${btoa("key:secret")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
}

async function issueToken(sandbox: Sandbox): Promise<string> {
  return (await (await callToken(sandbox)).json<{ access_token: string }>()).access_token;
}

type ScoreOptions = {
  token: string;
  cpf?: string;
  customerId?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

function score(sandbox: Sandbox, options: ScoreOptions): Promise<Response> {
  const { token, cpf = CPF, customerId = "partner", headers = {}, signal } = options;
  return fetch(`${sandbox.url}/customers/v1/scores`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "x-client-auth": `Bearer ${token}`,
      "X-CustomerID": customerId,
      ...headers,
    },
    body: JSON.stringify({ data: { customer: { idCpf: cpf } } }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function statuses(sandbox: Sandbox, options: { token: string; count: number }): Promise<number[]> {
  const found = [];
  for (let call = 0; call < options.count; call++) {
    const response = await score(sandbox, { token: options.token });
    await response.text();
    found.push(response.status);
  }
  return found;
}

async function receivedBytes(response: Response): Promise<{ count: number; isWhole: boolean }> {
  let count = 0;
  try {
    for await (const chunk of response.body!) count += chunk.length;
    return { count, isWhole: true };
  } catch {
    return { count, isWhole: false };
  }
}

/** `target` is a method and a path under `/__sandbox/`. */
async function control(sandbox: Sandbox, target: string, body?: unknown): Promise<unknown> {
  const [method, path] = target.split(" ") as [string, string];
  const response = await fetch(`${sandbox.url}/__sandbox/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${target}: ${await response.text()}`);
  return response.json();
}

async function setFaults(sandbox: Sandbox, faults: readonly unknown[]): Promise<void> {
  expect(await control(sandbox, "POST faults", faults)).toEqual({ faults: faults.length });
}

async function journal(sandbox: Sandbox): Promise<Entry[]> {
  return ((await control(sandbox, "GET journal")) as { entries: Entry[] }).entries;
}

/** Waits for the counts: a caller has its answer, or has gone, a moment before the sandbox notices. */
async function expectCounts(sandbox: Sandbox, counts: Record<string, number>): Promise<void> {
  await vi.waitFor(async () => expect(await control(sandbox, "GET counts")).toMatchObject(counts), { timeout: 5_000 });
}

function magic(name: MagicName): string {
  const found = MAGIC_CPFS.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`There is no magic CPF called ${name}`);
  return found.cpf;
}
