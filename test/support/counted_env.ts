import { env } from "cloudflare:workers";

const R2_CALLS = new Set(["put", "get", "head", "list", "delete", "createMultipartUpload"]);

/**
 * The Worker's bindings, counting what the platform counts of an invocation: calls to D1 (a batch is one), R2 and objects, and
 * the rows that D1 says it has read (all but those of `first`, which does not say). The R2 and D1 behind it are the real ones.
 */
export function countedEnv(): { env: Env; calls: () => number; rowsRead: () => number } {
  let calls = 0;
  let rowsRead = 0;
  const read = (result: unknown) => {
    rowsRead += (result as D1Result).meta.rows_read;
    return result;
  };
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
    const noted = (pending: object) => (pending as Promise<unknown>).then(read);
    const proxy = methods(made, (name) => ["all", "run", "first", "raw"].includes(name), {
      bind: statement,
      all: noted,
      run: noted,
    });
    originals.set(proxy, made);
    return proxy;
  };
  const db = new Proxy(env.DB, {
    get(target, name) {
      if (name === "prepare") return (sql: string) => statement(target.prepare(sql));
      if (name === "batch") {
        return async (statements: object[]) => {
          calls += 1;
          const plain = statements.map((made) => (originals.get(made) ?? made) as D1PreparedStatement);
          const results = await target.batch(plain);
          results.forEach(read);
          return results;
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
  return {
    env: { ...env, DB: db, STATEMENTS: bucket, TENANT_LEDGER: ledgers } as unknown as Env,
    calls: () => calls,
    rowsRead: () => rowsRead,
  };
}
