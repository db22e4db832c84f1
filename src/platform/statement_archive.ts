import type { FileDigest } from "../domain/statement.ts";
import { toHex } from "./keyed_hash.ts";

/** R2 takes parts of one size, at least 5 MiB; four files at once stay far below an isolate's memory. */
const PART_BYTES = 8 * 1024 * 1024;
const ROOT = "statements";

/**
 * The files of closed statements, in R2 under `statements/<tenant>/<period>/<attempt>/<file>`. An attempt to close has a
 * folder of its own, so that two of them never write the same object; the row in D1 says whose counts.
 */
export class StatementArchive {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /** What the files of a new attempt start with. */
  newPrefix(tenantId: string, period: string): string {
    return `${folderOf(tenantId, period)}${crypto.randomUUID()}/`;
  }

  writer(prefix: string, file: { name: string; mediaType: string }): ArchiveWriter {
    return new ArchiveWriter(this.#bucket, `${prefix}${file.name}`, file);
  }

  /** A file, or a part of it; null when it is not there. */
  async read(prefix: string, name: string, range?: { offset: number; length: number }): Promise<ReadableStream | null> {
    const object = await this.#bucket.get(`${prefix}${name}`, range === undefined ? {} : { range });
    return object?.body ?? null;
  }

  /** Length and hash of a file as it is read back; null when it is not there. */
  async digest(prefix: string, name: string): Promise<FileDigest | null> {
    const object = await this.#bucket.get(`${prefix}${name}`);
    if (object === null) return null;
    const digest = new crypto.DigestStream("SHA-256");
    await object.body.pipeTo(digest);
    return { name, bytes: object.size, sha256: toHex(await digest.digest) };
  }

  /** Deletes what an attempt has written. */
  async remove(prefix: string): Promise<void> {
    await this.#removeWhere(prefix, () => true);
  }

  /** Deletes what other attempts on the same month have left. */
  async removeOthers(tenantId: string, period: string, keptPrefix: string): Promise<void> {
    await this.#removeWhere(folderOf(tenantId, period), (key) => !key.startsWith(keptPrefix));
  }

  async #removeWhere(prefix: string, isUnwanted: (key: string) => boolean): Promise<void> {
    for (let cursor: string | undefined; ;) {
      const listed = await this.#bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
      const unwanted = listed.objects.map(({ key }) => key).filter(isUnwanted);
      if (unwanted.length > 0) await this.#bucket.delete(unwanted);
      if (!listed.truncated) return;
      ({ cursor } = listed);
    }
  }
}

/** One file on its way into R2, hashed as it goes. It holds one part at most; a small file is one object at once. */
export class ArchiveWriter {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #name: string;
  readonly #httpMetadata: R2HTTPMetadata;
  readonly #digest = new crypto.DigestStream("SHA-256");
  readonly #hashing: WritableStreamDefaultWriter<ArrayBuffer | ArrayBufferView>;
  #chunks: Uint8Array[] = [];
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

  async write(text: string): Promise<void> {
    if (text === "") return;
    const bytes = new TextEncoder().encode(text);
    await this.#hashing.write(bytes);
    this.#bytes += bytes.byteLength;
    this.#chunks.push(bytes);
    this.#waitingBytes += bytes.byteLength;
    while (this.#waitingBytes >= PART_BYTES) await this.#sendPart(PART_BYTES);
  }

  /** Completes the file. It is there when this returns, and not before. */
  async finish(): Promise<FileDigest> {
    await this.#hashing.close();
    const sha256 = toHex(await this.#digest.digest);
    if (this.#upload === null) {
      const options = { httpMetadata: this.#httpMetadata, sha256 };
      await this.#bucket.put(this.#key, this.#take(this.#waitingBytes), options);
    } else {
      if (this.#waitingBytes > 0) await this.#sendPart(this.#waitingBytes);
      await this.#upload.complete(this.#parts);
    }
    return { name: this.#name, bytes: this.#bytes, sha256 };
  }

  /** Gives up a file that is not complete. What cannot be told so now, R2 forgets after a week. */
  async abort(): Promise<void> {
    await Promise.allSettled([this.#hashing.abort(), this.#digest.digest, this.#upload?.abort()]);
  }

  async #sendPart(length: number): Promise<void> {
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key, { httpMetadata: this.#httpMetadata });
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, this.#take(length)));
  }

  #take(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    let offset = 0;
    while (offset < length) {
      const [chunk = new Uint8Array()] = this.#chunks;
      const used = chunk.subarray(0, length - offset);
      taken.set(used, offset);
      offset += used.byteLength;
      if (used.byteLength === chunk.byteLength) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(used.byteLength);
    }
    this.#waitingBytes -= length;
    return taken;
  }
}

function folderOf(tenantId: string, period: string): string {
  return `${ROOT}/${tenantId}/${period}/`;
}
