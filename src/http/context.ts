import type { Context } from "hono";
import type { Services } from "../platform/services.ts";

/** What one request's log line says; handlers add to it. Ids, codes and durations only: nothing personal. */
export type LogFields = {
  tenantId?: string;
  keyId?: string;
  mode?: string;
  outcome?: string;
  code?: string;
  lookupId?: string;
  replayed?: boolean;
  settings?: readonly string[];
  error?: string;
  durationsMs?: Record<string, number>;
};

export type Variables = {
  requestId: string;
  startedAtMs: number;
  services: Services;
  /** Who the operator is, where one has been let in. */
  actor: string;
  log: LogFields;
};

export type AppEnv = { Bindings: Env; Variables: Variables };
export type AppContext = Context<AppEnv>;

/** The caller's address as Cloudflare vouches for it. */
export function callerIp(context: AppContext): string | null {
  return context.req.header("cf-connecting-ip") ?? null;
}

export function setHeaders(context: AppContext, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) context.header(name, value);
}
