import type { Context } from "hono";
import type { Services } from "../platform/services.ts";

/** What one request's log line says; handlers add to it. Ids, codes and durations only: nothing personal. */
type LogFields = {
  /** The caller's `traceparent`. */
  traceId?: string;
  parentId?: string;
  tenantId?: string;
  keyId?: string;
  mode?: string;
  outcome?: string;
  code?: string;
  /** What was wrong with which part, as `path:code`. */
  issues?: readonly string[];
  lookupId?: string;
  replayed?: boolean;
  /** Who the operator is, and what the call was about. */
  actor?: string;
  target?: Readonly<Record<string, unknown>>;
  /** A keyed reference to the address of a call that was refused. */
  address?: string;
  settings?: readonly string[];
  error?: string;
  hint?: string;
  durationsMs?: Record<string, number>;
  /** What went wrong with the call to Claro, and its status where it answered. */
  cause?: string;
  upstreamStatus?: number | null;
};

type Variables = {
  /** The tenant whose lists a call reads, where there is one: a cursor of another's is refused. */
  listOwner?: string;
  requestId: string;
  startedAtMs: number;
  services: Services;
  log: LogFields;
};

export type AppEnv = { Bindings: Env; Variables: Variables };
export type AppContext = Context<AppEnv>;

const REFERENCE_CHARACTERS = 16;

/** The caller's address as Cloudflare vouches for it. */
export function callerIp(context: AppContext): string | null {
  return context.req.header("cf-connecting-ip") ?? null;
}

export function setHeaders(context: AppContext, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) context.header(name, value);
}

/** Stands in the log for something personal: the same for the same text, and nobody can read it back. */
export async function loggedReference(context: AppContext, text: string): Promise<string> {
  return (await context.get("services").logHash.sign(text)).slice(0, REFERENCE_CHARACTERS);
}

/** Names the operator in the log line: an e-mail is in the audit only, the log has a reference that nobody reads back. */
export async function logActor(context: AppContext, actor: string): Promise<void> {
  context.get("log").actor = actor.includes("@") ? await loggedReference(context, actor) : actor;
}
