import type { ClosedMonth } from "../domain/closed_month.ts";
import { parsePeriod, type Period } from "../domain/period.ts";
import type { FileDigest } from "../domain/statement.ts";
import { toHex } from "./keyed_hash.ts";
import { deleteKeys, keysUnder, listPages } from "./r2_objects.ts";

/** R2 takes parts of one size, at least 5 MiB; six files at once stay far below an isolate's memory. */
const PART_BYTES = 5 * 1024 * 1024;
/** A buffer holds a part and what may lie across its end: one character of UTF-8. */
const BUFFER_BYTES = PART_BYTES + 4;
const FIRST_BUFFER_BYTES = 64 * 1024;
const READ_BYTES = 256 * 1024;
const ROOT = "statements";

const utf8 = new TextEncoder();

const SEAL = "closed.json";
export const MANIFEST_FILE = { name: "manifest.json", mediaType: "application/json" };

/**
 * The closed statements in R2, which decides what is closed:
 *
 * | object                                          | is                                                        |
 * |-------------------------------------------------|-----------------------------------------------------------|
 * | `statements/<tenant>/<period>/closed.json`      | that the month is closed, and as what; written only once  |
 * | `statements/<tenant>/<period>/<attempt>/<file>` | the files; each attempt to close has a folder of its own  |
 *
 * `manifest.json` is written into the folder that `closed.json` names, after it: a folder that holds one is never deleted.
 */
export class StatementArchive {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /** Asks R2 for something, to see whether it answers. */
  async probe(): Promise<true> {
    await this.#bucket.head(ROOT);
    return true;
  }

  /** What the files of a new attempt start with. */
  newPrefix(tenantId: string, period: string): string {
    return `${folderOf(tenantId, period)}${crypto.randomUUID()}/`;
  }

  /** Closes a month, unless it is: gives the one that stands, whoever made it. */
  async seal(month: ClosedMonth): Promise<ClosedMonth> {
    const { tenantId, period } = month;
    const onlyIf = { etagDoesNotMatch: "*" };
    const httpMetadata = { contentType: "application/json" };
    const put = await this.#bucket.put(sealOf(tenantId, period), JSON.stringify(month), { onlyIf, httpMetadata });
    if (put !== null) return month;
    const standing = await this.closed(tenantId, period);
    if (standing === null) throw new Error("R2 neither takes nor has a closed.json");
    return standing;
  }

  /** A month as it was closed; null while it is open. */
  async closed(tenantId: string, period: string): Promise<ClosedMonth | null> {
    const object = await this.#bucket.get(sealOf(tenantId, period));
    return object === null ? null : await object.json<ClosedMonth>();
  }

  /** Whether a month has its `closed.json`, and which folders of attempts hold a manifest. */
  async look(tenantId: string, period: string): Promise<{ isClosed: boolean; manifests: readonly string[] }> {
    const keys = await keysUnder(this.#bucket, folderOf(tenantId, period));
    const manifests = keys.filter((key) => key.endsWith(`/${MANIFEST_FILE.name}`));
    return {
      isClosed: keys.includes(sealOf(tenantId, period)),
      manifests: manifests.map((key) => key.slice(0, -MANIFEST_FILE.name.length)),
    };
  }

  /** The months that a tenant has a folder of, in order; not all of them are closed. */
  async periods(tenantId: string): Promise<Period[]> {
    const root = `${ROOT}/${tenantId}/`;
    const periods: Period[] = [];
    for await (const { delimitedPrefixes } of listPages(this.#bucket, { prefix: root, delimiter: "/" })) {
      for (const prefix of delimitedPrefixes) {
        const period = parsePeriod(prefix.slice(root.length, -1));
        if (period.ok) periods.push(period.value);
      }
    }
    return periods.toSorted();
  }

  writer(prefix: string, file: { name: string; mediaType: string }): ArchiveWriter {
    return new ArchiveWriter(this.#bucket, `${prefix}${file.name}`, file);
  }

  /** A file, or a part of it; null when it is not there. */
  async read(
    prefix: string,
    name: string,
    range?: { offset: number; length?: number },
  ): Promise<ReadableStream | null> {
    const object = await this.#bucket.get(`${prefix}${name}`, range === undefined ? {} : { range });
    return object?.body ?? null;
  }

  /** Length and hash of a file as it is read back; null when it is not there. */
  async digest(prefix: string, name: string): Promise<FileDigest | null> {
    const object = await this.#bucket.get(`${prefix}${name}`);
    if (object === null) return null;
    const digest = new crypto.DigestStream("SHA-256");
    const hashing = digest.getWriter();
    const reader = object.body.getReader({ mode: "byob" });
    // One buffer goes to and fro: a pipe would make a new one of every few kilobytes.
    let buffer = new ArrayBuffer(READ_BYTES);
    for (;;) {
      const { done, value } = await reader.readAtLeast(READ_BYTES, new Uint8Array(buffer));
      if (done) break;
      await hashing.write(value);
      buffer = value.buffer;
    }
    await hashing.close();
    return { name, bytes: object.size, sha256: toHex(await digest.digest) };
  }

  /** The text of a small file; null when it is not there. */
  async text(prefix: string, name: string): Promise<string | null> {
    return (await (await this.#bucket.get(`${prefix}${name}`))?.text()) ?? null;
  }

  /** Deletes what an attempt has written, unless it was signed. */
  async remove(prefix: string): Promise<void> {
    await this.#removeUnsigned(await keysUnder(this.#bucket, prefix));
  }

  /** Deletes what other attempts on the same month have left, those that were signed excepted. */
  async removeOthers(tenantId: string, period: string, keptPrefix: string): Promise<void> {
    const keys = await keysUnder(this.#bucket, folderOf(tenantId, period));
    await this.#removeUnsigned(keys.filter((key) => !key.startsWith(keptPrefix) && key !== sealOf(tenantId, period)));
  }

  async #removeUnsigned(keys: readonly string[]): Promise<void> {
    const signed = new Set(keys.filter((key) => key.endsWith(`/${MANIFEST_FILE.name}`)).map(attemptOf));
    await deleteKeys(
      this.#bucket,
      keys.filter((key) => !signed.has(attemptOf(key))),
    );
  }
}

/**
 * One file on its way into R2, hashed as it goes. It holds one part at most; a small file is one object at once. Text goes
 * straight into the one buffer that every part is sent from: the runtime is in no hurry to take back buffers that are done
 * with, and with a new one for each part those of a large month came to more than an isolate may hold.
 */
export class ArchiveWriter {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #name: string;
  readonly #httpMetadata: R2HTTPMetadata;
  readonly #digest = new crypto.DigestStream("SHA-256");
  readonly #hashing: WritableStreamDefaultWriter<ArrayBuffer | ArrayBufferView>;
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  #waitingBytes = 0;
  #bytes = 0;
  #upload: R2MultipartUpload | null = null;
  readonly #parts: R2UploadedPart[] = [];

  constructor(bucket: R2Bucket, key: string, file: { name: string; mediaType: string }) {
    this.#bucket = bucket;
    this.#key = key;
    this.#name = file.name;
    this.#httpMetadata = { contentType: file.mediaType };
    this.#hashing = this.#digest.getWriter();
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    if (typeof chunk === "string") await this.#writeText(chunk);
    else await this.#writeBytes(chunk);
  }

  async #writeText(text: string): Promise<void> {
    for (let rest = text; rest !== "";) {
      const { read, written } = utf8.encodeInto(rest, this.#buffer.subarray(this.#waitingBytes));
      this.#waitingBytes += written;
      rest = rest.slice(read);
      if (this.#waitingBytes >= PART_BYTES) await this.#sendPart(PART_BYTES);
      else if (rest !== "") this.#enlargeBuffer();
    }
  }

  async #writeBytes(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.byteLength > 0;) {
      const taken = rest.subarray(0, this.#buffer.byteLength - this.#waitingBytes);
      this.#buffer.set(taken, this.#waitingBytes);
      this.#waitingBytes += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (this.#waitingBytes >= PART_BYTES) await this.#sendPart(PART_BYTES);
      else if (rest.byteLength > 0) this.#enlargeBuffer();
    }
  }

  /** Completes the file. It is there when this returns, and not before. */
  async finish(): Promise<FileDigest> {
    if (this.#upload !== null && this.#waitingBytes > 0) await this.#sendPart(this.#waitingBytes);
    const rest = await this.#hashed(this.#waitingBytes);
    await this.#hashing.close();
    const sha256 = toHex(await this.#digest.digest);
    if (this.#upload !== null) await this.#upload.complete(this.#parts);
    else await this.#bucket.put(this.#key, rest, { httpMetadata: this.#httpMetadata, sha256 });
    this.#resizeBuffer(0);
    return { name: this.#name, bytes: this.#bytes, sha256 };
  }

  /** Gives up a file that is not complete. What cannot be told so now, R2 forgets after a week. */
  async abort(): Promise<void> {
    await Promise.allSettled([this.#hashing.abort(), this.#digest.digest, this.#upload?.abort()]);
    this.#resizeBuffer(0);
  }

  async #sendPart(length: number): Promise<void> {
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key, { httpMetadata: this.#httpMetadata });
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, await this.#hashed(length)));
    this.#buffer.copyWithin(0, length, this.#waitingBytes);
    this.#waitingBytes -= length;
  }

  /** The first bytes that wait, counted and hashed. */
  async #hashed(length: number): Promise<Uint8Array> {
    const bytes = this.#buffer.subarray(0, length);
    await this.#hashing.write(bytes);
    this.#bytes += length;
    return bytes;
  }

  #enlargeBuffer(): void {
    this.#resizeBuffer(Math.min(2 * this.#buffer.byteLength, BUFFER_BYTES));
  }

  // The old one's memory is free at once, without waiting for the garbage to be taken.
  #resizeBuffer(bytes: number): void {
    this.#buffer = new Uint8Array(this.#buffer.buffer.transfer(bytes));
  }
}

function folderOf(tenantId: string, period: string): string {
  return `${ROOT}/${tenantId}/${period}/`;
}

function sealOf(tenantId: string, period: string): string {
  return `${folderOf(tenantId, period)}${SEAL}`;
}

/** The folder of an attempt, with its slash. */
function attemptOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}
