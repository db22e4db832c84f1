import type { AppContext } from "../context.ts";
import { STYLE } from "./style.ts";
import { VERIFIER } from "./verifier_text.ts";

/** The gateway's mark, as every page shows it. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0f766e"/><path d="M6 21a10 10 0 0 1 20 0" fill="none" stroke="#99f6e4" stroke-width="3" stroke-linecap="round"/><path d="M16 21l5-6" stroke="#fff" stroke-width="3" stroke-linecap="round"/><circle cx="16" cy="21" r="2.6" fill="#fff"/></svg>`;

/** `GET /docs/style.css`. */
export function getStyle(context: AppContext): Response {
  return context.body(STYLE, 200, { "content-type": "text/css; charset=utf-8", "cache-control": "no-cache" });
}

/** `GET /docs/icon.svg`. */
export function getIcon(context: AppContext): Response {
  return context.body(ICON, 200, { "content-type": "image/svg+xml", "cache-control": "no-cache" });
}

/**
 * `GET /.well-known/claro-score-gateway/verify_statement.mjs`: checks downloaded months on any Node, without the project.
 * The address is stable: documents that were printed and signed name it.
 */
export function getVerifier(context: AppContext): Response {
  const headers = {
    "content-type": "text/javascript; charset=utf-8",
    "content-disposition": 'attachment; filename="verify_statement.mjs"',
    "cache-control": "no-cache",
  };
  return context.body(VERIFIER, 200, headers);
}
