import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { endAll, leaksInOutput, startGateway, startSandbox, stateDirs } from "./support/gateway_process.ts";
import type { RunningGateway, RunningSandbox } from "./support/gateway_process.ts";
import { newLiveTenant, type Key } from "./support/operator.ts";

const BODY = '{"cpf":"52998224725"}';

const dirs = stateDirs();
let sandbox: RunningSandbox;
let gateway: RunningGateway;
let live: Key;

beforeAll(async () => {
  sandbox = await startSandbox();
  gateway = await startGateway({ stateDir: dirs.make(), as: "node", vars: { CLARO_BASE_URL: sandbox.url } });
  live = await newLiveTenant(gateway.url, { plan: "pay-per-use", customerId: "cliente 1" });
});

afterAll(async () => {
  await endAll([gateway, sandbox]);
  dirs.remove();
});

/** Nothing was answered: the server closed while it was still being written to. */
const CLOSED = 0;

/** wrangler's local proxy may lose the request that comes first after a broken one; the gateway may not. */
async function isServedAgain(head: readonly string[], body?: string): Promise<void> {
  await vi.waitFor(async () => expect(await send(head, body)).toBe(200), { timeout: 5000, interval: 100 });
}

/** Writes a request as it stands, and gives the status of the answer. */
async function send(head: readonly string[], body: string | readonly string[] = BODY): Promise<number> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(gateway.url).port) });
  let answer = "";
  const ended = new Promise<void>((resolve) => {
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      answer += chunk;
      if (answer.includes("\r\n\r\n")) socket.end();
    });
    // A server that has refused a body may close while it is still being sent.
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
  });
  const lines = ["POST /v1/scores HTTP/1.1", "Host: gateway.test", ...head, "", ""];
  socket.write(lines.join("\r\n"));
  for (const part of typeof body === "string" ? [body] : body) socket.write(part);
  await ended;
  return Number(/^HTTP\/1.1 (\d{3})/.exec(answer)?.[1] ?? CLOSED);
}

const TYPE = "Content-Type: application/json";
const LENGTH = `Content-Length: ${BODY.length}`;

describe("what only a socket can say:", () => {
  const key = () => `Authorization: Bearer ${live.key}`;

  test("a good request is served", async () => {
    expect(await send([key(), TYPE, LENGTH])).toBe(200);
  });

  test.each([
    ["Authorization twice", () => [key(), key(), TYPE, LENGTH], [401, 400]],
    ["Authorization twice, of two kinds", () => [key(), "Authorization: Basic eDp5", TYPE, LENGTH], [401, 400]],
    ["Idempotency-Key twice", () => [key(), TYPE, LENGTH, "Idempotency-Key: a", "Idempotency-Key: b"], [400]],
    ["Content-Type twice", () => [key(), TYPE, "Content-Type: text/plain", LENGTH], [400, 415]],
    ["a length that is no number", () => [key(), TYPE, "Content-Length: abc"], [400]],
    ["a length below zero", () => [key(), TYPE, "Content-Length: -1"], [400]],
    ["two lengths", () => [key(), TYPE, LENGTH, "Content-Length: 5"], [400]],
    [
      "a header of 10,000 characters",
      () => [key(), TYPE, LENGTH, `Idempotency-Key: ${"x".repeat(10_000)}`],
      [400, 431],
    ],
    [
      "an Authorization of 200,000 characters",
      () => [`${key()}${"x".repeat(200_000)}`, TYPE, LENGTH],
      [401, 431, CLOSED],
    ],
    ["a header with a line end in it", () => [key(), TYPE, LENGTH, "X-A: b\rc"], [400]],
    ["a header name with a space", () => [key(), TYPE, LENGTH, "X A: b"], [400]],
    ["no version of HTTP", () => [key(), TYPE, LENGTH, "\u0000"], [400]],
  ] as const)("%s is the caller's mistake", async (_name, head, expected) => {
    const before = await scoreCalls();
    expect(expected).toContain(await send(head()));
    expect(await scoreCalls()).toBe(before);
  });

  test("a body of a megabyte is refused, with its length or in chunks", async () => {
    const before = await scoreCalls();
    const megabyte = BODY.padEnd(1_000_000);
    expect([413, CLOSED]).toContain(await send([key(), TYPE, `Content-Length: ${megabyte.length}`], megabyte));
    const chunks = Array.from({ length: 100 }, () => `2710\r\n${"x".repeat(10_000)}\r\n`);
    for (let n = 0; n < 10; n += 1)
      expect(await send([key(), TYPE, "Transfer-Encoding: chunked"], [...chunks, "0\r\n\r\n"])).toBe(413);
    expect(await scoreCalls()).toBe(before);
    const whole = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
    await isServedAgain([key(), TYPE, "Transfer-Encoding: chunked"], whole);
  });

  test("a caller that leaves within its body leaves the gateway well", async () => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(gateway.url).port) });
    socket.write(
      ["POST /v1/scores HTTP/1.1", "Host: gateway.test", key(), TYPE, LENGTH, "", BODY.slice(0, 5)].join("\r\n"),
    );
    await new Promise((done) => setTimeout(done, 200));
    socket.destroy();
    await isServedAgain([key(), TYPE, LENGTH]);
  });
});

test("nothing personal was printed, and no stack", () => {
  expect(leaksInOutput()).toEqual([]);
  expect(gateway.output.stdout + gateway.output.stderr).not.toMatch(/^ +at /m);
});

async function scoreCalls(): Promise<number> {
  const response = await fetch(`${sandbox.url}/__sandbox/counts`);
  return (await response.json<{ scoreCalls: number }>()).scoreCalls;
}
