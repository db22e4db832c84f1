import { createMiddleware } from "hono/factory";
import { isSameSecret } from "../../platform/keyed_hash.ts";
import { bearer, challenge } from "../authenticate.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { problemResponse } from "../problem.ts";

/** Lets the operator in, by `Authorization: Bearer <ADMIN_TOKEN>`. */
export const authenticateOperator = createMiddleware<AppEnv>(async (context, next) => {
  const token = bearer(context.req.header("authorization"));
  const isOperator = token !== undefined && (await isSameSecret(token, context.var.services.settings.adminToken));
  if (!isOperator) {
    challenge(context, { code: "invalid_admin_credentials" });
    return problemResponse(context, { code: "invalid_admin_credentials" });
  }
  context.header("Cache-Control", "no-store");
  return await next();
});

/** Who the audit names. */
export function actorOf(_context: AppContext): string {
  return "admin-token";
}
