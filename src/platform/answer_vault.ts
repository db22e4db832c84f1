/**
 * Seals answers so that only who brings the same idempotency key again can have them read: the key of the cipher is
 * derived from our secret, the tenant and the caller's key, which is kept nowhere. HKDF-SHA-256, AES-256-GCM. Answers
 * that were sealed under a secret of before can be read for as long as that is given.
 */
export class AnswerVault {
  readonly #secrets: readonly [string, ...string[]];

  /** The first one seals. */
  constructor(secrets: readonly [string, ...string[]]) {
    this.#secrets = secrets;
  }

  async seal(context: { tenantId: string; idempotencyKey: string }, answer: unknown): Promise<Uint8Array> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const key = await cipherKey(this.#secrets[0], context);
    const plain = new TextEncoder().encode(JSON.stringify(answer));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain));
    const bytes = new Uint8Array(IV_BYTES + sealed.length);
    bytes.set(iv);
    bytes.set(sealed, IV_BYTES);
    return bytes;
  }

  /** Throws when no secret, or not the tenant, the key or the bytes, are those of the sealing. */
  async open(context: { tenantId: string; idempotencyKey: string }, bytes: Uint8Array): Promise<unknown> {
    const iv = bytes.slice(0, IV_BYTES);
    const plain = await Promise.any(
      this.#secrets.map(async (secret) => {
        const key = await cipherKey(secret, context);
        return await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.slice(IV_BYTES));
      }),
    );
    return JSON.parse(new TextDecoder().decode(plain));
  }
}

async function cipherKey(secret: string, context: { tenantId: string; idempotencyKey: string }): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
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

const IV_BYTES = 12;
