import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrokenLedger, CUT_OFTEN } from "./broken_ledgers.ts";
import { buildBundle, type Bundle } from "./bundle.ts";
import { createSandbox, type TorturedSandbox } from "./sandbox.ts";
import { seededRandom } from "../../src/ctl/sandbox/seeded_random.ts";
import { findViolations, wasCutShort, type Records, type TracedLookup, type Violation } from "./checks.ts";
import { Clients } from "./clients.ts";
import { FaultSchedule } from "./faults.ts";
import { TorturedGateway } from "./gateway.ts";
import { checkRebuild, checkReplays, gatherRecords } from "./gather.ts";
import { createPartners, SECRETS, type TorturedPartner } from "./partners.ts";
import { treeOfCommit, treeWith } from "./source_tree.ts";
import { Suspensions } from "./suspensions.ts";
import type { VersionBefore } from "./versions.ts";

const CLARO_TIMEOUT_MS = 1000;
/** As the gateway's settings make it of the time limit, with what an alarm and a flush take. */
const SETTLING_MS = 2 * CLARO_TIMEOUT_MS + 10_000 + 5000;
/** How long one life of the gateway lasts, once it is ready. */
const SHORTEST_LIFE_MS = 200;
const LONGEST_LIFE_MS = 2600;
const CLARO_FAULTS_EVERY_MS = 700;
/** Before an outage of the ledgers: lookups are in flight by then, and early calls are granted. */
const BEFORE_OUTAGE_MS = 1500;
/** A run delivers some of the stray calls that wait in D1. */
const MOST_SCHEDULED_ROUNDS = 40;
/** What was delivered, and asked for again, ends and is flushed. */
const AFTER_DELIVERY_MS = 3000;
const PROGRESS_EVERY_MS = 5000;
/** Of each invariant. */
const PRINTED_VIOLATIONS = 20;

export type Options = {
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
  /** Runs beside this checkout's version, or is replaced by it. */
  readonly before: VersionBefore | null;
  readonly broken: BrokenLedger | null;
};
type Versions = { readonly before: Bundle; readonly after: Bundle; readonly areMixed: boolean };
type Run = {
  readonly gateway: TorturedGateway;
  readonly versions: Versions;
  readonly sandbox: TorturedSandbox;
  readonly clients: Clients;
  readonly suspensions: Suspensions;
  readonly faults: FaultSchedule;
  readonly random: () => number;
  kills: number;
  /** Lives in which the Worker and the objects were of different versions. */
  mixedLives: number;
  /** Calls to Claro that D1 had to keep until the cron delivered them. */
  strayCalls: number;
  /** After everything the suspended tenant could be let work again. */
  isPutRight: boolean;
};

/** Kills, heals, compares and reports. True when nothing was wrong. */
export async function runTorture(options: Options): Promise<boolean> {
  console.log(`torture: ${options.seconds} s, seed ${options.seed}`);
  const dir = mkdtempSync(join(tmpdir(), "torture-"));
  const random = seededRandom(options.seed);
  const versions = await buildVersions(options, dir);
  const sandbox = await createSandbox(options.seed);
  const gateway = new TorturedGateway(versions.before, { dir, port: await freePort(), vars: varsFor(sandbox) });
  let isKept = false;
  try {
    await gateway.start();
    const partners = await createPartners(gateway.url, options);
    const suspended = partners.find(({ isSuspended }) => isSuspended) as TorturedPartner;
    const clients = new Clients({ gateway, partners, random });
    const run: Run = {
      gateway,
      versions,
      sandbox,
      clients,
      suspensions: new Suspensions(gateway, { clients, partner: suspended, random }),
      faults: new FaultSchedule(random, { runMs: options.seconds * 1000, hasLedgerOutages: options.broken === null }),
      random,
      kills: 0,
      mixedLives: 0,
      strayCalls: 0,
      isPutRight: false,
    };
    await killLoop(run, options);
    await heal(run);
    const replays = await checkReplays(clients);
    const suspensions = run.suspensions.all;
    const records = await gatherRecords({ gateway, sandbox, clients, partners, suspensions, dir });
    const rebuilt = await checkRebuild(gateway, { wereTakenOver: options.before?.hasSameSchema === false });
    const violations = [...findViolations(records), ...replays, ...rebuilt, ...changesNotTaken(run)];
    report(run, { options, records, violations });
    if (violations.length > 0 && options.broken === null) isKept = keepEvidence(dir, { records, violations });
    return violations.length === 0;
  } finally {
    await gateway.kill();
    await sandbox.stop();
    if (!isKept) rmSync(dir, { recursive: true, force: true });
  }
}

/** What runs; in a run of one version, before and after are the same. */
async function buildVersions({ before, broken }: Options, dir: string): Promise<Versions> {
  const tree = treeWith([CUT_OFTEN, ...(broken === null ? [] : [broken])], join(dir, "changed"));
  const after = await buildBundle(tree, join(dir, "after"));
  if (before === null) return { before: after, after, areMixed: false };
  const earlier = await buildBundle(treeOfCommit(before.commit, join(dir, "sources")), join(dir, "before"));
  const classesOf = ({ objects }: Bundle) => new Set(Object.values(objects));
  return {
    before: earlier,
    after,
    areMixed: before.hasSameSchema && classesOf(earlier).symmetricDifference(classesOf(after)).size === 0,
  };
}

/**
 * Side by side in any pair, as during a gradual deployment, its return, and for minutes after either; else a deployment at
 * once in the middle of the run. Whether the Worker and the objects are of different versions.
 */
function deploySome({ gateway, versions, random }: Run, { isFirstHalf }: { isFirstHalf: boolean }): boolean {
  const { before, after, areMixed } = versions;
  const one = isFirstHalf ? before : after;
  const any = () => (random() < 0.5 ? before : after);
  const pair = areMixed ? { worker: any(), objects: any() } : { worker: one, objects: one };
  gateway.deploy(pair);
  return pair.worker !== pair.objects;
}

async function killLoop(run: Run, { seconds, clients: count }: Options): Promise<void> {
  const { gateway, sandbox, clients, suspensions, faults, random } = run;
  const startedAtMs = Date.now();
  const endsAtMs = startedAtMs + seconds * 1000;
  const progress = setInterval(() => printProgress(run, startedAtMs), PROGRESS_EVERY_MS);
  const claro = setInterval(() => void sandbox.setFaults(faults.claroFaults()), CLARO_FAULTS_EVERY_MS);
  clients.start(count);
  suspensions.start();
  while (Date.now() < endsAtMs) {
    await pause(SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    const outage = faults.ledgerOutage(Date.now() - startedAtMs);
    if (outage !== null) {
      await pause(BEFORE_OUTAGE_MS);
      console.log(`torture: the ledgers are ${outage.kind} for ${Math.round(outage.lastsMs / 1000)} s`);
      await gateway.takeLedgersAway(outage);
    }
    await gateway.kill();
    run.kills += 1;
    if (deploySome(run, { isFirstHalf: Date.now() - startedAtMs < seconds * 500 })) run.mixedLives += 1;
    await gateway.start(faults.innerFaults());
  }
  clearInterval(progress);
  clearInterval(claro);
}

/** The last life has no faults: clients come to their ends, open intents to theirs, and D1 gets everything. */
async function heal(run: Run): Promise<void> {
  const { gateway, versions, sandbox, clients, suspensions } = run;
  await gateway.kill();
  await sandbox.setFaults([]);
  gateway.deploy({ worker: versions.after, objects: versions.after });
  await gateway.start();
  console.log("torture: no more faults; clients end, intents expire, ledgers flush");
  [run.isPutRight] = await Promise.all([suspensions.stop(), clients.stop()]);
  // A ledger that takes nothing more has nothing to be waited for.
  if (!run.isPutRight) return;
  await pause(SETTLING_MS);
  for (let round = 0; round < MOST_SCHEDULED_ROUNDS; round += 1) {
    const { strayCalls } = await gateway.runScheduled();
    if (round === 0) run.strayCalls = strayCalls;
    if (strayCalls === 0) break;
  }
  await clients.askAgain();
  await pause(AFTER_DELIVERY_MS);
}

function printProgress({ clients, kills }: Run, startedAtMs: number): void {
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  const attempts = clients.lookups.flatMap((lookup) => lookup.attempts);
  const answered = attempts.filter(({ status }) => status === 200).length;
  const lost = attempts.filter(({ status }) => status === null).length;
  console.log(
    `${seconds} s: ${kills} kills, ${clients.lookups.length} lookups, ${answered} scores, ${lost} lost answers`,
  );
}

function report(
  { clients, kills, mixedLives, strayCalls, suspensions }: Run,
  { options, records, violations }: { options: Options; records: Records; violations: readonly Violation[] },
): void {
  const count = (outcome: string) => records.events.filter((event) => event.outcome === outcome).length;
  const attempts = clients.lookups.flatMap((lookup) => lookup.attempts);
  const byStatus = new Map<string, number>();
  for (const { status, code } of attempts) {
    const name = status === null ? "no answer" : `${status}${code === null ? "" : ` ${code}`}`;
    byStatus.set(name, (byStatus.get(name) ?? 0) + 1);
  }
  const latencies = attempts.filter(({ status }) => status !== null).map((one) => one.endedAtMs - one.sentAtMs);
  latencies.sort((left, right) => left - right);
  console.log(`
seed        ${options.seed}
seconds     ${options.seconds}
kills       ${kills}${options.before === null ? "" : ` (${mixedLives} lives with a Worker and objects of different versions)`}
lookups     ${clients.lookups.length} (${attempts.length} requests, ${records.calls.length} calls to Claro)
events      ${records.events.length}: ${["delivered", "not_found", "rejected", "failed", "unknown"].map((name) => `${count(name)} ${name}`).join(", ")}
answers     ${[...byStatus].map(([name, number]) => `${number} ${name}`).join(", ")}
cut short   ${records.lookups.filter(wasCutShort).length} (called Claro without an intent, in flight at a kill)
stray calls ${strayCalls} (kept in D1 while their ledger was away, delivered by the cron)
taken back  ${records.adjustments.length} (charged, and its answer could not be sent)
suspensions ${suspensions.all.length}
latency     median ${latencies[latencies.length >> 1] ?? 0} ms, longest ${latencies.at(-1) ?? 0} ms
violations  ${violations.length}`);
  for (const [invariant, found] of Map.groupBy(violations, (violation) => violation.invariant)) {
    console.log(`  invariant ${invariant}: ${found.length}`);
    for (const { subject, what } of found.slice(0, PRINTED_VIOLATIONS)) console.log(`    ${subject}: ${what}`);
  }
}

function changesNotTaken({ isPutRight }: Run): Violation[] {
  if (isPutRight) return [];
  return [{ invariant: "11 a change is taken in the end", subject: "the suspended tenant", what: "stays suspended" }];
}

/** Everything that is known of the violations' lookups, beside the state on disk. */
function keepEvidence(
  dir: string,
  { records, violations }: { records: Records; violations: readonly Violation[] },
): boolean {
  const evidence = violations.map((violation) => {
    const lookup = records.lookups.find((one) => isAbout(one, violation.subject));
    if (lookup === undefined) return violation;
    const { attempts, events, calls } = lookup;
    const adjustments = records.adjustments.filter(({ corrects }) => events.some(({ id }) => id === corrects));
    return { ...violation, tenantId: lookup.partner.tenantId, attempts, events, adjustments, calls };
  });
  const file = join(dir, "violations.json");
  writeFileSync(file, JSON.stringify(evidence, null, 2));
  console.log(`torture: what is known of them is in ${file}, the state on disk beside it`);
  return true;
}

function isAbout({ name, events }: TracedLookup, subject: string): boolean {
  return name === subject || events.some(({ id }) => id === subject);
}

function varsFor(sandbox: TorturedSandbox): Record<string, string> {
  return {
    ...SECRETS,
    CLARO_BASE_URL: sandbox.url,
    CLARO_TIMEOUT_MS: String(CLARO_TIMEOUT_MS),
    LEDGER_FLUSH_MS: "250",
    LOCAL: "true",
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

async function pause(durationMs: number): Promise<void> {
  await new Promise((done) => setTimeout(done, durationMs));
}
