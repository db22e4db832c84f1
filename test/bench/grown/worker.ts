import { closeStatement } from "../../../src/gateway/close_statement.ts";
import { archiveStatements } from "../../../src/gateway/archive_statements.ts";
import { parsePeriod } from "../../../src/domain/period.ts";
import gateway, { AccessToken as Token, ClaroBreaker as Breaker } from "../../../src/main.ts";
import type { Remote } from "../../../src/platform/remote.ts";
import { servicesOf, type Services } from "../../../src/platform/services.ts";
import { setClock, withAlarms } from "./clock.ts";
import { countedEnv, takeCalls } from "./counted_env.ts";
import { setD1Down, takeRows, type LedgerRows, type TenantLedger } from "./ledger.ts";

/**
 * The gateway as it is deployed, with a clock that can be set, with what it reads, writes and calls counted, and with
 * calls under `/bench` that fill a ledger and do for one tenant what the cron does for all. Only the benchmark builds it.
 */
export { TenantLedger } from "./ledger.ts";

export class AccessToken extends Token {
  constructor(ctx: DurableObjectState, env: Env) {
    super(withAlarms(ctx), env);
  }
}

export class ClaroBreaker extends Breaker {
  constructor(ctx: DurableObjectState, env: Env) {
    super(withAlarms(ctx), env);
  }
}

/** What `/bench/counts` answers. */
export type Counts = { readonly calls: number; readonly rows: LedgerRows };

export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    // A lookup is timed, not counted: what counting adds to a month's work would be most of its time.
    if (url.pathname === "/v1/scores") return await gateway.fetch(request, env, context);
    if (!url.pathname.startsWith("/bench/")) return await gateway.fetch(request, countedEnv(env), context);
    const answer = await command(url.pathname.slice("/bench/".length), url.searchParams, env);
    return Response.json(answer ?? null);
  },
} satisfies ExportedHandler<Env>;

async function command(name: string, given: URLSearchParams, env: Env): Promise<unknown> {
  const tenantId = given.get("tenantId") ?? "";
  switch (name) {
    case "clock":
      return setClock(Number(given.get("atMs")));
    case "counts":
      return { calls: takeCalls(), rows: takeRows() } satisfies Counts;
    case "grow":
      return await ledgerOf(env, tenantId).grow(
        given.get("keyId") ?? "",
        Number(given.get("lookups")),
        Number(given.get("atOnce") ?? 500),
      );
    case "d1_down":
      return setD1Down(given.get("isDown") === "true");
    case "age":
      return await ledgerOf(env, tenantId).age(Number(given.get("waiting")));
    case "restart":
      return await ledgerOf(env, tenantId)
        .restart()
        .catch(() => undefined);
    case "rows_since_start":
      return await ledgerOf(env, tenantId).rowsSinceStart();
    case "flush":
      return await ledgerOf(env, tenantId).tidy();
    case "held":
      return await ledgerOf(env, tenantId).held();
    case "close":
      return await close(services(env), tenantId, given.get("period") ?? "");
    case "archive":
      return await archiveStatements(services(env));
    default:
      throw new Error(`there is no ${name}`);
  }
}

type GrownLedger = Remote<TenantLedger, "grow" | "held" | "tidy" | "age" | "restart" | "rowsSinceStart">;

function ledgerOf(env: Env, tenantId: string): GrownLedger {
  return env.TENANT_LEDGER.getByName(`${tenantId}:live`) as unknown as GrownLedger;
}

function services(env: Env): Services {
  const made = servicesOf(countedEnv(env));
  if (!made.ok) throw new Error(`misconfigured: ${made.failure.names.join(", ")}`);
  return made.value;
}

/** Closes a tenant's first month. */
async function close(services: Services, tenantId: string, text: string): Promise<unknown> {
  const tenant = await services.register.tenant(tenantId);
  const period = parsePeriod(text);
  const signingKey = services.settings.exportSigningKey;
  if (tenant === null || !period.ok || signingKey === null) throw new Error("nothing to close");
  return await closeStatement(services, {
    tenant,
    period: period.value,
    previous: null,
    signingKey,
    actor: "bench",
    begin: async () => () => undefined,
  });
}
