import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS } from "../../src/domain/ledger/day_sums.ts";
import type { Metric } from "../../src/domain/metrics_text.ts";
import { parsePeriod, type Period } from "../../src/domain/period.ts";
import { metricFamilies } from "../../src/http/metric_families.ts";

const NOW_MS = Date.parse("2026-11-28T12:00:00Z");

/** Every metric that there is, each with a value: nothing is well, and all of it could be asked. */
export function everyMetric(): readonly Metric[] {
  const closed = { sinceMs: NOW_MS - 60_000, openings: 2, nextTryAtMs: NOW_MS };
  return metricFamilies({
    health: {
      breaker: {
        ...closed,
        state: "open",
        openTenants: 1,
        tenants: [{ ...closed, state: "open", tenantId: "ten_1" }],
        changes: [],
      },
      token: {
        obtainedAtMs: NOW_MS - 600_000,
        expiresAtMs: NOW_MS + 600_000,
        failures: 3,
        nextTryAtMs: NOW_MS,
        changes: [],
      },
      ledgersBehind: 2,
      operators: { working: 3, isManaged: true, breakGlassUsedAtMs: NOW_MS - 3_600_000 },
      oldestUnflushed: { tenantId: "ten_1", mode: "live", oldestUnflushedAtMs: NOW_MS - 1_200_000 },
      uncopiedEvents: 41,
      isArchiveThere: true,
      database: { bytes: 9_500_000_000, limitBytes: 10_000_000_000, state: "nearly_full" },
      databaseSchema: "0030_overview_indexes",
      reconciliations: { months: [{ period: month("2026-10"), id: "rec_1", unexplained: 7 }], lostAtEdges: 1 },
      months: { stuck: 1, oldest: [] },
      lifted: [{ id: "ten_1", liftedAtMs: NOW_MS }],
      strayCalls: 4,
      issuerMissing: [],
      alarms: [
        {
          kind: "failed_logins",
          tenantId: null,
          since: "2026-11-28T02:00:00.000Z",
          observed: 20,
          usual: 0,
          raisedAtMs: NOW_MS,
        },
      ],
    },
    usage: {
      counters: COUNTERS,
      adjustmentMicros: -150_000,
      months: [{ period: month("2026-11"), billed: 10, amountMicros: 1_350_000, claroUnits: 11 }],
      nearCap: { count: 1, tenants: [{ tenantId: "ten_1", name: "Loja", used: 93, most: 100 }] },
    },
    counters: COUNTERS,
    release: {
      version: "1.0.0",
      commit: "abc",
      environment: "production",
      ledgerSchema: 2,
      versionId: null,
      deployedAt: null,
    },
    flushMs: 60_000,
    nowMs: NOW_MS,
  });
}

const COUNTERS = {
  outcomes: [10, 2, 1, 1, 1],
  billed: [10],
  amountMicros: [1_500_000],
  adjustments: [1],
  claroMs: Array.from({ length: CLARO_MS_BOUNDS.length + 1 }, () => 1),
  claroMsTotal: [4200],
  admitMs: Array.from({ length: ADMIT_MS_BOUNDS.length + 1 }, () => 1),
  admitMsTotal: [900],
} as const;

function month(text: string): Period {
  const period = parsePeriod(text);
  if (!period.ok) throw new Error(`not a period: ${text}`);
  return period.value;
}
