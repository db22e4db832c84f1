import { assertPresent } from "../domain/assert.ts";
import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS, OUTCOME_ORDER } from "../domain/ledger/day_sums.ts";
import type { Metric, Sample } from "../domain/metrics_text.ts";
import { formatMicros } from "../domain/money.ts";
import type { Health } from "../gateway/read_health.ts";
import type { MetricsReading } from "../gateway/read_metrics.ts";
import type { Release } from "../platform/release.ts";
import type { UsageCounters, UsageSums } from "../platform/usage_sums.ts";

type Told = MetricsReading & { readonly release: Release; readonly flushMs: number; readonly nowMs: number };

const BREAKER_STATES = ["closed", "half_open", "open"] as const;

/** Every metric by its name. docs/monitoring/README.md lists them, which a test compares; what is not known is left out. */
export function metricFamilies({ health, usage, counters, release, flushMs, nowMs }: Told): readonly Metric[] {
  return [
    gauge("build_info", "Which gateway answers; always 1.", [{ labels: labelsOf(release), value: 1 }]),
    gauge(
      "source_up",
      "Whether a store or an object that is read here could be asked.",
      sourcesUp({ health, usage, counters }),
    ),
    gauge("copy_wait_seconds", "How long fewer than 100 events of a tenant may wait until the counters know them.", [
      { value: flushMs / 1000 },
    ]),
    ...(counters === null ? [] : counterFamilies(counters)),
    ...(usage === null ? [] : sumFamilies(usage)),
    ...claroFamilies(health, nowMs),
    ...storeFamilies(health, nowMs),
    ...operatorFamilies(health),
  ].map((metric) => ({ ...metric, name: `claro_gateway_${metric.name}` }));
}

function labelsOf({ version, commit, environment, ledgerSchema, versionId }: Release): Record<string, string> {
  return { version, commit, environment, ledger_schema: String(ledgerSchema), version_id: versionId ?? "" };
}

function sourcesUp({ health, usage, counters }: MetricsReading): Sample[] {
  const sources = {
    breaker: health.breaker !== null,
    token: health.token !== null,
    d1: usage !== null && health.database !== null,
    // What is kept there is read after D1.
    ...(usage === null ? {} : { r2: counters !== null }),
  };
  return Object.entries(sources).map(([source, isUp]) => ({ labels: { source }, value: isUp ? 1 : 0 }));
}

function counterFamilies(counters: UsageCounters): Metric[] {
  return [
    {
      name: "lookups",
      type: "counter",
      help: "Live lookups that ended, as D1 has them: what statements count.",
      samples: OUTCOME_ORDER.map((outcome, index) => ({
        labels: { outcome },
        value: assertPresent(counters.outcomes[index], "an outcome has no counter"),
      })),
    },
    counter("billed_lookups", "Live lookups that are charged.", counters.billed[0]),
    counter(
      "billed_brl",
      "What live lookups are charged, in reais, before adjustments.",
      formatMicros(counters.amountMicros[0]),
    ),
    counter("adjustments", "Corrections of statements.", counters.adjustments[0]),
    histogram("claro_duration_seconds", "How long Claro took for a live lookup, repeats included.", {
      boundsMs: CLARO_MS_BOUNDS,
      counts: counters.claroMs,
      totalMs: counters.claroMsTotal[0],
    }),
    histogram("admit_duration_seconds", "How long a live lookup waited for its ledger's admission.", {
      boundsMs: ADMIT_MS_BOUNDS,
      counts: counters.admitMs,
      totalMs: counters.admitMsTotal[0],
    }),
  ];
}

function sumFamilies({ adjustmentMicros, months, nearCap }: UsageSums): Metric[] {
  return [
    gauge("adjustments_brl", "What corrections come to, in reais; below zero where they give back.", [
      { value: formatMicros(adjustmentMicros) },
    ]),
    gauge(
      "month_billed_lookups",
      "Lookups charged in a month of São Paulo, the present one and the one before.",
      months.map(({ period, billed: value }) => ({ labels: { period }, value })),
    ),
    gauge(
      "month_amount_brl",
      "What a month's statements come to so far, in reais, not rounded.",
      months.map(({ period, amountMicros }) => ({ labels: { period }, value: formatMicros(amountMicros) })),
    ),
    gauge("tenants_near_cap", "Tenants that have used 80 % of their monthly spend cap, or all of it.", [
      { value: nearCap.count },
    ]),
    gauge(
      "tenant_cap_used_ratio",
      "Of their monthly spend cap, for those of 80 % and more: the first 20.",
      nearCap.tenants.map(({ tenantId, used, most }) => ({
        labels: { tenant: tenantId },
        value: Number((used / most).toFixed(4)),
      })),
    ),
  ];
}

function claroFamilies({ breaker, token }: Health, nowMs: number): Metric[] {
  return [
    gauge(
      "claro_breaker_state",
      "Claro's breaker: 1 for the state that it is in.",
      breaker === null
        ? []
        : BREAKER_STATES.map((state) => ({ labels: { state }, value: breaker.state === state ? 1 : 0 })),
    ),
    gauge("tenant_breakers_open", "Tenants' own breakers that are open.", known(breaker?.openTenants)),
    gauge("claro_token_age_seconds", "How old Claro's token is.", known(secondsSince(token?.obtainedAtMs, nowMs))),
    gauge("claro_token_expiry_timestamp_seconds", "When Claro's token ends.", known(seconds(token?.expiresAtMs))),
    gauge("claro_token_failures", "Token calls that failed since the last that did not.", known(token?.failures)),
  ];
}

function storeFamilies(health: Health, nowMs: number): Metric[] {
  const { database, strayCalls, months, reconciliations, lifted, alarms, oldestUnflushed, ledgersBehind } = health;
  const lag = oldestUnflushed === null ? 0 : secondsSince(oldestUnflushed.oldestUnflushedAtMs, nowMs);
  return [
    gauge(
      "copy_lag_seconds",
      "Age of the oldest event that D1 was offered and did not take; 0 when it takes all.",
      known(lag),
    ),
    gauge("ledgers_behind", "Ledgers whose events D1 does not take.", [{ value: ledgersBehind }]),
    gauge("uncopied_events", "Events that wait in the ten ledgers that are behind for the longest.", [
      { value: health.uncopiedEvents },
    ]),
    gauge("stray_calls", "Calls to Claro that wait in D1 for their ledgers.", known(strayCalls)),
    gauge("database_size_bytes", "D1's size.", known(database?.bytes)),
    gauge("database_limit_bytes", "The most that D1 holds.", known(database?.limitBytes)),
    gauge("months_stuck", "Tenants' months that are not closed or archived when they should be.", known(months?.stuck)),
    gauge(
      "reconciliation_unexplained_lookups",
      "Lookups of a month that only one side has, after its last comparison with Claro's report.",
      (reconciliations?.months ?? []).map(({ period, unexplained: value }) => ({ labels: { period }, value })),
    ),
    gauge(
      "reconciliation_lost_at_edges",
      "Lookups near a month's end that neither month's report names.",
      known(reconciliations?.lostAtEdges),
    ),
    gauge(
      "alarms",
      "Alarms of the last 24 hours: what is far from a tenant's usual, and failed logins.",
      known(alarms?.length),
    ),
    gauge(
      "tenants_lifted",
      "Tenants whose register was behind their ledger in the last 30 days.",
      known(lifted?.length),
    ),
  ];
}

function operatorFamilies({ operators }: Health): Metric[] {
  return [
    gauge("operators", "Operators who may come in.", known(operators?.working)),
    gauge(
      "break_glass_use_timestamp_seconds",
      "When ADMIN_TOKEN was last used, to the hour.",
      known(seconds(operators?.breakGlassUsedAtMs)),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, value: number | string): Metric {
  return { name, type: "counter", help, samples: [{ value }] };
}

function histogram(
  name: string,
  help: string,
  { boundsMs, counts, totalMs }: { boundsMs: readonly number[]; counts: readonly number[]; totalMs: number },
): Metric {
  return { name, type: "histogram", help, bounds: boundsMs.map((ms) => ms / 1000), counts, sum: totalMs / 1000 };
}

function known(value: number | null | undefined): Sample[] {
  return value === null || value === undefined ? [] : [{ value }];
}

function seconds(atMs: number | null | undefined): number | null {
  return atMs === null || atMs === undefined ? null : atMs / 1000;
}

function secondsSince(atMs: number | null | undefined, nowMs: number): number | null {
  return atMs === null || atMs === undefined ? null : Math.max(nowMs - atMs, 0) / 1000;
}
