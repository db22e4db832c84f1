import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectDocumented } from "../support/documented.ts";
import { type TestTenant, ledgerOf, newTenant, sandbox, sendRequest } from "../support/gateway.ts";
import { failureCode, SHAPES } from "../support/shapes.ts";

const CPF = "52998224725";
const RUNS = { numRuns: 60 };

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
  await sandbox("reset");
});

/** Bad input leaves no trace where it would cost something: not at Claro, not in the ledger. */
afterAll(async () => {
  const { scoreCalls, tokenCalls } = await sandbox<{ scoreCalls: number; tokenCalls: number }>("counts");
  const { lastSeq, openIntents } = await ledgerOf(tenant.tenantId).status();
  if (scoreCalls + tokenCalls + lastSeq + openIntents > 0) throw new Error("bad input reached Claro or the ledger");
});

type Bad = {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: BodyInit | null;
};

const JSON_TYPE = ["content-type", "application/json"] as const;

describe.each(SHAPES)("bad input in $name is refused as the caller's mistake:", (shape) => {
  let credentials: [string, string][];

  beforeAll(async () => {
    credentials = Object.entries(await shape.credentials(tenant));
  });

  /** Sends it with good credentials and expects one of the answers, `<status> <code>`. */
  async function refused(bad: Bad, expected: readonly string[]): Promise<void> {
    const method = bad.method ?? "POST";
    const headers = new Headers();
    for (const [name, value] of [...credentials, ...(bad.headers ?? [JSON_TYPE])]) headers.append(name, value);
    const init =
      method === "GET" || method === "HEAD" ? { method, headers } : { method, headers, body: bad.body ?? null };
    const response = await sendRequest(bad.path ?? shape.path, init);
    await expectDocumented(method, bad.path ?? shape.path, response);
    const code = method === "HEAD" ? "" : ` ${await failureCode(response)}`;
    expect(expected).toContain(`${response.status}${code}`);
    expect(response.headers.get("x-request-id")).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
    if (response.status === 405) expect(response.headers.get("allow")).toBe("POST");
  }

  async function refusedBody(text: string, ...expected: string[]): Promise<void> {
    await refused({ body: text }, expected);
  }

  test("another method", async () => {
    for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      await refused({ method, body: shape.body(`"${CPF}"`) }, ["405 method_not_allowed"]);
    }
    await refused({ method: "HEAD" }, ["405"]);
  });

  test("another path", async () => {
    await fc.assert(
      fc.asyncProperty(fc.webPath({ size: "small" }), async (more) => {
        const path = `${shape.path}/x${more}`;
        await refused({ path, body: shape.body(`"${CPF}"`) }, ["404 not_found"]);
      }),
      RUNS,
    );
    for (const path of [`${shape.path}/`, shape.path.toUpperCase(), `/${shape.path}`, `${shape.path}%00`]) {
      await refused({ path, body: shape.body(`"${CPF}"`) }, ["404 not_found"]);
    }
  });

  test("another type", async () => {
    const types = fc.oneof(
      fc.constantFrom("text/plain", "text/json", "application/jsonp", "application/x-www-form-urlencoded", "", "json"),
      fc.constantFrom("application/json-patch+json", "multipart/form-data; boundary=x", "application/json, text/plain"),
      fc.stringMatching(/^[a-z]{1,8}\/[a-z.+-]{1,12}$/).filter((type) => type !== "application/json"),
    );
    await fc.assert(
      fc.asyncProperty(types, async (type) => {
        const headers = [["content-type", type]] as const;
        await refused({ headers, body: shape.body(`"${CPF}"`) }, ["415 unsupported_media_type"]);
      }),
      RUNS,
    );
    await refused({ headers: [], body: new TextEncoder().encode(shape.body(`"${CPF}"`)) }, [
      "415 unsupported_media_type",
    ]);
    await refused({ headers: [JSON_TYPE, JSON_TYPE], body: shape.body(`"${CPF}"`) }, ["415 unsupported_media_type"]);
  });

  test("another encoding", async () => {
    for (const encoding of ["gzip", "br", "deflate", "identity, gzip", "x", "gzip, identity"]) {
      const headers = [JSON_TYPE, ["content-encoding", encoding]] as const;
      await refused({ headers, body: shape.body(`"${CPF}"`) }, ["415 unsupported_media_type"]);
    }
  });

  test("more than 4 KiB, whether it says so or not", async () => {
    const padding = fc.integer({ min: 4097, max: 20_000 });
    await fc.assert(
      fc.asyncProperty(padding, fc.boolean(), fc.integer({ min: 1, max: 5000 }), async (size, says, chunk) => {
        const bytes = new TextEncoder().encode(shape.body(`"${CPF}"`).padEnd(size));
        await refused({ body: says ? bytes : streamOf(bytes, chunk) }, ["413 payload_too_large"]);
      }),
      RUNS,
    );
  });

  test("bytes that are no UTF-8", async () => {
    const good = new TextEncoder().encode(shape.body(`"${CPF}"`));
    const spoilers = fc.constantFrom([0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88], [0x80], [0xc0, 0xaf]);
    await fc.assert(
      fc.asyncProperty(spoilers, fc.nat({ max: good.length }), async (spoiler, place) => {
        const body = Uint8Array.from([...good.slice(0, place), ...spoiler, ...good.slice(place)]);
        await refused({ body }, ["400 invalid_json"]);
      }),
      RUNS,
    );
    const utf16 = Uint8Array.from([...shape.body(`"${CPF}"`)].flatMap((character) => [character.charCodeAt(0), 0]));
    await refused({ body: utf16 }, ["400 invalid_json"]);
    await refused({ body: Uint8Array.from([0xff, 0xfe, ...utf16]) }, ["400 invalid_json"]);
  });

  test("text that is no JSON", async () => {
    const good = shape.body(`"${CPF}"`);
    const broken = fc.oneof(
      fc.nat({ max: good.length - 1 }).map((length) => good.slice(0, length)),
      fc.string().map((more) => `${good}${more}#`),
      fc.string().filter((text) => !isJson(text)),
      fc.constantFrom(
        "",
        " ",
        "NaN",
        `{cpf:${CPF}}`,
        `{'cpf':'${CPF}'}`,
        `/**/${good}`,
        `${good}${good}`,
        `[${good},]`,
      ),
    );
    await fc.assert(
      fc.asyncProperty(broken, (text) => refusedBody(text, "400 invalid_json")),
      RUNS,
    );
  });

  test("JSON of another form", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), (text) => refusedBody(text, "400 invalid_request", "400 invalid_cpf")),
      RUNS,
    );
    const good = shape.body(`"${CPF}"`);
    const nested = `${"[".repeat(2000)}${"]".repeat(2000)}`;
    for (const text of [
      `[${good}]`,
      JSON.stringify(good),
      nested,
      `{"__proto__":${good}}`,
      `{"constructor":${good}}`,
    ]) {
      await refusedBody(text, "400 invalid_request");
    }
    await refusedBody(shape.body(nested.slice(1000, 3000)), "400 invalid_request", "400 invalid_cpf");
  });

  test("fields that are there twice", async () => {
    const twice = shape.body(`"${CPF}"`).replace(/"(cpf|idCpf)"/, `"$1":"11144477735","$1"`);
    await refusedBody(twice, "400 invalid_request");
    await refusedBody(
      twice.replace(/"(c|i)/, (_all, first: string) => `"\\u00${first.charCodeAt(0).toString(16)}`),
      "400 invalid_request",
    );
  });

  test("what is no CPF", async () => {
    const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
    const spoiled = fc.oneof(
      fc.oneof(digits(10), digits(12), digits(1), digits(22)).map((text) => JSON.stringify(text)),
      fc
        .integer({ min: 1, max: 99 })
        .map((step) => `"${CPF.slice(0, 9)}${String((25 + step) % 100).padStart(2, "0")}"`),
      fc.nat({ max: 9 }).map((digit) => `"${String(digit).repeat(11)}"`),
      fc.string().map((text) => JSON.stringify(`${text}x`)),
      fc
        .double()
        .map((number) => JSON.stringify(number + 0.5))
        .filter((text) => !Number.isInteger(Number(text))),
      fc.integer({ max: -1 }).map(String),
      fc.maxSafeInteger().map((number) => String(100_000_000_000 + Math.abs(number))),
      fc.constantFrom("1e10", "1e11", "1e999", "-1e999", "9".repeat(400), "0", "-0", "0.1e1", `${CPF}.5`, `-${CPF}`),
      fc.constantFrom("null", "true", "[]", "{}", `["${CPF}"]`, `{"cpf":"${CPF}"}`, '""', `"${CPF} "`, `"\\n${CPF}"`),
      fc.constantFrom(
        '"５２９９８２２４７２５"',
        `"${[...CPF].join("\u200b")}"`,
        '"529.982.24725"',
        '"529 982 247 25"',
        '"5299822472O"',
      ),
    );
    await fc.assert(
      fc.asyncProperty(spoiled, (cpf) => refusedBody(shape.body(cpf), "400 invalid_cpf", "400 invalid_request")),
      { numRuns: 200 },
    );
    if (shape.path === "/v1/scores") await refusedBody("{}", "400 invalid_cpf", "400 invalid_request");
  });

  test("digits that are no JSON number", async () => {
    // The seed's PHP client writes some CPFs so; nothing else of the kind is read.
    const bad = [
      `00${CPF}`,
      `0${CPF.slice(1)}`,
      "000",
      "0x10",
      `0${CPF}`,
      "00000000192",
      "٠٠٠٠٠٠٠٠١٩١",
      `1_000`,
      `+${CPF}`,
    ];
    for (const digits of bad) await refusedBody(shape.body(digits), "400 invalid_json", "400 invalid_cpf");
  });

  test("headers that are there twice, or too long, or odd", async () => {
    const good = shape.body(`"${CPF}"`);
    const long = "x".repeat(256);
    const keys = ["", " ", "a b", "a,b", long, `"${long}"`, '""', '"a', 'a"b', '"a","b"', "\t"];
    for (const key of keys.filter((text) => isHeader(text) && text.trim() !== "")) {
      await refused({ headers: [JSON_TYPE, ["idempotency-key", key]], body: good }, ["400 invalid_request"]);
    }
    const twice = [JSON_TYPE, ["idempotency-key", "a"], ["idempotency-key", "b"]] as const;
    await refused({ headers: twice, body: good }, ["400 invalid_request"]);
    await refused({ headers: [JSON_TYPE, ["x-request-id", "x".repeat(5000)]], body: "{" }, ["400 invalid_json"]);
    await refused({ headers: [JSON_TYPE, ["accept-language", "en,".repeat(5000)]], body: "{" }, ["400 invalid_json"]);
  });
});

describe("a reference", () => {
  async function send(reference: unknown): Promise<string> {
    const response = await sendRequest("/v1/scores", {
      method: "POST",
      headers: { "x-api-key": tenant.key, "content-type": "application/json" },
      // The CPF is wrong, so that a good reference does not reach Claro either.
      body: JSON.stringify({ cpf: "52998224724", reference }),
    });
    expect(response.status).toBe(400);
    return await response.text();
  }

  test("may be any 64 printable characters", async () => {
    for (const reference of [
      "a",
      "x".repeat(64),
      "pedido nº 7",
      "😀".repeat(64),
      "注文",
      crypto.randomUUID(),
      "1795414089287",
    ]) {
      expect(await send(reference)).toContain('"code":"invalid_cpf"');
    }
  });

  test("may be nothing else, and is not repeated in the answer", async () => {
    const long = "0123456789".repeat(7);
    const odd = [
      "",
      long,
      "😀".repeat(65),
      "a\nb",
      "a\u0000b",
      "a\u007fb",
      "a\u0085b",
      "a\u202eb",
      "\ud800",
      "\ufeffa",
    ];
    const personal = [CPF, "529.982.247-25", `pedido ${CPF}`, "cpf:529 982 247 25", "５２９９８２２４７２５"];
    for (const reference of [...odd, ...personal, null, 7, true, [], {}]) {
      const answer = await send(reference);
      expect(answer).toContain('"code":"invalid_request"');
      expect(answer).toContain('"path":"reference"');
      for (const text of personal) expect(answer).not.toContain(text);
    }
  });
});

function streamOf(bytes: Uint8Array, chunkBytes: number): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(offset, (offset += chunkBytes)));
    },
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isHeader(text: string): boolean {
  try {
    return new Headers({ x: text }).get("x") !== "";
  } catch {
    return false;
  }
}
