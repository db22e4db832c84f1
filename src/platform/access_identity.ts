import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import type { Clock } from "./clock.ts";
import { logEvent, messageOf } from "./log.ts";

/** The Cloudflare Access application in front of the admin API. */
export type AccessSettings = {
  /** `https://<team>.cloudflareaccess.com`: who signs, and below which the keys are published. */
  readonly issuer: string;
  /** The application's AUD tag. */
  readonly audience: string;
};

const WRONG_ASSERTION: ReadonlySet<string> = new Set([
  errors.JOSEAlgNotAllowed.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWTExpired.code,
  errors.JWTInvalid.code,
]);

/** Who Cloudflare Access vouches for. Its keys are fetched once for each isolate, and again when they change. */
export class AccessIdentity {
  readonly #settings: AccessSettings | null;
  readonly #clock: Clock;
  readonly #keys: JWTVerifyGetKey | null;

  constructor(settings: AccessSettings | null, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#keys = settings === null ? null : createRemoteJWKSet(new URL("/cdn-cgi/access/certs", settings.issuer));
  }

  /** The person's e-mail, or a service token's name, of an assertion that is right; null when it is not. */
  async verify(assertion: string): Promise<string | null> {
    if (this.#settings === null || this.#keys === null) return null;
    try {
      const { payload } = await jwtVerify<{ email?: unknown; common_name?: unknown }>(assertion, this.#keys, {
        algorithms: ["RS256"],
        issuer: this.#settings.issuer,
        audience: this.#settings.audience,
        currentDate: new Date(this.#clock.nowMs()),
        requiredClaims: ["exp", "iat"],
      });
      if (isName(payload.email)) return payload.email;
      return isName(payload.common_name) ? `service:${payload.common_name}` : null;
    } catch (error) {
      // An assertion that is wrong is an expected failure; keys that cannot be had are the operator's to know of.
      const isWrong = error instanceof errors.JOSEError && WRONG_ASSERTION.has(error.code);
      if (!isWrong) logEvent("warn", { event: "access_keys_unavailable", error: messageOf(error) });
      return null;
    }
  }
}

function isName(claim: unknown): claim is string {
  return typeof claim === "string" && claim !== "" && claim.length <= 320;
}
