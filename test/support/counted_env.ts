import { env } from "cloudflare:workers";

const R2_CALLS = new Set(["put", "get", "head", "list", "delete", "createMultipartUpload"]);

/**
 * The Worker's bindings, counting what the platform counts of an invocation: calls to D1 (a batch is one), R2 and objects.
 * The R2 and D1 behind it are the real ones.
 */
export function countedEnv(): { env: Env; calls: () => number } {
  let calls = 0;
  const counted =
    (work: (...given: unknown[]) => unknown) =>
    (...given: unknown[]) => {
      calls += 1;
      return work(...given);
    };
  function methods(
    target: object,
    isCounted: (name: string) => boolean,
    wrap: Record<string, (made: object) => object> = {},
  ) {
    return new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const call = (...given: unknown[]): unknown => {
          const made: unknown = value.apply(target, given);
          const wrapped = wrap[String(name)];
          return wrapped === undefined ? made : wrapped(made as object);
        };
        return isCounted(String(name)) ? counted(call) : call;
      },
    });
  }
  const originals = new WeakMap<object, object>();
  const statement = (made: object): object => {
    const proxy = methods(made, (name) => ["all", "run", "first", "raw"].includes(name), { bind: statement });
    originals.set(proxy, made);
    return proxy;
  };
  const db = new Proxy(env.DB, {
    get(target, name) {
      if (name === "prepare") return (sql: string) => statement(target.prepare(sql));
      if (name === "batch") {
        return async (statements: object[]) => {
          calls += 1;
          return await target.batch(statements.map((made) => (originals.get(made) ?? made) as D1PreparedStatement));
        };
      }
      return Reflect.get(target, name, target) as unknown;
    },
  });
  const bucket = methods(env.STATEMENTS, (name) => R2_CALLS.has(name), {
    createMultipartUpload: (made) => made,
  });
  const ledgers = {
    getByName: (name: string) => {
      const stub = env.TENANT_LEDGER.getByName(name) as unknown as Record<string, (...given: unknown[]) => unknown>;
      // A stub's methods are proxies of their own and cannot be taken from it.
      return new Proxy({}, { get: (_, method) => counted((...given) => stub[String(method)]?.(...given)) });
    },
  };
  return { env: { ...env, DB: db, STATEMENTS: bucket, TENANT_LEDGER: ledgers } as unknown as Env, calls: () => calls };
}
