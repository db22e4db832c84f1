/** Packs a text. */
export async function gzip(text: string): Promise<Uint8Array> {
  return new Uint8Array(await through(new TextEncoder().encode(text), new CompressionStream("gzip")));
}

/** Unpacks what `gzip` packed. Throws when it is something else. */
export async function gunzip(bytes: Uint8Array): Promise<string> {
  return new TextDecoder().decode(await through(bytes, new DecompressionStream("gzip")));
}

async function through(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<ArrayBuffer> {
  return await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer();
}
