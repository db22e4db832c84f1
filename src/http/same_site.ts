import type { Failure } from "../domain/failure.ts";

/**
 * Refuses a change that a browser marks as coming from elsewhere: with Cloudflare Access in front, a page of another
 * origin could otherwise send it with the operator's cookie. What is no browser sends neither header.
 * A page's form comes from a browser, which always names its origin: there `mustBeNamed`.
 */
export function refuseForeignOrigin(
  request: Request,
  { mustBeNamed = false }: { mustBeNamed?: boolean } = {},
): Failure | null {
  const site = request.headers.get("sec-fetch-site")?.trim().toLowerCase();
  if (site !== undefined && site !== "same-origin" && site !== "none") return foreign("Sec-Fetch-Site");
  const origin = request.headers.get("origin");
  if (origin === null) return mustBeNamed ? foreign("Origin") : null;
  return origin.trim().toLowerCase() !== new URL(request.url).origin ? foreign("Origin") : null;
}

function foreign(path: string): Failure {
  return { code: "cross_site_request", issues: [{ path, code: "foreign_origin" }] };
}
