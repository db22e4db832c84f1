import type { Failure } from "../domain/failure.ts";
import { claroErrorResponse } from "./claro_error.ts";
import type { AppContext } from "./context.ts";
import { problemResponse } from "./problem.ts";

const CLAROS_PATHS = new Set(["/oauth2/v1/token", "/customers/v1/scores"]);

/** A failure that no route's own handler tells, in the shape that callers of the path understand. */
export function failureResponse(context: AppContext, failure: Failure): Response {
  return CLAROS_PATHS.has(context.req.path) ? claroErrorResponse(context, failure) : problemResponse(context, failure);
}
