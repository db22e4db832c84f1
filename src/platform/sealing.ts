import { decrypt, encrypt } from "./cipher.ts";

/** Seals small secrets under one of ours. The first secret seals, any may open. */
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
    return (await encrypt(this.#secrets[0], this.#contextOf(name), bytes)).toBase64();
  }

  /** Null when no secret opens it. `isCurrent` is false where one of before did. */
  async open(
    name: string,
    sealed: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly isCurrent: boolean } | null> {
    const opened = await decrypt(this.#secrets, this.#contextOf(name), Uint8Array.fromBase64(sealed));
    return opened && { bytes: opened.bytes, isCurrent: opened.secret === this.#secrets[0] };
  }

  #contextOf(name: string) {
    return { salt: "", info: this.#purpose, vouchedFor: name };
  }
}
