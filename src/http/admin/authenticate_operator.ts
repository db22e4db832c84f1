import { createMiddleware } from "hono/factory";
import { isSameSecret } from "../../platform/keyed_hash.ts";
import type { Services } from "../../platform/services.ts";
import { SHIELD_SECONDS } from "../../platform/shield.ts";
import { bearer, challenge } from "../authenticate.ts";
import { callerIp, type AppContext, type AppEnv } from "../context.ts";
import { problemResponse } from "../problem.ts";

/** What a wrong credential waits for its answer. The right one never waits. */
const WRONG_CREDENTIAL_MS = 500;
const TOKEN_ACTOR = "admin-token";

/**
 * Lets the operator in: by what Cloudflare Access vouches for, where that is configured, or by `Authorization: Bearer
 * <ADMIN_TOKEN>`. Who has neither waits, and is turned away unheard after too many tries from one address.
 */
export const authenticateOperator = createMiddleware<AppEnv>(async (context, next) => {
  const actor = await identifyOperator(context);
  if (actor === null) return await refuseOperator(context);
  context.set("actor", actor);
  context.header("Cache-Control", "no-store");
  return await next();
});

/** Who the audit names. */
export function actorOf(context: AppContext): string {
  return context.get("actor");
}

async function identifyOperator(context: AppContext): Promise<string | null> {
  const { access, settings }: Services = context.get("services");
  const assertion = context.req.header("cf-access-jwt-assertion");
  // Behind Access the token comes with an assertion: a person's name says more in the audit.
  const person = assertion === undefined ? null : await access.verify(assertion);
  if (person !== null) return person;
  const token = bearer(context.req.header("authorization"));
  return token !== undefined && (await isSameSecret(token, settings.adminToken)) ? TOKEN_ACTOR : null;
}

async function refuseOperator(context: AppContext): Promise<Response> {
  const ip = callerIp(context);
  if (await context.get("services").shield.isFlood("operator", ip)) {
    return problemResponse(context, { code: "rate_limited", retryAfterSeconds: SHIELD_SECONDS });
  }
  if (ip !== null) await scheduler.wait(WRONG_CREDENTIAL_MS);
  challenge(context, { code: "invalid_admin_credentials" });
  return problemResponse(context, { code: "invalid_admin_credentials" });
}
