import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { ADMIN_TOKEN } from "./gateway.ts";

/** The Worker's bindings and settings with some replaced: broken, slow, counting, or others. */
export type Disturbance = Readonly<Record<string, unknown>>;

/** A gateway of its own on the same storage, with some bindings replaced. */
export function disturbedGateway(disturbance: Disturbance): {
  readonly env: Env;
  readonly call: (path: string, init?: RequestInit) => Promise<Response>;
  readonly admin: (path: string, options?: { method?: string; body?: unknown }) => Promise<Response>;
} {
  const replaced = { ...env, ...disturbance } as Env;
  const call = async (path: string, init?: RequestInit): Promise<Response> => {
    const context = createExecutionContext();
    const response = await app.fetch(new Request(`https://gateway.test${path}`, init), replaced, context);
    await waitOnExecutionContext(context);
    return response;
  };
  return {
    env: replaced,
    call,
    admin: async (path, { method, body } = {}) =>
      await call(`/admin/v1${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** Ledgers that cannot be reached. */
export const UNREACHABLE_LEDGERS = {
  getByName() {
    throw new Error("the object cannot be reached");
  },
};
