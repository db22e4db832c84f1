import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { call, lookup, newTenant } from "../support/gateway.ts";
import { close, month, setClock } from "../support/months.ts";

const NOVEMBER = month("2046-11");
const NAMES = ["events.jsonl", "events.csv", "events.pt-br.csv", "focus.csv", "manifest.json"];

let key = "";
const whole: Record<string, { bytes: Uint8Array; etag: string }> = {};

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(NOVEMBER.startMs + 3_600_000);
  // More reads than a tenant makes in a minute.
  const tenant = await newTenant({ plan: { readsPerMinute: 10_000 } });
  ({ key } = tenant);
  for (let n = 0; n < 3; n += 1) await lookup(key, "529.982.247-25");
  setClock(NOVEMBER.endMs);
  const { status } = await close("2046-11");
  if (status !== "closed") throw new Error("the month is not closed");
  for (const name of NAMES) {
    const response = await ask(name);
    whole[name] = { bytes: new Uint8Array(await response.arrayBuffer()), etag: response.headers.get("etag") ?? "" };
  }
});

afterAll(() => {
  vi.useRealTimers();
});

async function ask(name: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return await call(`/v1/statements/2046-11/${name}`, { method, headers: { "x-api-key": key, ...headers } });
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

describe.each(NAMES)("%s of a closed month", (name) => {
  const file = () => whole[name] as { bytes: Uint8Array; etag: string };

  test.each([
    ["bytes=0-9", 0, 10],
    ["bytes=10-", 10, Infinity],
    ["bytes=-7", -7, Infinity],
    ["BYTES=2-4", 2, 5],
    ["bytes=0-999999999", 0, Infinity],
  ])("comes in the range %s", async (range, from, to) => {
    const response = await ask(name, { range });
    const { bytes } = file();
    const expected = bytes.slice(from, to === Infinity ? bytes.length : to);
    expect(response.status).toBe(206);
    expect(await bytesOf(response)).toEqual(expected);
    const first = from < 0 ? bytes.length + from : from;
    expect(response.headers.get("content-range")).toBe(`bytes ${first}-${first + expected.length - 1}/${bytes.length}`);
    expect(response.headers.get("content-length")).toBe(String(expected.length));
  });

  test.each(["bytes=5-2", "bytes=999999999-", "items=0-1", "bytes=0-1,3-4", "bytes=-", "bytes=x-y", "bytes=-0"])(
    "comes whole when %s is asked for",
    async (range) => {
      const response = await ask(name, { range });
      expect(response.status).toBe(200);
      expect(await bytesOf(response)).toEqual(file().bytes);
    },
  );

  test("has no range for HEAD", async () => {
    const response = await ask(name, { range: "bytes=0-1" }, "HEAD");
    expect([response.status, response.headers.get("content-range")]).toEqual([200, null]);
    expect(response.headers.get("content-length")).toBe(String(file().bytes.length));
    expect(response.headers.get("etag")).toBe(file().etag);
  });

  test("is not sent to who has it, by GET and HEAD", async () => {
    const { etag } = file();
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    for (const method of ["GET", "HEAD"]) {
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*", ` ${etag} `]) {
        const response = await ask(name, { "if-none-match": known, range: "bytes=0-1" }, method);
        expect([response.status, response.headers.get("etag")], known).toEqual([304, etag]);
        expect(await response.text()).toBe("");
      }
      for (const other of ['"x"', etag.slice(1, -1), `"${etag}`]) {
        const response = await ask(name, { "if-none-match": other }, method);
        expect(response.status, other).toBe(200);
        await response.arrayBuffer();
      }
    }
  });

  test("comes in a range only when If-Range is this file, compared strongly", async () => {
    const { etag } = file();
    const same = await ask(name, { range: "bytes=0-1", "if-range": etag });
    expect(same.status).toBe(206);
    await same.arrayBuffer();
    for (const other of ['"x"', `W/${etag}`, "Fri, 27 Nov 2026 00:00:00 GMT"]) {
      const response = await ask(name, { range: "bytes=0-1", "if-range": other });
      expect(response.status, other).toBe(200);
      await response.arrayBuffer();
    }
  });
});

test("an open month has neither a tag nor ranges", async () => {
  const response = await call("/v1/statements/2046-12/events.csv", {
    headers: { "x-api-key": key, range: "bytes=0-1", "if-none-match": "*" },
  });
  expect([response.status, response.headers.get("etag"), response.headers.get("accept-ranges")]).toEqual([
    200,
    null,
    null,
  ]);
});
