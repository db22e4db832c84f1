import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { isOneOf } from "../platform/keyed_hash.ts";
import type { Services } from "../platform/services.ts";
import { SHIELD_SECONDS } from "../platform/shield.ts";
import type { Actor } from "./tenants.ts";

/** What a wrong credential waits for its answer, however many came before it. The right one never waits. */
const WRONG_CREDENTIAL_MS = 500;
const RETRY_SECONDS = 5;
const TOKEN_ACTOR = "admin-token";

/** What an operator's call brings along. */
export type OperatorCredential = {
  readonly assertion: string | undefined;
  readonly token: string | undefined;
  /** The caller's address as the platform vouches for it. */
  readonly ip: string | null;
};

/**
 * Who an operator is: by what Cloudflare Access vouches for, where that is configured, or by a token. Who has neither
 * waits, and after too many tries from one address is turned away, which takes as long.
 */
export async function authenticateOperator(
  services: Services,
  credential: OperatorCredential,
): Promise<Result<Actor, Failure>> {
  const { assertion, token } = credential;
  // Behind Access the token comes with an assertion: a person's name says more in the audit.
  const person = assertion === undefined ? null : await services.access.verify(assertion);
  if (person?.ok === true) return person;
  if (token !== undefined && (await isOneOf(services.settings.adminTokens, token))) return ok(TOKEN_ACTOR);
  return fail(await refuse(services, credential, person?.failure === "unavailable"));
}

async function refuse(services: Services, { ip }: OperatorCredential, isAccessAway: boolean): Promise<Failure> {
  const [isFlood] = await Promise.all([services.shield.isFlood("operator", ip), scheduler.wait(WRONG_CREDENTIAL_MS)]);
  if (isFlood) return { code: "rate_limited", retryAfterSeconds: SHIELD_SECONDS };
  if (isAccessAway) return { code: "access_unavailable", retryAfterSeconds: RETRY_SECONDS };
  return { code: "invalid_admin_credentials" };
}
