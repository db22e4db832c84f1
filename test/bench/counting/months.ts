import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startSandbox } from "../runtime/sandbox.ts";
import { MEMORY_DIR } from "../runtime/worker.ts";
import { minus, times, type Counts } from "./counts.ts";
import { CountingGateway, DAY_MS } from "./gateway.ts";

/** A month's lookups, spread evenly over it, of one tenant or of a thousand alike. */
export const LOOKUPS_A_MONTH = 1_000_000;
export const MANY_TENANTS = 1000;
export const DAYS_A_MONTH = 30;

/** How many lookups stand for the million. They are made one by one, with every alarm in between at its time. */
export const PACED_LOOKUPS = 1000;
/** Six days of one tenant of a thousand. */
export const QUIET_LOOKUPS = 200;

/** Partners that ask all at once, one lookup after the other each, with Claro's time and that of a commit. */
export const TOGETHER = { partners: 32, lookupsEach: 50, claroMs: 100, commitMs: 10 } as const;
/** The counting Worker's time goes on beside theirs in steps of this. */
const STEP_MS = 50;

/** After so many runs the sweep has come round to every ledger of a thousand tenants. */
const CRON_ROUND_RUNS = 50;

const BETWEEN_LOOKUPS_MS = (DAYS_A_MONTH * DAY_MS) / LOOKUPS_A_MONTH;
/** By then all that comes of a lookup has been done. */
const AFTER_LOOKUPS_MS = 2 * DAY_MS;
/** Answers are erased after a day and keys are forgotten after 35. */
const AFTER_REPEATABLE_MS = 37 * DAY_MS;

type Lookup = { readonly counts: Counts; readonly steps: number };

/** What was counted in the real runtime. */
export type Measured = {
  /** Single lookups, and how many calls each waited for one after the other, Claro's included. */
  readonly lookups: { readonly warm: Lookup; readonly repeatable: Lookup; readonly cold: Lookup };
  /** Of one lookup, with its share of alarms, flushes and deletes. */
  readonly life: {
    readonly busyTenant: Counts;
    readonly quietTenant: Counts;
    readonly repeatable: Counts;
    /** Of a busy tenant whose partners ask at once. */
    readonly together: Counts;
  };
  /** Closing a tenant's month, writing its files, reading them back and pruning D1. */
  readonly statement: { readonly each: Counts; readonly perEvent: Counts };
  /** A run of the cron with nothing to close. */
  readonly cron: { readonly oneTenant: Counts; readonly manyTenants: Counts };
  /** Keeping Claro's token for a day. */
  readonly tokenADay: Counts;
  readonly bytes: { readonly emptyLedgers: number; readonly ledgerPerEvent: number; readonly d1PerEvent: number };
};

/** Takes the counting Worker through some months of its own time. */
export async function countOperations(): Promise<Measured> {
  const [measured, together] = await Promise.all([countOneByOne(), countTogether()]);
  return { ...measured, life: { ...measured.life, together } };
}

type OneByOne = Omit<Measured, "life"> & { readonly life: Omit<Measured["life"], "together"> };

async function countOneByOne(): Promise<OneByOne> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const stateDir = mkdtempSync(join(MEMORY_DIR, "operations-"));
  let gateway: CountingGateway | null = null;
  try {
    gateway = await CountingGateway.start(sandbox.url, { tenants: 1, stateDir });
    const [key = ""] = gateway.keys;
    const measured = await passMonths(gateway, key);
    await gateway.stop();
    gateway = await CountingGateway.start(sandbox.url, { tenants: 0, stateDir, startMs: gateway.nowMs });
    const lookUp = gateway.lookup.bind(gateway, key);
    const cold = await gateway.measure(lookUp);
    return { ...measured, lookups: { ...measured.lookups, cold } };
  } finally {
    await gateway?.stop();
    sandbox.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Lookups at once, and all that comes of them, for one of them. */
async function countTogether(): Promise<Counts> {
  const { partners, lookupsEach, claroMs, commitMs } = TOGETHER;
  const sandbox = await startSandbox({ latencyMs: claroMs });
  const gateway = await CountingGateway.start(sandbox.url, { tenants: 1, commitMs });
  try {
    const lookUp = gateway.lookup.bind(gateway, gateway.keys[0] ?? "");
    await lookUp();
    const lookups = partners * lookupsEach;
    const { counts } = await gateway.measure(async () => {
      const asking = Promise.all(Array.from({ length: partners }, () => repeat(lookupsEach, lookUp)));
      const isDone = asking.then(() => true);
      while (!(await Promise.race([isDone, pause(STEP_MS, false)]))) await gateway.pass(STEP_MS);
      await gateway.pass(AFTER_LOOKUPS_MS);
    });
    return perLookup(counts, lookups);
  } finally {
    await gateway.stop();
    sandbox.stop();
  }
}

type WarmOnly = Omit<OneByOne, "lookups"> & { readonly lookups: Omit<Measured["lookups"], "cold"> };

async function passMonths(gateway: CountingGateway, key: string): Promise<WarmOnly> {
  const lookUp = () => gateway.lookup(key);
  const lookUpRepeatably = () => gateway.lookup(key, { "idempotency-key": crypto.randomUUID() });

  await lookUp();
  await gateway.pass(100);
  const warm = await gateway.measure(lookUp);
  await gateway.pass(100);
  const repeatable = await gateway.measure(lookUpRepeatably);
  const firstEvents = 3;

  await gateway.passTo("2041-03-03T12:00:00Z");
  const february = await closeMonth(gateway);
  const before = await bytesOf(gateway);
  const busyTenant = await paced(gateway, PACED_LOOKUPS, { everyMs: BETWEEN_LOOKUPS_MS, lookUp });
  const after = await bytesOf(gateway);
  const tokenADay = (await gateway.measure(() => gateway.pass(DAY_MS))).counts;

  await gateway.passTo("2041-04-03T12:00:00Z");
  const march = await closeMonth(gateway);
  const perEvent = times(minus(march.closing, february.closing), 1 / (PACED_LOOKUPS - firstEvents));

  const quietTenant = await paced(gateway, QUIET_LOOKUPS, {
    everyMs: BETWEEN_LOOKUPS_MS * MANY_TENANTS,
    lookUp: async () => {
      await gateway.evictLedgers();
      await lookUp();
    },
  });
  const repeatableLife = await paced(gateway, PACED_LOOKUPS, {
    everyMs: BETWEEN_LOOKUPS_MS,
    lookUp: lookUpRepeatably,
    afterMs: AFTER_REPEATABLE_MS,
  });
  return {
    lookups: { warm, repeatable },
    life: { busyTenant, quietTenant, repeatable: repeatableLife },
    statement: { each: minus(february.closing, times(perEvent, firstEvents)), perEvent },
    cron: { oneTenant: march.idleRun, manyTenants: await cronOfMany(gateway) },
    tokenADay,
    bytes: {
      emptyLedgers: before.ledger,
      ledgerPerEvent: (after.ledger - before.ledger) / PACED_LOOKUPS,
      d1PerEvent: (after.d1 - before.d1) / PACED_LOOKUPS,
    },
  };
}

/** Lookups at a pace and all that comes of them, for one of them. */
async function paced(
  gateway: CountingGateway,
  lookups: number,
  options: { everyMs: number; lookUp: () => Promise<void>; afterMs?: number },
): Promise<Counts> {
  const { everyMs, lookUp, afterMs = AFTER_LOOKUPS_MS } = options;
  const { counts } = await gateway.measure(async () => {
    await repeat(lookups, async () => {
      await gateway.pass(everyMs);
      await lookUp();
    });
    await gateway.pass(afterMs);
  });
  return perLookup(counts, lookups);
}

/** Token and breaker go by time and not by lookups. */
function perLookup(counts: Counts, lookups: number): Counts {
  return times({ ...counts, sharedRequests: 0, sharedRowsRead: 0, sharedRowsWritten: 0 }, 1 / lookups);
}

/** The cron's runs until the month before is closed, archived and pruned, beyond what they cost anyway. */
async function closeMonth(gateway: CountingGateway): Promise<{ closing: Counts; idleRun: Counts }> {
  const runs = 3;
  const { counts } = await gateway.measure(() => repeat(runs, () => gateway.cron()));
  const idle = await gateway.measure(() => gateway.cron());
  return { closing: minus(counts, times(idle.counts, runs)), idleRun: idle.counts };
}

async function bytesOf(gateway: CountingGateway): Promise<{ ledger: number; d1: number }> {
  return { ledger: await gateway.ledgerBytes(), d1: (await gateway.read()).d1Bytes };
}

async function repeat(count: number, work: () => Promise<void>): Promise<void> {
  for (let done = 0; done < count; done += 1) await work();
}

/** A cron run where the register has a thousand tenants whose months are closed, once each ledger has been there before. */
async function cronOfMany(gateway: CountingGateway): Promise<Counts> {
  await repeat(3, () => gateway.cron());
  const db = await gateway.worker.miniflare.getD1Database("DB");
  await db.batch([
    db.prepare(`
      WITH RECURSIVE numbers (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${MANY_TENANTS})
      INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at, version, projected_version)
        SELECT id || '_' || i, name, document, customer_id, plan, status, created_at, version, projected_version
        FROM tenants, numbers`),
    db.prepare(`
      INSERT INTO statements (tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256,
          archived_at, pruned_at)
        SELECT tenants.id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256, archived_at,
          pruned_at
        FROM statements, tenants WHERE tenants.id <> tenant_id`),
  ]);
  await repeat(CRON_ROUND_RUNS, () => gateway.cron());
  const { counts } = await gateway.measure(() => repeat(CRON_ROUND_RUNS, () => gateway.cron()));
  return times(counts, 1 / CRON_ROUND_RUNS);
}
