/** Whole lines of a stream, as many as came at once, and the offset of what follows them. */
export type LineBlock = { readonly text: string; readonly endOffset: number };

const LINE_END = 0x0a;

/**
 * The lines of a UTF-8 stream that begins at `offset`, by blocks: who looks for a text in very many lines looks into a block
 * at once, and can go on at its end another time.
 */
export async function* lineBlocksOf(
  stream: ReadableStream<Uint8Array>,
  offset: number,
): AsyncGenerator<LineBlock, void, void> {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let endOffset = offset;
  let rest = new Uint8Array();
  for await (const chunk of stream) {
    const end = chunk.lastIndexOf(LINE_END) + 1;
    if (end > 0) {
      const block = joinBytes(rest, chunk.subarray(0, end));
      endOffset += block.byteLength;
      yield { text: utf8.decode(block), endOffset };
      rest = new Uint8Array();
    }
    rest = joinBytes(rest, chunk.subarray(end));
  }
  if (rest.byteLength > 0) yield { text: utf8.decode(rest), endOffset: endOffset + rest.byteLength };
}

/** One after the other, as bytes of their own. */
export function joinBytes(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(left.byteLength + right.byteLength);
  both.set(left);
  both.set(right, left.byteLength);
  return both;
}

/** The lines of a UTF-8 stream without their ends; a byte order mark is dropped. Throws where it is not UTF-8. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + utf8.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
  rest += utf8.decode();
  if (rest !== "") yield rest.endsWith("\r") ? rest.slice(0, -1) : rest;
}
