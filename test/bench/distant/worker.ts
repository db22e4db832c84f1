import gateway from "../../../src/main.ts";

/**
 * The gateway as it is deployed, with every object an ocean away: half of the distance on the way there, half on the way
 * back. Only the benchmark builds this entry.
 */
export * from "../../../src/main.ts";

const farEnvs = new WeakMap<Env, Env>();

export default {
  fetch(request, env, context) {
    return gateway.fetch(request, farAway(env), context);
  },
} satisfies ExportedHandler<Env>;

function farAway(env: Env): Env {
  let far = farEnvs.get(env);
  if (far === undefined) {
    const halfMs = Number((env as unknown as { DISTANCE_MS: string }).DISTANCE_MS) / 2;
    const { TENANT_LEDGER, ACCESS_TOKEN, CLARO_BREAKER } = env;
    const objects = { TENANT_LEDGER, ACCESS_TOKEN, CLARO_BREAKER };
    const moved = Object.entries(objects).map(([name, namespace]) => [
      name,
      farNamespace(namespace as unknown as Named, halfMs),
    ]);
    far = { ...env, ...(Object.fromEntries(moved) as typeof objects) };
    farEnvs.set(env, far);
  }
  return far;
}

type Method = (...values: unknown[]) => Promise<unknown>;
type Named = { getByName(name: string): Record<string, Method> };

function farNamespace(namespace: Named, halfMs: number): Named {
  return {
    getByName(name) {
      const stub = namespace.getByName(name);
      return new Proxy(stub, {
        get:
          (_, method) =>
          async (...values: unknown[]) => {
            await scheduler.wait(halfMs);
            const reply = await (stub[method as string] as Method)(...values);
            await scheduler.wait(halfMs);
            return reply;
          },
      });
    },
  };
}
