import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { sha256Hex } from "../../src/domain/statement.ts";
import { StatementArchive } from "../../src/platform/statement_archive.ts";

const PART_BYTES = 5 * 1024 * 1024;
const FILE = { name: "events.csv", mediaType: "text/csv" };
/** Three bytes of UTF-8 each, so that no part ends where a character does. */
const PAGE = "€".repeat(300_000);
const PAGES = 25;

test.each([
  ["text", PAGE],
  ["bytes", new TextEncoder().encode(PAGE)],
])(
  "a large file of %s goes out in parts of one size from one buffer, and comes back as it was written",
  async (_, chunk) => {
    const buffers = new Set<ArrayBufferLike>();
    const lengths: number[] = [];
    const bucket = new Proxy(env.STATEMENTS, {
      get: (target, name) =>
        name === "createMultipartUpload" ? createUpload : Reflect.get(target, name, target).bind(target),
    });
    async function createUpload(key: string): Promise<R2MultipartUpload> {
      const upload = await env.STATEMENTS.createMultipartUpload(key);
      const uploadPart = upload.uploadPart.bind(upload);
      vi.spyOn(upload, "uploadPart").mockImplementation(async (number, part) => {
        const { buffer, byteLength } = part as Uint8Array;
        buffers.add(buffer);
        lengths.push(byteLength);
        return await uploadPart(number, part);
      });
      return upload;
    }
    const archive = new StatementArchive(bucket);
    const prefix = archive.newPrefix("ten_parts", "2027-01");
    const writer = archive.writer(prefix, FILE);
    for (let page = 0; page < PAGES; page += 1) await writer.write(chunk);
    const written = await writer.finish();

    expect(buffers.size).toBe(1);
    expect(lengths).toEqual([...Array.from({ length: 4 }, () => PART_BYTES), PAGES * 900_000 - 4 * PART_BYTES]);
    const sha256 = await sha256Hex(PAGE.repeat(PAGES));
    expect(written).toEqual({ name: FILE.name, bytes: PAGES * 900_000, sha256 });
    expect(await archive.digest(prefix, FILE.name)).toEqual(written);
  },
);

test("a small file and an empty one are one object each", async () => {
  const uploads = vi.spyOn(env.STATEMENTS, "createMultipartUpload");
  const archive = new StatementArchive(env.STATEMENTS);
  const prefix = archive.newPrefix("ten_small", "2027-01");
  for (const text of ["", "São Paulo"]) {
    const writer = archive.writer(prefix, FILE);
    await writer.write(text);
    const written = await writer.finish();
    expect(written).toEqual({ name: FILE.name, bytes: text === "" ? 0 : 10, sha256: await sha256Hex(text) });
    expect(await archive.digest(prefix, FILE.name)).toEqual(written);
  }
  expect(uploads).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});
