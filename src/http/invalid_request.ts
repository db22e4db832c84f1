import type { Failure } from "../domain/failure.ts";
import type { Issue, IssueCode } from "../domain/issue.ts";
import { fail, type Result } from "../domain/result.ts";

/** A failure of one part of a request: where and what, never what stood there. */
export function invalidRequest(path: string, code: IssueCode, params?: Issue["params"]): Result<never, Failure> {
  return fail({ code: "invalid_request", issues: [{ path, code, ...(params === undefined ? {} : { params }) }] });
}
