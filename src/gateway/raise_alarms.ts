import { findUnusual, LEAST_LOOKUPS, MOST_FAILED_LOGINS, type Alarm } from "../domain/alarms.ts";
import { CRON_MS, DAY_MS, HOUR_MS } from "../domain/instant.ts";
import { formatSaoPaulo, saoPauloDate } from "../domain/period.ts";
import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";

/** The cron comes every five minutes; what is read here is worth it every fifteen. */
const EVERY_MS = 900_000;
const DAYS_COMPARED = 28;
const MOST_TENANTS = 5000;
/** Each costs D1 about a fifth of a second. */
const MOST_ACTIVE = 50;
const KEPT_MS = 90 * DAY_MS;

/**
 * What the cron does: looks for a tenant that looks up many persons never seen before, or spends far above its usual, and
 * for failed logins. An alarm is a row in D1, which health shows for a day, and a line in the log at level `error`, once.
 */
export async function raiseAlarms(services: Services): Promise<void> {
  const nowMs = services.clock.nowMs();
  for (const alarm of await failedLogins(services)) await raise(services, alarm);
  if (nowMs % EVERY_MS >= CRON_MS) return;
  for (const alarm of await unusualSpends(services, nowMs)) await raise(services, alarm);
  for (const alarm of await enumerations(services, nowMs)) await raise(services, alarm);
  await services.alarms.forgetBefore(nowMs - KEPT_MS);
}

async function raise({ alarms, clock }: Services, alarm: Alarm): Promise<void> {
  if (await alarms.raise(alarm, clock.nowMs())) logEvent("error", { event: "alarm", ...alarm });
}

async function failedLogins({ alarms }: Services): Promise<Alarm[]> {
  const noted = await alarms.failedLogins(Object.keys(MOST_FAILED_LOGINS));
  return noted.map(({ since, count }) => ({ kind: "failed_logins", tenantId: null, since, observed: count, usual: 0 }));
}

async function unusualSpends({ alarms }: Services, nowMs: number): Promise<Alarm[]> {
  const range = { from: saoPauloDate(nowMs - DAYS_COMPARED * DAY_MS), to: saoPauloDate(nowMs) };
  const tenants = await alarms.spendByDay(range, MOST_TENANTS);
  return tenants.flatMap(({ tenantId, days }) => {
    const found = findUnusual("spend", days);
    return found === null ? [] : [{ ...found, tenantId }];
  });
}

/** Looks into the hour that runs and the one before it: a copy in D1 is a minute behind. */
async function enumerations({ alarms }: Services, nowMs: number): Promise<Alarm[]> {
  const hours = [nowMs - HOUR_MS, nowMs];
  const active = new Set<string>();
  for (const date of new Set(hours.map(saoPauloDate))) {
    const ofDate = hours.filter((ms) => saoPauloDate(ms) === date).map((ms) => formatSaoPaulo(ms).slice(11, 13));
    const wanted = { least: LEAST_LOOKUPS, limit: MOST_ACTIVE };
    for (const tenantId of await alarms.activeTenants({ date, hours: ofDate }, wanted)) active.add(tenantId);
  }
  const found: Alarm[] = [];
  for (const tenantId of active) {
    const all = await alarms.newPersonsByHour(tenantId);
    for (const until of hours) {
      const stretches = all.filter(({ at }) => Date.parse(at) <= until);
      const last = stretches.at(-1);
      if (last === undefined || Date.parse(last.at) <= until - HOUR_MS) continue;
      const unusual = findUnusual("enumeration", stretches);
      if (unusual !== null) found.push({ ...unusual, tenantId });
    }
  }
  return found;
}
