import type { Operation } from "./counts.ts";
import { count, noteD1, step } from "./tally.ts";

/** The Worker's bindings, with the same methods, each of them counted. */
export function countedEnv(env: Env): Env {
  return {
    ...env,
    TENANT_LEDGER: countedNamespace(env.TENANT_LEDGER, "ledgerRequests"),
    ACCESS_TOKEN: countedNamespace(env.ACCESS_TOKEN, "sharedRequests"),
    CLARO_BREAKER: countedNamespace(env.CLARO_BREAKER, "sharedRequests"),
    KEYS: countedMethods(env.KEYS, {
      get: "kvReads",
      getWithMetadata: "kvReads",
      put: "kvWrites",
      delete: "kvWrites",
      list: "kvWrites",
    }),
    DB: countedD1(env.DB),
    STATEMENTS: countedR2(env.STATEMENTS),
  };
}

type Method = (...values: unknown[]) => Promise<unknown>;

/** Every call of a stub's method is a session of its own, and billed as a request. */
function countedNamespace<Namespace>(namespace: Namespace, operation: Operation): Namespace {
  const { getByName } = namespace as { getByName: (name: string) => Record<string, Method> };
  const counted = {
    getByName: (name: string) => {
      const stub = getByName.call(namespace, name);
      return new Proxy(stub, {
        get:
          (_, method) =>
          async (...values: unknown[]) => {
            count(operation);
            return await step(() => (stub[method as string] as Method)(...values));
          },
      });
    },
  };
  return counted as Namespace;
}

function countedMethods<Binding extends object>(
  binding: Binding,
  operations: Readonly<Partial<Record<keyof Binding & string, Operation>>>,
): Binding {
  const methods = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...values: unknown[]) => {
      count(operation as Operation);
      return await step(() => (binding as Record<string, Method>)[name]!(...values));
    },
  ]);
  return Object.fromEntries(methods) as Binding;
}

function countedD1(db: D1Database): D1Database {
  const statements = new WeakMap<object, D1PreparedStatement>();
  const all = async <Row>(statement: D1PreparedStatement) => {
    const result = await step(() => statement.all<Row>());
    noteD1(result.meta);
    return result;
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const counted = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      run: () => all(statement),
      all: () => all(statement),
      first: async () => (await all(statement)).results[0] ?? null,
    };
    statements.set(counted, statement);
    return counted as unknown as D1PreparedStatement;
  };
  const counted = {
    prepare: (sql: string) => wrap(db.prepare(sql)),
    batch: async (list: D1PreparedStatement[]) => {
      const results = await step(() => db.batch(list.map((statement) => statements.get(statement) ?? statement)));
      for (const { meta } of results) noteD1(meta);
      return results;
    },
  };
  return counted as unknown as D1Database;
}

/** Deleting is free. */
function countedR2(bucket: R2Bucket): R2Bucket {
  const counted = {
    ...countedMethods(bucket, {
      get: "r2ClassB",
      head: "r2ClassB",
      list: "r2ClassA",
      createMultipartUpload: "r2ClassA",
    }),
    put: async (key: string, value: Uint8Array, options: R2PutOptions) => {
      count("r2ClassA");
      count("r2Bytes", value.byteLength);
      return await step(() => bucket.put(key, value, options));
    },
    delete: (keys: string | string[]) => step(() => bucket.delete(keys)),
  };
  return counted as unknown as R2Bucket;
}
