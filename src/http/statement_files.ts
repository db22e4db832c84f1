import { EXPORT_FILES, type ExportFile } from "../domain/export/export_files.ts";
import type { Failure } from "../domain/failure.ts";
import type { Mode } from "../domain/meter_event.ts";
import type { Period } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { FileDigest } from "../domain/statement.ts";
import { manifestText } from "../domain/statement.ts";
import { encodeEvents } from "../gateway/encode_events.ts";
import { openPeriodEvents } from "../gateway/open_statement.ts";
import { closedStatement, manifestOf, openManifest } from "../gateway/read_statement.ts";
import { testManifest, testPeriodEvents } from "../gateway/test_statement.ts";
import { beginFileStream } from "../platform/file_streams.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import { byteRangeOf, hasCurrent, isSameFile, type ByteRange } from "./conditional_request.ts";
import type { AppContext } from "./context.ts";

const MANIFEST: NamedFile = { name: "manifest.json", mediaType: "application/json; charset=utf-8" };
const FULL: Failure = { code: "rate_limited", retryAfterSeconds: 5 };

type NamedFile = Pick<ExportFile, "name" | "mediaType" | "contentSecurityPolicy">;
type Asked = { readonly tenantId: string; readonly mode: Mode; readonly period: Period; readonly file: NamedFile };
type AskedFile = {
  /** The tenant that reads, of whose streams it counts as one; null for an operator. */
  readonly reader: string | null;
  readonly tenantId: string;
  readonly mode?: Mode;
  readonly period: Period;
  readonly file: string;
};
type Answered = Promise<Result<Response, Failure>>;

/**
 * A file of a statement, by its name: frozen bytes of a closed month, or what an open one holds now. A tenant
 * that reads has a bounded number of them at a time, and one that is refused costs D1 nothing.
 */
export async function answerFile(
  context: AppContext,
  { reader, tenantId, mode = "live", period, file: name }: AskedFile,
): Answered {
  const file = [...EXPORT_FILES, MANIFEST].find((known) => known.name === name);
  if (file === undefined) return fail({ code: "not_found" });
  return await whileStreaming(context, reader, async () => {
    const asked = { tenantId, mode, period, file };
    if (mode === "test") return await answerOpen(context, asked);
    const stored = await closedStatement(context.get("services"), tenantId, period);
    if (!stored.ok) return stored;
    return stored.value === null ? await answerOpen(context, asked) : await answerClosed(context, asked, stored.value);
  });
}

/** Runs what reads a month's events, and counts it as one of a tenant's streams until its answer is sent. */
export async function whileStreaming(context: AppContext, reader: string | null, work: () => Answered): Answered {
  if (reader === null) return await work();
  const stream = await beginFileStream(context.get("services").ledgers, { tenantId: reader, mode: "live" });
  if (stream === null) return fail(FULL);
  // A reader who hangs up ends the request; its stream has to be counted out all the same.
  const end = () => context.executionCtx.waitUntil(stream.end());
  let isStreamed = false;
  try {
    const answered = await work();
    const body = answered.ok ? answered.value.body : null;
    if (!answered.ok || body === null) return answered;
    isStreamed = true;
    const length = answered.value.headers.get("content-length");
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
    context.executionCtx.waitUntil(body.pipeTo(writable).then(end, end));
    return ok(new Response(readable, answered.value));
  } finally {
    if (!isStreamed) end();
  }
}

async function answerOpen(context: AppContext, asked: Asked): Answered {
  const { tenantId, mode, period, file } = asked;
  const services = context.get("services");
  const status = mode === "test" ? "test" : "open";
  const headers = {
    "content-type": file.mediaType,
    "content-disposition": `attachment; filename="${tenantId}-${period}-${status}-${file.name}"`,
    "cache-control": "no-store",
    "statement-status": "open",
    ...policyOf(file),
  };
  const exportFile = EXPORT_FILES.find(({ name }) => name === file.name);
  if (exportFile === undefined) {
    const manifest = await (mode === "test" ? testManifest : openManifest)(services, tenantId, period);
    return manifest.ok ? ok(context.body(manifestText(manifest.value), 200, headers)) : manifest;
  }
  const events = await (mode === "test" ? testPeriodEvents : openPeriodEvents)(services, tenantId, period);
  if (!events.ok) return events;
  const body = encodeEvents(events.value, exportFile);
  if (context.req.method !== "HEAD") return ok(context.body(body, 200, headers));
  await body.cancel();
  return ok(context.body(null, 200, headers));
}

async function answerClosed(context: AppContext, { tenantId, period, file }: Asked, stored: StoredStatement): Answered {
  const digest = digestOf(stored, file.name);
  if (digest === undefined) return fail({ code: "not_found" });
  const etag = `"${digest.sha256}"`;
  const headers = {
    etag,
    "content-type": file.mediaType,
    "content-disposition": `attachment; filename="${tenantId}-${period}-${file.name}"`,
    // Private, but its reader may keep it: a closed file never changes.
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    "statement-status": "closed",
    ...policyOf(file),
  };
  if (hasCurrent(context.req.header("if-none-match"), etag)) return ok(context.body(null, 304, headers));
  const isHead = context.req.method === "HEAD";
  // RFC 9110: a range is defined for GET only.
  const asksForRange = !isHead && isSameFile(context.req.header("if-range"), etag);
  const range = asksForRange ? byteRangeOf(context.req.header("range"), digest.bytes) : null;
  const length = range?.length ?? digest.bytes;
  const sized = { ...headers, "content-length": String(length) };
  const answered =
    range === null
      ? sized
      : { ...sized, "content-range": `bytes ${range.offset}-${range.offset + length - 1}/${digest.bytes}` };
  const status = range === null ? 200 : 206;
  if (isHead) return ok(context.body(null, status, answered));
  const body = await readClosed(context, stored, { name: file.name, range });
  if (typeof body === "string") return ok(context.body(body, status, answered));
  if (body !== null) return ok(context.body(body, status, answered));
  context.get("log").error = "a file of a closed statement is not in R2";
  return fail({ code: "statement_unavailable", retryAfterSeconds: 60 });
}

function policyOf({ contentSecurityPolicy }: NamedFile): Record<string, string> {
  return contentSecurityPolicy === undefined ? {} : { "content-security-policy": contentSecurityPolicy };
}

async function readClosed(
  context: AppContext,
  stored: StoredStatement,
  { name, range }: { name: string; range: ByteRange | null },
): Promise<ReadableStream | string | null> {
  if (name === MANIFEST.name) return partOf(stored.manifest, range);
  return await context.get("services").archive.read(stored.prefix, name, range ?? undefined);
}

/** The manifest is kept as text in D1: its bytes are what ranges are of. */
function partOf(text: string, range: ByteRange | null): string {
  if (range === null) return text;
  const bytes = new TextEncoder().encode(text).slice(range.offset, range.offset + range.length);
  return new TextDecoder().decode(bytes);
}

function digestOf(stored: StoredStatement, name: string): FileDigest | undefined {
  if (name !== MANIFEST.name) return manifestOf(stored).files.find((file) => file.name === name);
  const bytes = new TextEncoder().encode(stored.manifest).byteLength;
  return { name, bytes, sha256: stored.manifestSha256 };
}
