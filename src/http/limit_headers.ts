import type { LimitNotice, LimitNotices } from "../domain/ledger/limits.ts";

/**
 * `RateLimit-Policy` and `RateLimit` of the IETF draft (httpapi-ratelimit-headers): what is granted, what is left, and
 * in how many seconds there is more.
 */
export function limitHeaders(notices: LimitNotices | null): Record<string, string> {
  if (notices === null) return {};
  const limits: [string, LimitNotice][] = [["rate", notices.rate]];
  if (notices.allowance !== null) limits.push(["allowance", notices.allowance]);
  return {
    "RateLimit-Policy": limits.map(([name, limit]) => policy(name, limit)).join(", "),
    RateLimit: limits.map(([name, limit]) => state(name, limit)).join(", "),
  };
}

function policy(name: string, { quota, windowSeconds }: LimitNotice): string {
  return windowSeconds === null ? `"${name}";q=${quota}` : `"${name}";q=${quota};w=${windowSeconds}`;
}

function state(name: string, { remaining, resetSeconds }: LimitNotice): string {
  return resetSeconds === null ? `"${name}";r=${remaining}` : `"${name}";r=${remaining};t=${resetSeconds}`;
}
