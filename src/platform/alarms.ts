import type { Alarm, AlarmKind, Stretch } from "../domain/alarms.ts";
import { HOUR_MS, isoTime } from "../domain/instant.ts";

export type RaisedAlarm = Alarm & { readonly raisedAtMs: number };

/** A tenant's last lookups, which are compared with those before them. */
const LOOKUPS_COMPARED = 20_000;
const LOGINS = "alarm:failed-logins:";
const KEPT_SECONDS = 86_400;

const SQL = {
  raise: `
    INSERT INTO alarms (kind, tenant_id, since, raised_at, observed, usual) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET observed = max(observed, excluded.observed)`,
  since: `
    SELECT kind, tenant_id, since, raised_at, observed, usual FROM alarms WHERE raised_at >= ?
    ORDER BY raised_at DESC, kind, tenant_id LIMIT ?`,
  forget: `DELETE FROM alarms WHERE raised_at < ?`,
  // Tenants that spent something today, with each day of before that they had lookups on, oldest first.
  spend: `
    SELECT tenant_id, json_group_array(json_array(date, micros)) AS days FROM (
      SELECT tenant_id, date, sums->>'amountMicros' AS micros FROM usage_days
      WHERE mode = 'live' AND date BETWEEN ?1 AND ?2 ORDER BY tenant_id, date)
    GROUP BY tenant_id HAVING max(date) = ?2 LIMIT ?3`,
  // Tenants that had lookups in one of some hours of a day.
  active: `
    SELECT tenant_id FROM usage_days WHERE mode = 'live' AND date = ?1 AND (
      SELECT sum(outcome.value) FROM json_each(sums->'hours') AS hour, json_each(hour.value) AS outcome
      WHERE hour.key IN (SELECT value FROM json_each(?2))) >= ?3 LIMIT ?4`,
  // By hour: persons whom none of the tenant's lookups before had been about, as far as they are compared.
  newPersons: `
    WITH compared AS (
      SELECT event.value->>'occurred_at' AS at, event.value->>'cpf_reference' AS person
      FROM event_batches, json_each(events) AS event
      WHERE tenant_id = ?1 AND mode = 'live' AND event.value->>'kind' = 'lookup' AND first_seq > (
        SELECT max(last_seq) FROM event_batches WHERE tenant_id = ?1 AND mode = 'live') - ?2
    ), placed AS (
      SELECT at, row_number() OVER (PARTITION BY person ORDER BY at) = 1 AS is_first FROM compared
    )
    SELECT at / 3600000 AS hour, sum(is_first) AS persons FROM placed GROUP BY hour ORDER BY hour`,
} as const;

type Row = Record<string, unknown>;

/**
 * Alarms in D1, and what they are found by: the copy of events and days that is there anyway, so that no lookup costs a row
 * more. Failed logins, which may cost D1 nothing, are noted in KV.
 */
export class Alarms {
  readonly #db: D1Database;
  readonly #kv: KVNamespace;

  constructor(db: D1Database, kv: KVNamespace) {
    this.#db = db;
    this.#kv = kv;
  }

  /** True when it was not raised before. */
  async raise({ kind, tenantId, since, observed, usual }: Alarm, nowMs: number): Promise<boolean> {
    const known = this.#db
      .prepare("SELECT 1 AS n FROM alarms WHERE kind = ? AND tenant_id = ? AND since = ?")
      .bind(kind, tenantId ?? "", since);
    const isKnown = (await known.first("n")) !== null;
    await this.#db
      .prepare(SQL.raise)
      .bind(kind, tenantId ?? "", since, nowMs, observed, usual)
      .run();
    return !isKnown;
  }

  /** Those raised since an instant, the newest first. */
  async since(sinceMs: number, limit: number): Promise<RaisedAlarm[]> {
    const { results } = await this.#db.prepare(SQL.since).bind(sinceMs, limit).all<Row>();
    return results.map((row) => ({
      kind: row["kind"] as AlarmKind,
      tenantId: row["tenant_id"] === "" ? null : (row["tenant_id"] as string),
      since: row["since"] as string,
      observed: row["observed"] as number,
      usual: row["usual"] as number,
      raisedAtMs: row["raised_at"] as number,
    }));
  }

  async forgetBefore(ms: number): Promise<void> {
    await this.#db.prepare(SQL.forget).bind(ms).run();
  }

  /** What each tenant's days came to, of tenants with lookups on the last of them. */
  async spendByDay(
    range: { from: string; to: string },
    limit: number,
  ): Promise<{ tenantId: string; days: Stretch[] }[]> {
    const { results } = await this.#db.prepare(SQL.spend).bind(range.from, range.to, limit).all<Row>();
    return results.map((row) => ({
      tenantId: row["tenant_id"] as string,
      days: (JSON.parse(row["days"] as string) as [string, number][])
        .map(([at, count]) => ({ at, count }))
        .toSorted((left, right) => left.at.localeCompare(right.at)),
    }));
  }

  /** Tenants with at least `least` lookups in some hours (`"00"` to `"23"`) of a São Paulo day. */
  async activeTenants(
    { date, hours }: { date: string; hours: readonly string[] },
    { least, limit }: { least: number; limit: number },
  ): Promise<string[]> {
    const active = this.#db.prepare(SQL.active).bind(date, JSON.stringify(hours), least, limit);
    return (await active.all<{ tenant_id: string }>()).results.map(({ tenant_id: tenantId }) => tenantId);
  }

  /** Of each hour with a lookup, how many persons were looked up for the first time; oldest first. */
  async newPersonsByHour(tenantId: string): Promise<Stretch[]> {
    const { results } = await this.#db
      .prepare(SQL.newPersons)
      .bind(tenantId, LOOKUPS_COMPARED)
      .all<{ hour: number; persons: number }>();
    return results.map(({ hour, persons }) => ({ at: isoTime(hour * HOUR_MS), count: persons }));
  }

  /** Notes that an isolate saw too many failed logins; the cron raises the alarm. */
  async noteFailedLogins(kind: string, { count, sinceMs }: { count: number; sinceMs: number }): Promise<void> {
    const since = isoTime(sinceMs);
    await this.#kv.put(`${LOGINS}${kind}`, JSON.stringify({ since, count }), { expirationTtl: KEPT_SECONDS });
  }

  async failedLogins(kinds: readonly string[]): Promise<{ since: string; count: number }[]> {
    const noted = await Promise.all(
      kinds.map((kind) => this.#kv.get<{ since: string; count: number }>(`${LOGINS}${kind}`, "json")),
    );
    return noted.filter((one) => one !== null);
  }
}
