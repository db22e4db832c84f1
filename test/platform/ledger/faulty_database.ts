import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";

/** How D1 behaves: as it should, not reached, or done and the connection lost before it said so. */
export type D1Mood = "well" | "down" | "ambiguous";

/** From now on a ledger's D1 is another one, also for the alarms that it sets itself; until it is evicted. */
export async function setD1(stub: DurableObjectStub<TenantLedger>, DB: D1Database): Promise<void> {
  await runInDurableObject(stub, (ledger) => {
    const own = ledger as unknown as { env: Env };
    own.env = { ...own.env, DB };
  });
}

/** `env.DB` in a mood. */
export function databaseIn(mood: D1Mood): D1Database {
  if (mood === "well") return env.DB;
  return {
    prepare: (sql: string) => env.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      if (mood === "ambiguous") await env.DB.batch(statements);
      throw new Error("D1_ERROR: Network connection lost.");
    },
  } as unknown as D1Database;
}
