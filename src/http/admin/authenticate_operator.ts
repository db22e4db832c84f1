import type { Failure } from "../../domain/failure.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Actor } from "../../gateway/tenants.ts";
import { isOneOf } from "../../platform/keyed_hash.ts";
import { SHIELD_SECONDS } from "../../platform/shield.ts";
import { bearer } from "../authenticate.ts";
import { callerIp, type AppContext } from "../context.ts";
import type { Role } from "../endpoint.ts";

/** What a wrong credential waits for its answer, however many came before it. The right one never waits. */
const WRONG_CREDENTIAL_MS = 500;
const TOKEN_ACTOR = "admin-token";

/** Who an operator is, for the audit, and what they may do. */
export type Operator = { readonly actor: Actor; readonly roles: readonly Role[] };

/**
 * The operator: by what Cloudflare Access vouches for, where that is configured, or by `Authorization: Bearer
 * <ADMIN_TOKEN>`. Who has neither waits, and after too many tries from one address waits to be turned away unheard.
 */
export async function authenticateOperator(context: AppContext): Promise<Result<Operator, Failure>> {
  const actor = await identifyOperator(context);
  return actor === null ? fail(await refuseOperator(context)) : ok({ actor, roles: ["admin"] });
}

async function identifyOperator(context: AppContext): Promise<Actor | null> {
  const { access, settings } = context.get("services");
  const assertion = context.req.header("cf-access-jwt-assertion");
  // Behind Access the token comes with an assertion: a person's name says more in the audit.
  const person = assertion === undefined ? null : await access.verify(assertion);
  if (person !== null) return person;
  const token = bearer(context.req.header("authorization"));
  return token !== undefined && (await isOneOf(settings.adminTokens, token)) ? TOKEN_ACTOR : null;
}

async function refuseOperator(context: AppContext): Promise<Failure> {
  const ip = callerIp(context);
  const isFlood = await context.get("services").shield.isFlood("operator", ip);
  // A guess that is turned away unheard must not be cheaper than one that is heard.
  if (ip !== null) await scheduler.wait(WRONG_CREDENTIAL_MS);
  return isFlood ? { code: "rate_limited", retryAfterSeconds: SHIELD_SECONDS } : { code: "invalid_admin_credentials" };
}
