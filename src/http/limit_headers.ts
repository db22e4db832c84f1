import type { LimitNotice, LimitNotices } from "../domain/admission.ts";
import type { AppContext } from "./context.ts";

/**
 * `RateLimit-Policy` and `RateLimit` of the IETF draft (httpapi-ratelimit-headers): what is granted, what is left, and
 * in how many seconds there is more.
 */
export function setLimitHeaders(context: AppContext, notices: LimitNotices | null): void {
  if (notices === null) return;
  const limits: [string, LimitNotice][] = [["rate", notices.rate]];
  if (notices.allowance !== null) limits.push(["allowance", notices.allowance]);
  context.header("RateLimit-Policy", limits.map(([name, limit]) => policy(name, limit)).join(", "));
  context.header("RateLimit", limits.map(([name, limit]) => state(name, limit)).join(", "));
}

function policy(name: string, { quota, windowSeconds }: LimitNotice): string {
  return windowSeconds === null ? `"${name}";q=${quota}` : `"${name}";q=${quota};w=${windowSeconds}`;
}

function state(name: string, { remaining, resetSeconds }: LimitNotice): string {
  return resetSeconds === null ? `"${name}";r=${remaining}` : `"${name}";r=${remaining};t=${resetSeconds}`;
}
