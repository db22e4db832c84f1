const IV_BYTES = 12;

const utf8 = new TextEncoder();

/** What a key is derived with besides the secret, and what is vouched for but not hidden. All have to be given again. */
export type CipherContext = { readonly salt: string; readonly info: string; readonly vouchedFor: string };

/** AES-256-GCM, its key by HKDF-SHA-256. The IV comes first. */
export async function encrypt(secret: string, context: CipherContext, plain: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await cipherKey(secret, context);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm(iv, context), key, plain));
  const bytes = new Uint8Array(IV_BYTES + sealed.length);
  bytes.set(iv);
  bytes.set(sealed, IV_BYTES);
  return bytes;
}

/** The bytes, and which of the secrets opened them; null when none does. */
export async function decrypt(
  secrets: readonly string[],
  context: CipherContext,
  bytes: Uint8Array,
): Promise<{ readonly bytes: Uint8Array; readonly secret: string } | null> {
  for (const secret of secrets) {
    try {
      const key = await cipherKey(secret, context);
      const iv = bytes.slice(0, IV_BYTES);
      const plain = await crypto.subtle.decrypt(algorithm(iv, context), key, bytes.slice(IV_BYTES));
      return { bytes: new Uint8Array(plain), secret };
    } catch {
      // Another secret sealed it.
    }
  }
  return null;
}

async function cipherKey(secret: string, { salt, info }: CipherContext): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: utf8.encode(salt), info: utf8.encode(info) };
  const usages = ["encrypt", "decrypt"];
  return await crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, usages);
}

function algorithm(iv: Uint8Array, { vouchedFor }: CipherContext): SubtleCryptoEncryptAlgorithm {
  return { name: "AES-GCM", iv, additionalData: utf8.encode(vouchedFor) };
}
