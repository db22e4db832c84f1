import type { Health } from "./read_health.ts";

/** What of the gateway's health somebody should look at, by name. What tenants do unusually is in `domain/alarms.ts`. */
export type HealthAlarm = {
  readonly code:
    | "breaker_not_asked"
    | "breaker_open"
    | "tenant_breakers_open"
    | "token_not_asked"
    | "token_failing"
    | "ledgers_behind"
    | "database_not_asked"
    | "archive_not_asked"
    | "database_nearly_full"
    | "months_stuck"
    | "claro_differs"
    | "register_lifted"
    | "stray_calls";
  /** How many of what the name says. */
  readonly count: number;
};

/** What of the gateway's health is not well, the worst first. */
export function alarmsOf(health: Health): HealthAlarm[] {
  const { breaker, token, database, months, reconciliations, lifted, strayCalls, ledgersBehind } = health;
  const alarms: (readonly [HealthAlarm["code"], number])[] = [
    ["breaker_open", breaker !== null && breaker.state !== "closed" ? 1 : 0],
    ["breaker_not_asked", breaker === null ? 1 : 0],
    ["token_failing", token?.failures ?? 0],
    ["token_not_asked", token === null ? 1 : 0],
    ["database_not_asked", database === null ? 1 : 0],
    ["archive_not_asked", health.isArchiveThere ? 0 : 1],
    ["database_nearly_full", database?.state === "nearly_full" ? 1 : 0],
    ["ledgers_behind", ledgersBehind],
    ["months_stuck", months?.stuck ?? 0],
    ["claro_differs", (reconciliations?.months.length ?? 0) + (reconciliations?.lostAtEdges ?? 0)],
    ["stray_calls", strayCalls ?? 0],
    ["tenant_breakers_open", breaker?.openTenants ?? 0],
    ["register_lifted", lifted?.length ?? 0],
  ];
  return alarms.filter(([, count]) => count > 0).map(([code, count]) => ({ code, count }));
}
