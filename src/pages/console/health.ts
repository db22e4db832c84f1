import { html } from "hono/html";
import { DAY_MS } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import { alarmsOf } from "../../gateway/alarms.ts";
import { readHealth, type Health } from "../../gateway/read_health.ts";
import { latestFailures } from "../../platform/event_search.ts";
import { unlessDown } from "../../platform/outage.ts";
import { readRelease } from "../../platform/release.ts";
import { COMMON } from "../common_texts.ts";
import { badge, card, facts, heading, meter, notice, table, type Content, type Html } from "../html.ts";
import { consolePage, type PageTools } from "../page.ts";
import { claroNow, tenantsOf } from "./claro_now.ts";
import { NAV_TEXTS, PART_TEXTS } from "./console_texts.ts";
import { HEALTH } from "./operate_texts.ts";
import { ALARM_TEXTS, OVERVIEW } from "./overview_texts.ts";
import { tenantLink } from "./parts.ts";

/** `GET /console/health`. */
export const showHealth = consolePage({
  method: "GET",
  path: "/console/health",
  role: "read",
  handle: async (call) => {
    const { services, say, nowMs, context, format } = call;
    const [health, rewritten, failures] = await Promise.all([
      readHealth(services),
      services.auditChain.findRewritten(nowMs),
      unlessDown(() => latestFailures(services.db, { sinceMs: nowMs - DAY_MS })),
    ]);
    const names = (await unlessDown(() => services.register.namesOf(tenantsOf(health)))) ?? new Map<string, string>();
    const title = say(NAV_TEXTS.health);
    const alarms = alarmsOf(health);
    const top =
      alarms.length === 0
        ? notice(say(HEALTH.allWell), "good")
        : notice(
            html`<ul>
              ${alarms.map(({ code, count }) => html`<li>${say(ALARM_TEXTS[code])} (${format.count(count)})</li>`)}
            </ul>`,
            "bad",
          );
    const chain = rewritten === null ? badge(say(HEALTH.chainWhole), "good") : badge(say(HEALTH.chainBroken), "bad");
    const body = html`<div
      id="live"
      hx-get="/console/health"
      hx-trigger="every 30s"
      hx-select="#live"
      hx-swap="outerMorph"
    >
      ${heading(title)} ${top}
      <div class="grid">
        ${card(say(HEALTH.claro), claroNow({ health, failures: failures ?? [], names }, call))}
        ${card(say(HEALTH.stores), stores(health, call))} ${card(say(HEALTH.gateway), gatewayFacts(context.env, call))}
        ${card(say(HEALTH.people), people(health, chain, call))}
      </div>
      ${openBreakers(health, names, call)} ${stuckMonths(health, call)}
    </div>`;
    return ok({ title, body });
  },
});

function stores(
  { database, databaseSchema, isArchiveThere, strayCalls, months, reconciliations, lifted }: Health,
  { say, format }: PageTools,
): Html {
  const missing = badge(say(PART_TEXTS.notAsked), "bad");
  const counted = (count: number | undefined): Content =>
    count === undefined ? missing : badge(format.count(count), count === 0 ? "good" : "warn");
  const size =
    database === null
      ? missing
      : html`${format.bytes(database.bytes)} ${say(HEALTH.of)} ${format.bytes(database.limitBytes)}
        ${meter(database.bytes / database.limitBytes, format.share(database.bytes / database.limitBytes))}`;
  return facts([
    [say(HEALTH.size), size],
    [say(HEALTH.databaseSchema), databaseSchema === null ? missing : html`<code>${databaseSchema}</code>`],
    [say(HEALTH.archive), isArchiveThere ? badge(say(HEALTH.answers), "good") : missing],
    [say(HEALTH.stray), counted(strayCalls ?? undefined)],
    [say(HEALTH.stuck), counted(months?.stuck)],
    [
      say(HEALTH.differs),
      reconciliations === null
        ? missing
        : reconciliations.months.length === 0
          ? badge("0", "good")
          : html`${reconciliations.months.map(({ period, id, unexplained }) => html`<a href="/console/reconciliations/${id}">${format.month(period)}</a> (${format.count(unexplained)}) `)}`,
    ],
    [say(HEALTH.lifted), counted(lifted?.length)],
  ]);
}

function gatewayFacts(env: Env, { say, format, services, nowMs }: PageTools): Html {
  const age = (at: string) =>
    html`${format.time(Date.parse(at))} <span class="quiet">(${format.span(nowMs - Date.parse(at))})</span>`;
  const { version, commit, environment, ledgerSchema, deployedAt } = readRelease(env);
  const { issuer } = services.settings;
  return facts([
    [say(HEALTH.version), html`<code>${version}</code>`],
    [say(HEALTH.commit), html`<code>${commit}</code>`],
    [say(HEALTH.environment), environment],
    [say(HEALTH.deployed), deployedAt === null ? say(HEALTH.local) : age(deployedAt)],
    [say(HEALTH.schema), String(ledgerSchema)],
    // On one's own machine nobody is billed.
    [say(HEALTH.issuer), issuer.legalName ?? badge(say(HEALTH.issuerMissing), deployedAt === null ? "quiet" : "warn")],
  ]);
}

function people({ operators }: Health, chain: Html, { say, format, services }: PageTools): Html {
  if (operators === null) return facts([[say(HEALTH.people), badge(say(PART_TEXTS.notAsked), "bad")]]);
  const { working, isManaged, breakGlassUsedAtMs: usedAtMs } = operators;
  const isOpen = services.settings.access !== null && !isManaged;
  const used = usedAtMs === null ? say(COMMON.never) : format.time(usedAtMs);
  // Until there is an admin with an e-mail, its uses are not written down: it would be the only way in.
  const breakGlass = usedAtMs === null && !isManaged ? [] : [[say(HEALTH.breakGlass), used] as const];
  return html`${isOpen ? notice(say(HEALTH.everyone), "warn") : ""}
  ${facts([[say(HEALTH.working), format.count(working)], ...breakGlass, [say(HEALTH.chain), chain]])}`;
}

function openBreakers(
  { breaker }: Health,
  names: ReadonlyMap<string, string>,
  { say, format }: PageTools,
): Html | string {
  const open = breaker?.tenants ?? [];
  if (open.length === 0) return "";
  const list = table<(typeof open)[number]>(
    [
      {
        head: say(PART_TEXTS.tenant),
        cell: ({ tenantId }) => tenantLink(tenantId, names.get(tenantId) ?? tenantId),
      },
      {
        head: say(PART_TEXTS.state),
        cell: ({ state }) => badge(say(state === "open" ? OVERVIEW.breakerOpen : OVERVIEW.breakerHalf), "warn"),
      },
      { head: say(PART_TEXTS.since), cell: ({ sinceMs }) => (sinceMs === null ? "–" : format.time(sinceMs)) },
    ],
    open,
    { caption: say(HEALTH.openTenants) },
  );
  return card(say(HEALTH.openTenants), list);
}

function stuckMonths({ months }: Health, { say, format }: PageTools): Html | string {
  const oldest = months?.oldest ?? [];
  if (oldest.length === 0) return "";
  const list = table<(typeof oldest)[number]>(
    [
      {
        head: say(PART_TEXTS.tenant),
        cell: ({ tenantId }) => html`<a class="mono" href="/console/tenants/${tenantId}">${tenantId}</a>`,
      },
      { head: say(PART_TEXTS.period), cell: ({ period }) => format.month(period) },
      { head: say(HEALTH.reason), cell: ({ reason }) => html`<code>${reason}</code>` },
      { head: say(PART_TEXTS.since), cell: ({ firstAtMs }) => format.time(firstAtMs) },
    ],
    oldest,
    { caption: say(HEALTH.stuck) },
  );
  return card(say(HEALTH.stuck), list);
}
