import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cpfCheckDigits } from "../../../src/domain/cpf.ts";
import { periodOf, previousPeriod, saoPauloDate, type Period } from "../../../src/domain/period.ts";
import { DEMO_PARTNERS } from "../../../src/ctl/local/demo_traffic.ts";
import { ADMIN_TOKEN, type PagesGateway } from "./gateway.ts";
import { pathsOf, type World } from "./furnish.ts";

type Event = {
  readonly id: string;
  readonly outcome: string;
  readonly occurredAt: string;
  readonly transactionId: string | null;
};

const CTL = fileURLToPath(new URL("../../../src/ctl/ctl.ts", import.meta.url).href);
const DAY_MS = 86_400_000;
/** Pictures are of yesterday's afternoon, whenever they are taken: of a day with lookups in it. */
const SHOWN_AT = "17:20:00";
const until = `${saoPauloDate(Date.now() - DAY_MS)}T${SHOWN_AT}-03:00`;

/** What moves a gateway's clock to where the demo ends. */
export const DEMO_CLOCK = { CLOCK_OFFSET_MS: String(Date.parse(until) - Date.now()) };
/** Lines that Claro's report lacks, so that a comparison has something to show. */
const LINES_LOST = 3;

/** The world of `npm run ctl -- demo fill`, with what only people bring: operators, a report of Claro's, a suspended partner. */
export async function furnishDemo(gateway: PagesGateway): Promise<World> {
  const { admin, url } = gateway;
  await promisify(execFile)(process.execPath, [CTL, "demo", "fill", "--url", url, "--until", until], {
    env: { ...process.env, CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN },
  });
  const { data } = await admin<{ data: { id: string; customerId: string }[] }>("/tenants?limit=200");
  const idOf = (customerId: string | undefined) => data.find((tenant) => tenant.customerId === customerId)?.id ?? "";
  const tenantId = idOf(DEMO_PARTNERS[0]?.customerId);
  await admin(`/tenants/${idOf("horizonte")}`, { status: "suspended" }, "PATCH");
  await admin("/operators", { name: "Ana Souza", email: "ana@example.com", roles: ["operate", "finance"] });
  await admin("/operators", { name: "Bruno Lima", email: "bruno@example.com", roles: ["read"] });
  const scopes = ["scores:read", "usage:read", "statements:read", "keys:manage"];
  const { key } = await admin<{ key: string }>(`/tenants/${tenantId}/keys`, { mode: "live", label: "painel", scopes });
  const lastMonth = previousPeriod(periodOf(Date.parse(until)));
  const events = await eventsOf(gateway, tenantId, lastMonth);
  const reports = await Promise.all(
    data.map(async ({ id, customerId }) => reportOf(await eventsOf(gateway, id, lastMonth), customerId)),
  );
  const reconciliationId = await reconcile(gateway, lastMonth, reports.flat());
  const lookupId = await lookUp(url, key);
  const failed = events.find(({ outcome }) => outcome === "failed");
  const { data: keys } = await admin<{ data: { id: string }[] }>(`/tenants/${tenantId}/keys`);
  const paths = pathsOf({ tenantId, keyId: keys[0]?.id ?? "", lookupId, period: lastMonth });
  return {
    tenantId,
    key,
    lookupId,
    consolePaths: {
      ...paths.consolePaths,
      "tenant-suspended": `/console/tenants/${idOf("horizonte")}`,
      "statement-closed": `/console/tenants/${tenantId}/statements/${lastMonth}`,
      "lookup-failed": `/console/lookups/${failed?.id ?? ""}`,
      reconciliation: `/console/reconciliations/${reconciliationId}`,
    },
    portalPaths: { ...paths.portalPaths, statement: `/portal/statements/${lastMonth}` },
  };
}

async function eventsOf({ url }: PagesGateway, tenantId: string, period: Period): Promise<Event[]> {
  const response = await fetch(`${url}/admin/v1/tenants/${tenantId}/statements/${period}/events.jsonl`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  if (!response.ok) throw new Error(`the events of ${period} answered ${response.status}`);
  const lines = (await response.text()).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Event);
}

/** What Claro's report says of a partner's month: as its events have it. */
function reportOf(events: readonly Event[], customerId: string): string[] {
  return events
    .filter(({ outcome }) => outcome === "delivered")
    .map(({ transactionId, occurredAt }) => `${transactionId ?? ""},${occurredAt},${customerId},200`);
}

/** Compares a month with a report that lacks a few lines, and has one too many. */
async function reconcile({ url }: PagesGateway, period: Period, report: readonly string[]): Promise<string> {
  const [, occurredAt = "", customerId = ""] = report[0]?.split(",") ?? [];
  const extra = `nobody-knows-this-one,${occurredAt},${customerId},200`;
  const response = await fetch(`${url}/admin/v1/reconciliations?period=${period}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "text/csv" },
    body: ["transactionId,occurredAt,customerId,status", ...report.slice(LINES_LOST), extra].join("\n"),
  });
  if (!response.ok) throw new Error(`the comparison answered ${response.status}: ${await response.text()}`);
  const { id } = await response.json<{ id: string }>();
  return id;
}

async function lookUp(url: string, key: string): Promise<string> {
  const nine = "710000000";
  const response = await fetch(`${url}/v1/scores`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ cpf: `${nine}${cpfCheckDigits(nine)}`, reference: "pedido-2026-4711" }),
  });
  if (!response.ok) throw new Error(`a lookup answered ${response.status}`);
  const { id } = await response.json<{ id: string }>();
  return id;
}
