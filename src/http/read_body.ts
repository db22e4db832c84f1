import type { Failure } from "../domain/failure.ts";
import { repeatsName } from "../domain/json.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { AppContext } from "./context.ts";
import { invalidRequest } from "./problem.ts";

/** Larger than any request of ours. */
export const MAX_BODY_BYTES = 4096;

export type BodyType = "application/json" | "application/x-www-form-urlencoded" | "text/csv";

/** The request's body as text: of the right type, not encoded, within the limit, and UTF-8. */
export async function readText(
  context: AppContext,
  type: BodyType,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<Result<string, Failure>> {
  const { headers, body } = context.req.raw;
  if (mediaType(headers.get("content-type")) !== type) return fail({ code: "unsupported_media_type" });
  if ((headers.get("content-encoding") ?? "identity") !== "identity") return fail({ code: "unsupported_media_type" });
  if (Number(headers.get("content-length") ?? 0) > maxBytes) return fail({ code: "payload_too_large" });
  if (body === null) return ok("");
  const bytes = await readBytes(body, maxBytes);
  if (bytes === null) return fail({ code: "payload_too_large" });
  try {
    return ok(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return fail({ code: type === "application/json" ? "invalid_json" : "invalid_request" });
  }
}

export async function readJson(context: AppContext): Promise<Result<unknown, Failure>> {
  const text = await readText(context, "application/json");
  return text.ok ? parseJson(text.value) : text;
}

export function parseJson(text: string): Result<unknown, Failure> {
  try {
    const value = JSON.parse(text) as unknown;
    return repeatsName(text) ? invalidRequest("", "names a field twice") : ok(value);
  } catch {
    return fail({ code: "invalid_json" });
  }
}

function mediaType(header: string | null): string {
  return (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

async function readBytes(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array | null> {
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
