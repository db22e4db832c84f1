const utf8 = new TextEncoder();

/** HMAC-SHA-256 under one secret, in hexadecimal. The imported key is kept, for importing costs more than signing. */
export class KeyedHash {
  readonly #secret: Uint8Array;
  #key: CryptoKey | null = null;

  constructor(secret: string | Uint8Array) {
    this.#secret = typeof secret === "string" ? utf8.encode(secret) : secret;
  }

  async sign(text: string): Promise<string> {
    this.#key ??= await crypto.subtle.importKey("raw", this.#secret, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    return toHex(await crypto.subtle.sign("HMAC", this.#key, utf8.encode(text)));
  }
}

export async function sha256Hex(text: string): Promise<string> {
  return toHex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

/** Compares with every secret, in a time that tells nothing of any of them: neither its length nor which one it was. */
export async function isOneOf(secrets: readonly string[], given: string): Promise<boolean> {
  const digest = (text: string) => crypto.subtle.digest("SHA-256", utf8.encode(text));
  const [givenHash, ...hashes] = await Promise.all([digest(given), ...secrets.map(digest)]);
  return hashes.map((hash) => crypto.subtle.timingSafeEqual(hash, givenHash)).includes(true);
}

/** Lower-case hexadecimal. */
export function toHex(buffer: ArrayBuffer): string {
  return new Uint8Array(buffer).toHex();
}
