import { z } from "zod";
import type { AppContext } from "./context.ts";
import { HEADERS } from "./openapi_parts.ts";
import type { Operation } from "./operation.ts";

const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });

export const healthOperation: Operation = {
  id: "checkHealth",
  tag: "Gateway",
  summary: "Whether the gateway runs",
  access: "anyone",
  answers: { 200: { description: "It runs, and its settings are right.", content: health } },
  headers: HEADERS.cacheControl,
};

/** `GET /healthz`: the Worker runs and its settings are right. */
export function getHealth(context: AppContext): Response {
  return context.json({ status: "ok" } satisfies z.infer<typeof health>, 200, { "cache-control": "no-store" });
}
