import { jwtVerify, SignJWT } from "jose";
import { modeOfKeyId } from "../domain/api_key.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";

/** As long as Claro's own tokens live. */
export const ISSUED_TOKEN_SECONDS = 3600;

const ISSUER = "claro-score-gateway";

/**
 * The access token that we issue to those who speak Claro's shape: signed, so that it needs no storage, and good only
 * while its key is, for the ledger is asked about that key at each lookup.
 */
export async function issueToken(services: Services, caller: Caller): Promise<string> {
  const nowSeconds = Math.floor(services.clock.nowMs() / 1000);
  return await new SignJWT({ tenantId: caller.tenantId })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuer(ISSUER)
    .setSubject(caller.keyId)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ISSUED_TOKEN_SECONDS)
    .sign(keyOf(services.settings.accessTokenSecrets[0]));
}

/**
 * Who a token was issued to, or null when it is not ours, was changed, or has expired. Where the secret is being replaced,
 * tokens of the one before hold until they end.
 */
export async function readIssuedToken(services: Services, token: string): Promise<Caller | null> {
  for (const secret of services.settings.accessTokenSecrets) {
    const caller = await readToken(services, token, secret);
    if (caller !== null) return caller;
  }
  return null;
}

async function readToken(services: Services, token: string, secret: string): Promise<Caller | null> {
  try {
    const { payload } = await jwtVerify<{ tenantId: string }>(token, keyOf(secret), {
      algorithms: ["HS256"],
      issuer: ISSUER,
      currentDate: new Date(services.clock.nowMs()),
      requiredClaims: ["sub", "exp", "tenantId"],
    });
    const { sub: keyId } = payload;
    const mode = keyId === undefined ? null : modeOfKeyId(keyId);
    return keyId === undefined || mode === null ? null : { tenantId: payload.tenantId, keyId, mode };
  } catch {
    return null;
  }
}

function keyOf(secret: string): Uint8Array {
  return new TextEncoder().encode(secret);
}
