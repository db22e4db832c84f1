import { createDecipheriv, createHmac, hkdfSync } from "node:crypto";

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A key of references as D1 has it on disk. */
export type SealedKey = { readonly name: string; readonly sealed: string };

/** What an event says of a CPF, by the rule of `platform/reference_keys.ts` and `platform/cipher.ts`, done once more. */
export function cpfReference(key: SealedKey, secret: string, person: { tenantId: string; cpf: string }): string {
  const sealed = Buffer.from(key.sealed, "base64");
  const cipherKey = Buffer.from(hkdfSync("sha256", secret, "", "reference keys", 32));
  const cipher = createDecipheriv("aes-256-gcm", cipherKey, sealed.subarray(0, IV_BYTES));
  cipher.setAAD(Buffer.from(key.name)).setAuthTag(sealed.subarray(-TAG_BYTES));
  const opened = Buffer.concat([cipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), cipher.final()]);
  const digest = createHmac("sha256", opened).update(`${person.tenantId}\n${person.cpf}`).digest("hex");
  return `${key.name}:${digest.slice(0, 32)}`;
}
