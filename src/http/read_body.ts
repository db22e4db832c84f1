import type { Failure } from "../domain/failure.ts";
import { repeatedName } from "../domain/json.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { toHex } from "../platform/keyed_hash.ts";
import { reportLines } from "../platform/report_lines.ts";
import { safeName } from "./safe_name.ts";

/** Larger than any request of ours but a report. */
export const MAX_BODY_BYTES = 4096;

/**
 * This much of a body that is too large is read and discarded: a caller who is cut off while sending never sees the
 * answer that tells the limit.
 */
const MOST_DISCARDED_BYTES = 1024 * 1024;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A body's declared limits. */
export type BodyLimits = { readonly types: readonly string[]; readonly maxBytes: number };

/** What is wrong with a body before it is read: its type, its encoding, the size that it says. */
export function refuseHeaders(headers: Headers, { types, maxBytes }: BodyLimits): Failure | null {
  if (!types.includes(mediaType(headers.get("content-type")))) {
    const [type = ""] = types;
    return {
      code: "unsupported_media_type",
      issues: [
        { path: "Content-Type", code: "content_type", params: { type: types.length > 1 ? types.join(" | ") : type } },
      ],
    };
  }
  if ((headers.get("content-encoding") ?? "identity").trim().toLowerCase() !== "identity") {
    return { code: "unsupported_media_type", issues: [{ path: "Content-Encoding", code: "content_encoding" }] };
  }
  return Number(headers.get("content-length") ?? 0) > maxBytes ? tooLarge(maxBytes) : null;
}

/** Whether a request has a body at all. */
export function hasBody(request: Request): boolean {
  const length = request.headers.get("content-length");
  return length === null ? request.body !== null : Number(length) !== 0;
}

/** A body as text: within the limit, and UTF-8. */
export async function readText(request: Request, maxBytes: number): Promise<Result<string, Failure>> {
  // The platform enforces a given length, so the body can be read whole: one wait, and no stream.
  const isMeasured = request.headers.has("content-length");
  const bytes = isMeasured ? await request.arrayBuffer() : await readBytes(request.body, maxBytes);
  if (bytes === null) return fail(tooLarge(maxBytes));
  try {
    return ok(strictUtf8.decode(bytes));
  } catch {
    return fail({ code: "invalid_json" });
  }
}

/** Takes a line, with a promise where it has to wait for something. */
export type OnLine = (line: string, number: number) => Result<unknown, Failure> | Promise<Result<unknown, Failure>>;

/**
 * Reads a body line by line as it comes, numbered from 1, so that memory holds no more of it than `onLine` keeps. The
 * first failure ends it; the SHA-256 is of the body's bytes.
 */
export async function readLines(
  request: Request,
  maxBytes: number,
  onLine: OnLine,
): Promise<Result<{ sha256: string }, Failure>> {
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
    const body = request.body ?? new Blob([]).stream();
    for await (const line of reportLines(body.pipeThrough(measured))) {
      const answer = onLine(line, ++number);
      // Most lines are taken at once, and waiting for each would cost more than reading it.
      const taken = answer instanceof Promise ? await answer : answer;
      if (!taken.ok) return taken;
    }
  } catch (error) {
    if (length > maxBytes) return fail(tooLarge(maxBytes));
    if (error instanceof TypeError)
      return fail({ code: "invalid_request", issues: [{ path: "", code: "invalid_form" }] });
    throw error;
  }
  await hashing.close();
  return ok({ sha256: toHex(await digest.digest) });
}

/** Text as JSON, in which no object has a name twice: parsers disagree on which of the two counts. */
export function parseJson(text: string): Result<unknown, Failure> {
  try {
    const value = JSON.parse(text) as unknown;
    const repeated = repeatedName(text, value);
    if (repeated === null) return ok(value);
    return fail({ code: "invalid_request", issues: [{ path: safeName(repeated), code: "given_twice" }] });
  } catch {
    return fail({ code: "invalid_json" });
  }
}

/** A body that is over its limit, or does not say how long it is. */
export function tooLarge(maxBytes: number): Failure {
  return {
    code: "payload_too_large",
    issues: [{ path: "", code: "body_limit", params: { limit: written(maxBytes) } }],
  };
}

function written(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`;
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
    if (length > Math.max(maxBytes, MOST_DISCARDED_BYTES)) {
      await reader.cancel();
      return null;
    }
    if (length <= maxBytes) chunks.push(value);
  }
  if (length > maxBytes) return null;
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
