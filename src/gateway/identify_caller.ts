import { parseApiKey } from "../domain/api_key.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import { SHIELD_SECONDS, type FailedLogin } from "../platform/shield.ts";
import { readIssuedToken } from "./issued_token.ts";

const TOO_MANY: Failure = { code: "rate_limited", retryAfterSeconds: SHIELD_SECONDS };

/** A credential as it came, and the address that it came from. */
export type Credential = { readonly text: string | undefined; readonly ip: string | null };

/** Who calls, by an API key. Whether they may is the ledger's to say. Before KV is read, all is asked that costs nothing. */
export async function identifyByKey(services: Services, { text, ip }: Credential): Promise<Result<Caller, Failure>> {
  if (text === undefined) return await refuse(services, ip, "malformed", "missing_credentials");
  const key = parseApiKey(text);
  if (!key.ok) return await refuse(services, ip, "malformed", "invalid_api_key");
  const isShut = services.shield.isShut(ip);
  const caller = await services.keys.find(key.value, { memoryOnly: isShut });
  if (caller !== null) return ok(caller);
  return isShut ? fail(TOO_MANY) : await refuse(services, ip, "unknown_key", "invalid_api_key");
}

/** Who calls, by an access token that we issued: without any I/O. */
export async function identifyByToken(services: Services, { text, ip }: Credential): Promise<Result<Caller, Failure>> {
  if (text === undefined) return await refuse(services, ip, "malformed", "missing_credentials");
  const caller = await readIssuedToken(services, text);
  return caller === null ? await refuse(services, ip, "malformed", "invalid_token") : ok(caller);
}

async function refuse(
  services: Services,
  ip: string | null,
  kind: FailedLogin,
  code: FailureCode,
): Promise<Result<never, Failure>> {
  return fail((await services.shield.isFlood(kind, ip)) ? TOO_MANY : { code });
}
