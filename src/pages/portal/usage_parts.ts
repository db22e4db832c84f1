import { html } from "hono/html";
import { badge, type Html } from "../html.ts";
import { outcomeSeries } from "../outcomes.ts";
import type { PageTools, PortalCall } from "../page.ts";
import { plotText } from "../plot_text.ts";
import { bars } from "../plots/bars.ts";
import type { DayUsage } from "../../gateway/read_usage.ts";
import type { RegisteredKey } from "../../platform/register.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";

/** Lookups a day, stacked by outcome. */
export function outcomeBars(days: readonly DayUsage[], tools: Pick<PageTools, "say" | "format">): Html {
  const { say, format } = tools;
  const text = plotText(tools, say(PORTAL_TEXTS.lookupsADay), { across: say(PORTAL_TEXTS.day) });
  return bars(text, { places: days.map(({ date }) => format.shortDate(date)), series: outcomeSeries(days, say) });
}

/** The tenant's keys of the session's mode. */
export async function keysOf({
  services,
  partner: { tenant, mode },
}: Pick<PortalCall, "services" | "partner">): Promise<readonly RegisteredKey[]> {
  return (await services.register.keysOfTenant(tenant.id)).filter((key) => key.mode === mode);
}

/** A key by its name and id. */
export function keyName(keyId: string, keys: readonly RegisteredKey[], say: PageTools["say"]): Html {
  const label = keys.find(({ id }) => id === keyId)?.label ?? say(PORTAL_TEXTS.unlabelled);
  return html`<span>${label}<br /><code class="small quiet">${keyId}</code></span>`;
}

export function modeBadge(mode: "live" | "test", say: PageTools["say"]): Html {
  return badge(say(PORTAL_TEXTS[mode]), mode === "live" ? "good" : "quiet");
}
