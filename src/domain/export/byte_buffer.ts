const FIRST_BYTES = 64 * 1024;
/** A character of UTF-16 takes so many bytes of UTF-8 at most. */
const MOST_CHARACTER_BYTES = 3;
/** Shorter ones are copied sooner byte by byte than by a call. */
const SHORT_BYTES = 32;
const LAST_ASCII = 0x7f;

const utf8 = new TextEncoder();

/**
 * Text as UTF-8, written piece by piece and taken now and then. The pieces are as short as cells: to make them one string
 * first, and bytes of that, took twice as long and left the runtime all those strings to take back.
 */
export class ByteBuffer {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  putText(text: string): void {
    this.#reserve(text.length * MOST_CHARACTER_BYTES);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > LAST_ASCII) {
        this.#length += utf8.encodeInto(text, bytes.subarray(start)).written;
        return;
      }
      bytes[start + index] = code;
    }
    this.#length = start + text.length;
  }

  putBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    if (bytes.length >= SHORT_BYTES) this.#bytes.set(bytes, this.#length);
    else
      for (let index = 0; index < bytes.length; index += 1) this.#bytes[this.#length + index] = bytes[index] as number;
    this.#length += bytes.length;
  }

  /** What was written since this was asked last. It is there until something is written again. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const before = this.#bytes;
    this.#bytes = new Uint8Array(2 * (this.#length + bytes));
    this.#bytes.set(before.subarray(0, this.#length));
  }
}
