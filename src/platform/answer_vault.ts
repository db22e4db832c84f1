import { decrypt, encrypt } from "./cipher.ts";

type Owner = { readonly tenantId: string; readonly idempotencyKey: string };

/**
 * Seals answers so that only who brings the same idempotency key again can have them read: the cipher's key is derived
 * from our secret, the tenant and the caller's key, which is kept nowhere. The first secret seals, any may open.
 */
export class AnswerVault {
  readonly #secrets: readonly [string, ...string[]];

  constructor(secrets: readonly [string, ...string[]]) {
    this.#secrets = secrets;
  }

  async seal(owner: Owner, answer: unknown): Promise<Uint8Array> {
    return await encrypt(this.#secrets[0], contextOf(owner), new TextEncoder().encode(JSON.stringify(answer)));
  }

  /** Throws when no secret, or not the tenant, the key or the bytes, are those of the sealing. */
  async open(owner: Owner, sealed: Uint8Array): Promise<unknown> {
    const opened = await decrypt(this.#secrets, contextOf(owner), sealed);
    if (opened === null) throw new Error("a kept answer cannot be opened");
    return JSON.parse(new TextDecoder().decode(opened.bytes));
  }
}

function contextOf({ tenantId, idempotencyKey }: Owner) {
  return { salt: tenantId, info: idempotencyKey, vouchedFor: "" };
}
