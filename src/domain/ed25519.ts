import type { ExportPrivateKey, ExportPublicKey } from "./statement.ts";

const ALGORITHM = { name: "Ed25519" };

/** A signature in base64url. Throws `RangeError` when the key's two halves do not belong together: nobody could verify it. */
export async function sign(key: ExportPrivateKey, bytes: Uint8Array): Promise<string> {
  const signature = await signWith(key, bytes);
  if (signature !== null && (await isSignedBy(key, bytes, signature))) return signature;
  throw new RangeError(`EXPORT_SIGNING_KEY ${key.kid}: x is not the public half of d`);
}

/** Null where the runtime itself refuses the key. */
async function signWith({ kty, crv, x, d }: ExportPrivateKey, bytes: Uint8Array): Promise<string | null> {
  try {
    const privateKey = await crypto.subtle.importKey("jwk", { kty, crv, x, d }, ALGORITHM, false, ["sign"]);
    return base64Url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, ownBytes(bytes))));
  } catch {
    return null;
  }
}

export async function isSignedBy(key: ExportPublicKey, bytes: Uint8Array, signature: string): Promise<boolean> {
  const { kty, crv, x } = key;
  const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x }, ALGORITHM, false, ["verify"]);
  const given = fromBase64Url(signature);
  return given !== null && (await crypto.subtle.verify(ALGORITHM, publicKey, given, ownBytes(bytes)));
}

/** Browsers' types tell bytes that nobody shares from others. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]+$/.test(text)) return null;
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
