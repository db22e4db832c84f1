import { checkOf, randomBase62, type RandomBytes } from "./checked_token.ts";
import type { Mode } from "./meter_event.ts";
import { fail, ok, type Result } from "./result.ts";

/**
 * A tenant's credential, `csg_<mode>_<10>_<26><6>` in base62: the key id, a secret of 154 bits, and a CRC-32 of all that
 * stands before it. The check is public, so that secret scanners and typing errors are told without any I/O; it guards
 * nothing, the secret does. `keyId:clientSecret` is 52 bytes: the seed's curl client cannot send more than 57.
 */
export type ApiKey = {
  readonly keyId: string;
  readonly mode: Mode;
  readonly clientSecret: string;
  readonly text: string;
};

export const SCOPES = ["scores:read", "usage:read", "statements:read", "keys:manage"] as const;
export type Scope = (typeof SCOPES)[number];

/** What a key may do when nobody says otherwise. Whoever can make keys outlives the revoking of one: it is asked for. */
export const DEFAULT_SCOPES = ["scores:read", "usage:read", "statements:read"] as const satisfies readonly Scope[];

const WRITTEN_KEY = /^(csg_(live|test)_[0-9A-Za-z]{10})_([0-9A-Za-z]{26})([0-9A-Za-z]{6})$/;
const KEY_ID = /^csg_(?:live|test)_[0-9A-Za-z]{10}$/;
const ID_LENGTH = 10;
const SECRET_LENGTH = 26;

/** Reads a key and proves its check, without any I/O. */
export function parseApiKey(text: string): Result<ApiKey, "invalid_api_key"> {
  const parts = WRITTEN_KEY.exec(text);
  if (parts === null) return fail("invalid_api_key");
  const [, keyId, mode, secret, check] = parts as unknown as [string, string, Mode, string, string];
  if (check !== checkOf(`${keyId}_${secret}`)) return fail("invalid_api_key");
  return ok({ keyId, mode, clientSecret: `${secret}${check}`, text });
}

/** A new key; `randomBytes(n)` gives n bytes from a cryptographic source. */
export function makeApiKey(mode: Mode, randomBytes: RandomBytes): ApiKey {
  const keyId = `csg_${mode}_${randomBase62(ID_LENGTH, randomBytes)}`;
  const secret = randomBase62(SECRET_LENGTH, randomBytes);
  const clientSecret = `${secret}${checkOf(`${keyId}_${secret}`)}`;
  return { keyId, mode, clientSecret, text: `${keyId}_${clientSecret}` };
}

/** The mode that a key id names, or null for what is no key id. */
export function modeOfKeyId(keyId: string): Mode | null {
  if (!KEY_ID.test(keyId)) return null;
  return keyId.startsWith("csg_live_") ? "live" : "test";
}
