import type { Mode } from "../domain/meter_event.ts";
import { ok, type Result } from "../domain/result.ts";
import { AdjustmentRecords } from "./adjustment_records.ts";
import { AccessIdentity } from "./access_identity.ts";
import { Alarms } from "./alarms.ts";
import { AuditChain } from "./audit_chain.ts";
import { AnswerVault } from "./answer_vault.ts";
import { ClaroGate } from "./claro/claro_gate.ts";
import { ClaroClient } from "./claro/claro_client.ts";
import { TokenSource } from "./claro/token_source.ts";
import { shiftedClock, storeClock, type Clock, type StoreClock } from "./clock.ts";
import { BacklogReports } from "./ledger/backlog_reports.ts";
import { ExportKeys, toListedKey } from "./export_keys.ts";
import { KeyDirectory } from "./key_directory.ts";
import { KeyedHash } from "./keyed_hash.ts";
import { CallBatches } from "./ledger/call_batches.ts";
import { EarlyCalls } from "./ledger/early_calls.ts";
import { ReconciliationFiles } from "./reconciliation_files.ts";
import { Operators } from "./operators.ts";
import { ReconciliationRecords } from "./reconciliation_records.ts";
import { PageSessions } from "./page_sessions.ts";
import { PublishedKeys } from "./published_keys.ts";
import { ReferenceKeys } from "./reference_keys.ts";
import { Register } from "./register.ts";
import { Restrictions } from "./restrictions.ts";
import { Shield } from "./shield.ts";
import { StrayCalls } from "./stray_calls.ts";
import { StatementArchive } from "./statement_archive.ts";
import { StatementRecords } from "./statement_records.ts";
import { SweepPlace } from "./sweep_place.ts";
import { CounterFloor } from "./counter_floor.ts";
import { UsageSumsReader } from "./usage_sums.ts";
import { UpstreamPriceList } from "./upstream_prices.ts";
import { UsageDays } from "./usage_days.ts";
import { readSettings, readSettingsAt, type Settings, type SettingsFailure } from "./settings.ts";

/**
 * What use cases work with, made once for each isolate from its bindings. It holds values and bindings; of requests, only
 * the call batches that they share.
 */
export type Services = {
  readonly settings: Settings;
  readonly clock: Clock;
  /** R2's clock, for what must not be done by one clock alone. */
  readonly storeClock: StoreClock;
  readonly db: D1Database;
  readonly register: Register;
  readonly statements: StatementRecords;
  readonly publishedKeys: PublishedKeys;
  readonly archive: StatementArchive;
  readonly exportKeys: ExportKeys;
  readonly adjustments: AdjustmentRecords;
  readonly reconciliations: ReconciliationRecords;
  readonly reconciliationFiles: ReconciliationFiles;
  readonly upstreamPrices: UpstreamPriceList;
  readonly usageSums: UsageSumsReader;
  readonly counterFloor: CounterFloor;
  readonly usageDays: UsageDays;
  readonly ledgers: Env["TENANT_LEDGER"];
  readonly callBatches: CallBatches;
  readonly earlyCalls: EarlyCalls;
  readonly strayCalls: StrayCalls;
  readonly keys: KeyDirectory;
  readonly backlog: BacklogReports;
  readonly sweepPlace: SweepPlace;
  readonly tokens: TokenSource;
  readonly gate: ClaroGate;
  readonly claro: Readonly<Record<Mode, ClaroClient>>;
  readonly references: ReferenceKeys;
  readonly restrictions: Restrictions;
  /** Under each secret that holds; what is new is kept under the first. */
  readonly idempotencyHashes: readonly KeyedHash[];
  /** For what is personal and has to be recognised in the log. */
  readonly logHash: KeyedHash;
  readonly vault: AnswerVault;
  readonly operators: Operators;
  readonly auditChain: AuditChain;
  readonly pageSessions: PageSessions;
  /** Signs what people's browsers keep, under each secret that holds; what is new under the first. */
  readonly pageHashes: readonly KeyedHash[];
  readonly alarms: Alarms;
  readonly shield: Shield;
  readonly access: AccessIdentity;
};

const services = new WeakMap<Env, Services>();

/** The services of a gateway that is called by `hostname`; what runs by itself (cron) has none. */
export function servicesOf(env: Env, hostname: string | null = null): Result<Services, SettingsFailure> {
  const settings = hostname === null ? readSettings(env) : readSettingsAt(env, hostname);
  if (!settings.ok) return settings;
  const known = services.get(env);
  if (known !== undefined) return ok(known);
  const made = makeServices(env, settings.value);
  services.set(env, made);
  return ok(made);
}

/** What the isolate remembers is forgotten, as at its start. Test files share an isolate. */
export function forgetServices(env: Env): void {
  services.delete(env);
}

function makeServices(env: Env, settings: Settings): Services {
  const clock = shiftedClock(settings.clockOffsetMs);
  const alarms = new Alarms(env.DB, env.KEYS);
  const exportKeys = new ExportKeys(env.DB, env.STATEMENTS);
  return {
    settings,
    clock,
    db: env.DB,
    register: new Register(env.DB),
    statements: new StatementRecords(env.DB),
    publishedKeys: new PublishedKeys(async () => (await exportKeys.published()).map(toListedKey), clock),
    archive: new StatementArchive(env.STATEMENTS),
    exportKeys,
    adjustments: new AdjustmentRecords(env.DB),
    reconciliations: new ReconciliationRecords(env.DB),
    reconciliationFiles: new ReconciliationFiles(env.STATEMENTS),
    upstreamPrices: new UpstreamPriceList(env.DB),
    usageSums: new UsageSumsReader(env.DB),
    counterFloor: new CounterFloor(env.STATEMENTS),
    usageDays: new UsageDays(env.DB),
    ledgers: env.TENANT_LEDGER,
    callBatches: new CallBatches(env.TENANT_LEDGER),
    earlyCalls: new EarlyCalls(),
    strayCalls: new StrayCalls(env.DB),
    keys: new KeyDirectory(env.KEYS),
    backlog: new BacklogReports(env.KEYS),
    sweepPlace: new SweepPlace(env.KEYS),
    tokens: new TokenSource(env.ACCESS_TOKEN, clock),
    gate: new ClaroGate(env.CLARO_BREAKER, new KeyedHash(settings.cpfHmacSecrets[0])),
    claro: { live: new ClaroClient("live", settings, clock), test: new ClaroClient("test", settings, clock) },
    references: new ReferenceKeys({ bucket: env.STATEMENTS, db: env.DB }, settings.cpfHmacSecrets),
    restrictions: new Restrictions(env.DB, env.STATEMENTS),
    storeClock: storeClock(env.STATEMENTS, settings.clockOffsetMs),
    idempotencyHashes: settings.idempotencySecrets.map((secret) => new KeyedHash(secret)),
    logHash: new KeyedHash(`log\n${settings.accessTokenSecrets[0]}`),
    vault: new AnswerVault(settings.idempotencySecrets),
    operators: new Operators(env.DB, env.KEYS),
    auditChain: new AuditChain(env.DB, env.STATEMENTS),
    pageSessions: new PageSessions(env.DB),
    pageHashes: settings.accessTokenSecrets.map((secret) => new KeyedHash(`pages\n${secret}`)),
    alarms,
    shield: new Shield({ callers: env.FAILED_CALLERS, operators: env.FAILED_OPERATORS }, { clock, alarms }),
    access: new AccessIdentity(settings.access, clock),
  };
}
