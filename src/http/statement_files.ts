import { EXPORT_FILES } from "../domain/export/export_files.ts";
import type { Period } from "../domain/period.ts";
import type { FileDigest } from "../domain/statement.ts";
import { manifestText } from "../domain/statement.ts";
import { encodeEvents } from "../gateway/encode_events.ts";
import { openPeriodEvents } from "../gateway/open_statement.ts";
import { closedStatement, manifestOf, openManifest } from "../gateway/read_statement.ts";
import type { StoredStatement } from "../platform/statement_records.ts";
import type { AppContext } from "./context.ts";
import { problemResponse } from "./problem.ts";

const MANIFEST = { name: "manifest.json", mediaType: "application/json; charset=utf-8" };

type NamedFile = { readonly name: string; readonly mediaType: string };
type Asked = { readonly tenantId: string; readonly period: Period; readonly file: NamedFile };

/** A file of a statement, by its name: frozen bytes of a closed month, or what an open one holds now. */
export async function answerFile(
  context: AppContext,
  { tenantId, period, name }: { tenantId: string; period: Period; name: string },
): Promise<Response> {
  const file = [...EXPORT_FILES, MANIFEST].find((known) => known.name === name);
  if (file === undefined) return problemResponse(context, { code: "not_found" });
  const stored = await closedStatement(context.get("services"), tenantId, period);
  if (!stored.ok) return problemResponse(context, stored.failure);
  const asked = { tenantId, period, file };
  return stored.value === null ? await answerOpen(context, asked) : await answerClosed(context, asked, stored.value);
}

async function answerOpen(context: AppContext, asked: Asked): Promise<Response> {
  const { tenantId, period, file } = asked;
  const services = context.get("services");
  const headers = {
    "content-type": file.mediaType,
    "content-disposition": `attachment; filename="${tenantId}-${period}-open-${file.name}"`,
    "cache-control": "no-store",
    "statement-status": "open",
  };
  const exportFile = EXPORT_FILES.find(({ name }) => name === file.name);
  if (exportFile === undefined) {
    const manifest = await openManifest(services, tenantId, period);
    if (!manifest.ok) return problemResponse(context, manifest.failure);
    return context.body(manifestText(manifest.value), 200, headers);
  }
  const events = await openPeriodEvents(services, tenantId, period);
  if (!events.ok) return problemResponse(context, events.failure);
  const body = encodeEvents(events.value, exportFile.encoder);
  if (context.req.method !== "HEAD") return context.body(body, 200, headers);
  await body.cancel();
  return context.body(null, 200, headers);
}

async function answerClosed(
  context: AppContext,
  { tenantId, period, file }: Asked,
  stored: StoredStatement,
): Promise<Response> {
  const digest = digestOf(stored, file.name);
  if (digest === undefined) return problemResponse(context, { code: "not_found" });
  const etag = `"${digest.sha256}"`;
  const headers = {
    etag,
    "content-type": file.mediaType,
    "content-disposition": `attachment; filename="${tenantId}-${period}-${file.name}"`,
    // Only whoever holds a key may have it, but that one may keep it: it never changes.
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    "statement-status": "closed",
  };
  if (isKnown(context.req.header("if-none-match"), etag)) return context.body(null, 304, headers);
  const range = isStale(context.req.header("if-range"), etag)
    ? null
    : parseRange(context.req.header("range"), digest.bytes);
  const length = range?.length ?? digest.bytes;
  const sized = { ...headers, "content-length": String(length) };
  const answered =
    range === null
      ? sized
      : { ...sized, "content-range": `bytes ${range.offset}-${range.offset + length - 1}/${digest.bytes}` };
  const status = range === null ? 200 : 206;
  if (context.req.method === "HEAD") return context.body(null, status, answered);
  const body = await readClosed(context, stored, { name: file.name, range });
  if (typeof body === "string") return context.body(body, status, answered);
  if (body !== null) return context.body(body, status, answered);
  context.get("log").error = "a file of a closed statement is not in R2";
  return problemResponse(context, { code: "statement_unavailable", retryAfterSeconds: 60 });
}

async function readClosed(
  context: AppContext,
  stored: StoredStatement,
  { name, range }: { name: string; range: ByteRange | null },
): Promise<ReadableStream | string | null> {
  if (name === MANIFEST.name && range === null) return stored.manifest;
  return await context.get("services").archive.read(stored.prefix, name, range ?? undefined);
}

function digestOf(stored: StoredStatement, name: string): FileDigest | undefined {
  if (name !== MANIFEST.name) return manifestOf(stored).files.find((file) => file.name === name);
  const bytes = new TextEncoder().encode(stored.manifest).byteLength;
  return { name, bytes, sha256: stored.manifestSha256 };
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((tag) => [etag, `W/${etag}`, "*"].includes(tag.trim()));
}

function isStale(ifRange: string | undefined, etag: string): boolean {
  return ifRange !== undefined && ifRange !== etag;
}

type ByteRange = { readonly offset: number; readonly length: number };

/** One range that can be served; anything else is answered with the whole file, as RFC 9110 allows. */
function parseRange(header: string | undefined, size: number): ByteRange | null {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  const offset = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  return end > offset ? { offset, length: end - offset } : null;
}
