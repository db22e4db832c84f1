import type { AppContext } from "./context.ts";

/** `GET /healthz`: the Worker runs and its settings are right. */
export function getHealth(context: AppContext): Response {
  return context.json({ status: "ok" }, 200, { "cache-control": "no-store" });
}
