import type { Failure } from "../domain/failure.ts";
import { repeatsName } from "../domain/json.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { toHex } from "../platform/keyed_hash.ts";
import { linesOf } from "../platform/lines.ts";
import type { AppContext } from "./context.ts";
import { invalidRequest } from "./problem.ts";

/** Larger than any request of ours. */
export const MAX_BODY_BYTES = 4096;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export type BodyType = "application/json" | "application/x-www-form-urlencoded" | "text/csv";

/** The request's body as text: of the right type, not encoded, within the limit, and UTF-8. */
export async function readText(
  context: AppContext,
  type: BodyType,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<Result<string, Failure>> {
  const request = context.req.raw;
  const refusal = refuseHeaders(request.headers, type, maxBytes);
  if (refusal !== null) return fail(refusal);
  // A length that was given is the body's: the platform sees to it. Reading it whole is one wait, and makes no stream.
  const isMeasured = request.headers.has("content-length");
  const bytes = isMeasured ? await request.arrayBuffer() : await readBytes(request.body, maxBytes);
  if (bytes === null) return fail({ code: "payload_too_large" });
  try {
    return ok(strictUtf8.decode(bytes));
  } catch {
    return fail({ code: type === "application/json" ? "invalid_json" : "invalid_request" });
  }
}

/**
 * Reads a body line by line as it comes, numbered from 1, so that memory holds no more of it than `onLine` keeps. The
 * first failure ends it; the SHA-256 is of the body's bytes.
 */
export async function readLines(
  context: AppContext,
  { type, maxBytes }: { type: BodyType; maxBytes: number },
  onLine: (line: string, number: number) => Result<unknown, Failure>,
): Promise<Result<{ sha256: string }, Failure>> {
  const refusal = refuseHeaders(context.req.raw.headers, type, maxBytes);
  if (refusal !== null) return fail(refusal);
  const digest = new crypto.DigestStream("SHA-256");
  const hashing = digest.getWriter();
  let length = 0;
  const measured = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      length += chunk.byteLength;
      if (length > maxBytes) throw new RangeError("the body is too long");
      await hashing.write(chunk);
      controller.enqueue(chunk);
    },
  });
  try {
    let number = 0;
    const body = context.req.raw.body ?? new Blob([]).stream();
    for await (const line of linesOf(body.pipeThrough(measured))) {
      const taken = onLine(line, ++number);
      if (!taken.ok) return taken;
    }
  } catch {
    return fail({ code: length > maxBytes ? "payload_too_large" : "invalid_request" });
  }
  await hashing.close();
  return ok({ sha256: toHex(await digest.digest) });
}

export async function readJson(context: AppContext): Promise<Result<unknown, Failure>> {
  const text = await readText(context, "application/json");
  return text.ok ? parseJson(text.value) : text;
}

export function parseJson(text: string): Result<unknown, Failure> {
  try {
    const value = JSON.parse(text) as unknown;
    return repeatsName(text, value) ? invalidRequest("", "names a field twice") : ok(value);
  } catch {
    return fail({ code: "invalid_json" });
  }
}

function refuseHeaders(headers: Headers, type: BodyType, maxBytes: number): Failure | null {
  if (mediaType(headers.get("content-type")) !== type) return { code: "unsupported_media_type" };
  if ((headers.get("content-encoding") ?? "identity") !== "identity") return { code: "unsupported_media_type" };
  if (Number(headers.get("content-length") ?? 0) > maxBytes) return { code: "payload_too_large" };
  return null;
}

function mediaType(header: string | null): string {
  return (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

async function readBytes(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | null> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > maxBytes) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
