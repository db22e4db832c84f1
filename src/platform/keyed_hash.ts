const utf8 = new TextEncoder();

/** HMAC-SHA-256 under one secret, in hexadecimal. The imported key is kept, for importing costs more than signing. */
export class KeyedHash {
  readonly #secret: string;
  #key: CryptoKey | null = null;

  constructor(secret: string) {
    this.#secret = secret;
  }

  async sign(text: string): Promise<string> {
    this.#key ??= await crypto.subtle.importKey(
      "raw",
      utf8.encode(this.#secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    return toHex(await crypto.subtle.sign("HMAC", this.#key, utf8.encode(text)));
  }
}

export async function sha256Hex(text: string): Promise<string> {
  return toHex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

/** Compares secrets in a time that tells nothing of them, not even their length. */
export async function isSameSecret(left: string, right: string): Promise<boolean> {
  const [leftHash, rightHash] = await Promise.all([
    crypto.subtle.digest("SHA-256", utf8.encode(left)),
    crypto.subtle.digest("SHA-256", utf8.encode(right)),
  ]);
  return crypto.subtle.timingSafeEqual(leftHash, rightHash);
}

/** Lower-case hexadecimal. */
export function toHex(buffer: ArrayBuffer): string {
  return new Uint8Array(buffer).toHex();
}
