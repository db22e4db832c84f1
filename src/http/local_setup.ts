import { isLoopback } from "../domain/local_host.ts";
import { servicesOf } from "../platform/services.ts";
import type { AppContext } from "./context.ts";

/** What to do about it, on the terminal; every answer says the same. */
export const RUN_NPM_START = "run `npm start` once";

const complete = new WeakSet<Env>();

/**
 * True where somebody serves the gateway with a bare `wrangler dev` and what `npm start` makes is not there. A deployed
 * gateway, whose host is no local one, is not asked, and one of `npm start` has been looked after.
 */
export async function lacksSetup(context: AppContext): Promise<boolean> {
  const env: Env & { readonly LOCAL?: string } = context.env;
  if (env.LOCAL === "true" || complete.has(env) || !isLoopback(new URL(context.req.url).hostname)) return false;
  if (!servicesOf(env).ok || !(await hasSchema(env.DB))) return true;
  complete.add(env);
  return false;
}

async function hasSchema(db: D1Database): Promise<boolean> {
  return (await db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tenants'").first()) !== null;
}
