import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import type { Clock } from "./clock.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { logEvent } from "./log.ts";

/** The Cloudflare Access application in front of the admin API. */
export type AccessSettings = {
  /** `https://<team>.cloudflareaccess.com`: who signs, and below which the keys are published. */
  readonly issuer: string;
  /** The application's AUD tag. */
  readonly audience: string;
};

/** What the name of a service token starts with. */
export const SERVICE = "service:";
/** How far the clocks of Access and of the gateway may be apart. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** What an assertion names: a key that is not published is a wrong assertion; all else is Access' own outage. */
const NO_SUCH_KEY: ReadonlySet<string> = new Set([errors.JWKSNoMatchingKey.code, errors.JWKSMultipleMatchingKeys.code]);

/** `unavailable`: nobody can say whether the assertion is right, because Access does not give its keys. */
export type AccessFailure = "wrong" | "unavailable";

/** Keys that could not be had. It carries no text of Access or of a caller. */
class KeysUnavailable extends Error {}

/** Who Cloudflare Access vouches for. Its keys are fetched once for each isolate, and again when they change. */
export class AccessIdentity {
  readonly #settings: AccessSettings | null;
  readonly #clock: Clock;
  readonly #keys: JWTVerifyGetKey | null;

  constructor(settings: AccessSettings | null, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#keys = settings === null ? null : publishedKeys(settings);
  }

  /** The person's e-mail in lower case, or `service:` and a service token's name, of an assertion that is right. */
  async verify(assertion: string): Promise<Result<string, AccessFailure>> {
    if (this.#settings === null || this.#keys === null) return fail("wrong");
    const nowMs = this.#clock.nowMs();
    try {
      const { payload } = await jwtVerify<{ email?: unknown; common_name?: unknown }>(assertion, this.#keys, {
        algorithms: ["RS256"],
        issuer: this.#settings.issuer,
        audience: this.#settings.audience,
        currentDate: new Date(nowMs),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ["exp", "iat"],
      });
      if (payload.iat === undefined || payload.iat > nowMs / 1000 + CLOCK_TOLERANCE_SECONDS) return fail("wrong");
      if (isName(payload.email)) return ok(payload.email.toLowerCase());
      return isName(payload.common_name) ? ok(`${SERVICE}${payload.common_name}`) : fail("wrong");
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) return fail("wrong");
      logEvent("warn", { event: "access_keys_unavailable", reason: error.message });
      return fail("unavailable");
    }
  }
}

/**
 * Told apart here and nowhere else: what fails while keys are fetched is an outage, what fails after is the assertion's.
 * Of an error only its name is passed on, for its text can hold what a caller wrote into the assertion's header.
 */
function publishedKeys(settings: AccessSettings): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL("/cdn-cgi/access/certs", settings.issuer));
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      const name = error instanceof errors.JOSEError ? error.code : "ERR_FETCH";
      if (NO_SUCH_KEY.has(name)) throw error;
      throw new KeysUnavailable(name, { cause: error });
    }
  };
}

function isName(claim: unknown): claim is string {
  // It stands in the audit and on terminals.
  return typeof claim === "string" && /^[^\p{C}]{1,320}$/u.test(claim);
}
