import { env } from "cloudflare:workers";

/** A crash at the `at`-th write to D1 or R2, counted from 1: that one is lost or its answer is, and nothing runs after it. */
export type Cut = { readonly at: number; readonly isWritten: boolean };

const R2_WRITES = new Set(["put", "delete", "createMultipartUpload"]);

/** The Worker's bindings as a run sees them that dies in the middle. `writes` says how many writes it got to. */
export function cutEnv(cut: Cut): { env: Env; writes: () => number } {
  let writes = 0;
  async function write<Value>(work: () => Promise<Value>): Promise<Value> {
    writes += 1;
    if (writes > cut.at || (writes === cut.at && !cut.isWritten)) throw new Error("the invocation has died");
    const value = await work();
    if (writes === cut.at) throw new Error("the invocation has died");
    return value;
  }
  const bucket = new Proxy(env.STATEMENTS, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const call = (...given: unknown[]): unknown => value.apply(target, given);
      return R2_WRITES.has(String(name)) ? (...given: unknown[]) => write(async () => await call(...given)) : call;
    },
  });
  const db = new Proxy(env.DB, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const call = (...given: unknown[]): unknown => value.apply(target, given);
      if (name === "batch") return (...given: unknown[]) => write(async () => await call(...given));
      return call;
    },
  });
  return { env: { ...env, STATEMENTS: bucket, DB: db }, writes: () => writes };
}
