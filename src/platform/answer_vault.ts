/**
 * Seals answers so that only who brings the same idempotency key again can have them read: the key of the cipher is
 * derived from our secret, the tenant and the caller's key, which is kept nowhere. HKDF-SHA-256, AES-256-GCM.
 */
export class AnswerVault {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  async seal(context: { tenantId: string; idempotencyKey: string }, answer: unknown): Promise<Uint8Array> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const key = await this.#cipherKey(context);
    const plain = new TextEncoder().encode(JSON.stringify(answer));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain));
    const bytes = new Uint8Array(IV_BYTES + sealed.length);
    bytes.set(iv);
    bytes.set(sealed, IV_BYTES);
    return bytes;
  }

  /** Throws when the secret, the tenant, the key or the bytes are not those of the sealing. */
  async open(context: { tenantId: string; idempotencyKey: string }, bytes: Uint8Array): Promise<unknown> {
    const key = await this.#cipherKey(context);
    const iv = bytes.slice(0, IV_BYTES);
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.slice(IV_BYTES));
    return JSON.parse(new TextDecoder().decode(plain));
  }

  async #cipherKey(context: { tenantId: string; idempotencyKey: string }): Promise<CryptoKey> {
    const encoder = new TextEncoder();
    const material = await crypto.subtle.importKey("raw", encoder.encode(this.#secret), "HKDF", false, ["deriveKey"]);
    return await crypto.subtle.deriveKey(
      {
        name: "HKDF",
        hash: "SHA-256",
        salt: encoder.encode(context.tenantId),
        info: encoder.encode(context.idempotencyKey),
      },
      material,
      { name: "AES-GCM", length: 256 },
      false,
      ["encrypt", "decrypt"],
    );
  }
}

const IV_BYTES = 12;
