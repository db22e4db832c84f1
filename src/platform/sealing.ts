const IV_BYTES = 12;

const utf8 = new TextEncoder();

/** Seals small secrets under one of ours: AES-256-GCM, its key by HKDF-SHA-256. The first secret seals, any may open. */
export class Sealing {
  readonly #secrets: readonly [string, ...string[]];
  readonly #purpose: string;

  /** `purpose` keeps what is sealed for one thing from being opened as another. */
  constructor(secrets: readonly [string, ...string[]], purpose: string) {
    this.#secrets = secrets;
    this.#purpose = purpose;
  }

  /** In base64. `name` has to be given again to open it. */
  async seal(name: string, bytes: Uint8Array): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const key = await this.#cipherKey(this.#secrets[0]);
    const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm(iv, name), key, bytes));
    return new Uint8Array([...iv, ...sealed]).toBase64();
  }

  /** Null when no secret opens it. `isCurrent` is false where one of before did. */
  async open(
    name: string,
    sealed: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly isCurrent: boolean } | null> {
    const bytes = Uint8Array.fromBase64(sealed);
    for (const secret of this.#secrets) {
      try {
        const key = await this.#cipherKey(secret);
        const opened = await crypto.subtle.decrypt(
          algorithm(bytes.slice(0, IV_BYTES), name),
          key,
          bytes.slice(IV_BYTES),
        );
        return { bytes: new Uint8Array(opened), isCurrent: secret === this.#secrets[0] };
      } catch {
        // Another secret sealed it.
      }
    }
    return null;
  }

  async #cipherKey(secret: string): Promise<CryptoKey> {
    const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveKey"]);
    const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8.encode(this.#purpose) };
    const usages = ["encrypt", "decrypt"];
    return await crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, usages);
  }
}

function algorithm(iv: Uint8Array, name: string): SubtleCryptoEncryptAlgorithm {
  return { name: "AES-GCM", iv, additionalData: utf8.encode(name) };
}
