import type { Failure } from "../../domain/failure.ts";
import type { Result } from "../../domain/result.ts";
import { authenticateOperator as authenticate, type Operator } from "../../gateway/authenticate_operator.ts";
import { bearer } from "../authenticate.ts";
import { callerIp, type AppContext } from "../context.ts";

/** The operator of a call, by the headers that it brings. */
export async function authenticateOperator(context: AppContext): Promise<Result<Operator, Failure>> {
  return await authenticate(context.get("services"), {
    assertion: context.req.header("cf-access-jwt-assertion"),
    token: bearer(context.req.header("authorization")),
    ip: callerIp(context),
    waitUntil: (work) => context.executionCtx.waitUntil(work),
  });
}
