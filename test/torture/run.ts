import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSandbox, type TorturedSandbox } from "./sandbox.ts";
import { seededRandom } from "../../src/ctl/sandbox/seeded_random.ts";
import { findViolations, wasCutShort, type Violation } from "./checks.ts";
import { Clients } from "./clients.ts";
import { FaultSchedule } from "./faults.ts";
import { TorturedGateway } from "./gateway.ts";
import { checkRebuild, checkReplays, gatherRecords } from "./gather.ts";
import { createPartners, SECRETS } from "./partners.ts";

const CLARO_TIMEOUT_MS = 1000;
/** As the gateway's settings make it of the time limit, with what an alarm and a flush take. */
const SETTLING_MS = 2 * CLARO_TIMEOUT_MS + 10_000 + 5000;
/** How long one life of the gateway lasts, once it is ready. */
const SHORTEST_LIFE_MS = 200;
const LONGEST_LIFE_MS = 2600;
const CLARO_FAULTS_EVERY_MS = 700;
const PROGRESS_EVERY_MS = 5000;
/** Of each invariant. */
const PRINTED_VIOLATIONS = 20;

type Options = { readonly seconds: number; readonly seed: number; readonly clients: number };
type Run = {
  readonly gateway: TorturedGateway;
  readonly sandbox: TorturedSandbox;
  readonly clients: Clients;
  readonly faults: FaultSchedule;
  readonly random: () => number;
  kills: number;
};

/** Kills, heals, compares and reports. True when nothing was wrong. */
export async function runTorture(options: Options): Promise<boolean> {
  console.log(`torture: ${options.seconds} s, seed ${options.seed}`);
  const dir = mkdtempSync(join(tmpdir(), "torture-"));
  const sandbox = await createSandbox(options.seed);
  const random = seededRandom(options.seed);
  const gateway = await TorturedGateway.build({ dir, port: await freePort(), vars: varsFor(sandbox) });
  try {
    await gateway.start();
    const partners = await createPartners(gateway.url, options);
    const clients = new Clients({ gateway, partners, random });
    const run: Run = { gateway, sandbox, clients, faults: new FaultSchedule(random), random, kills: 0 };
    await killLoop(run, options);
    await heal(run);
    const replays = await checkReplays(clients);
    const records = await gatherRecords({ gateway, sandbox, clients, partners, dir });
    const rebuilt = await checkRebuild(gateway);
    const violations = [...findViolations(records), ...replays, ...rebuilt];
    report(run, { options, records, violations });
    return violations.length === 0;
  } finally {
    await gateway.kill();
    await sandbox.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function killLoop(run: Run, { seconds, clients: count }: Options): Promise<void> {
  const { gateway, sandbox, clients, faults, random } = run;
  const startedAtMs = Date.now();
  const endsAtMs = startedAtMs + seconds * 1000;
  const progress = setInterval(() => printProgress(run, startedAtMs), PROGRESS_EVERY_MS);
  const claro = setInterval(() => void sandbox.setFaults(faults.claroFaults()), CLARO_FAULTS_EVERY_MS);
  clients.start(count);
  while (Date.now() < endsAtMs) {
    await pause(SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    await gateway.kill();
    run.kills += 1;
    await gateway.start(faults.innerFaults());
  }
  clearInterval(progress);
  clearInterval(claro);
}

/** The last life has no faults: clients come to their ends, open intents to theirs, and D1 gets everything. */
async function heal({ gateway, sandbox, clients }: Run): Promise<void> {
  await gateway.kill();
  await sandbox.setFaults([]);
  await gateway.start();
  console.log("torture: no more faults; clients end, intents expire, ledgers flush");
  await clients.stop();
  await pause(SETTLING_MS);
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
  { clients, kills }: Run,
  {
    options,
    records,
    violations,
  }: { options: Options; records: Awaited<ReturnType<typeof gatherRecords>>; violations: readonly Violation[] },
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
kills       ${kills}
lookups     ${clients.lookups.length} (${attempts.length} requests, ${records.calls.length} calls to Claro)
events      ${records.events.length}: ${["delivered", "not_found", "rejected", "failed", "unknown"].map((name) => `${count(name)} ${name}`).join(", ")}
answers     ${[...byStatus].map(([name, number]) => `${number} ${name}`).join(", ")}
cut short   ${records.lookups.filter(wasCutShort).length} (called Claro without an intent, in flight at a kill)
latency     median ${latencies[latencies.length >> 1] ?? 0} ms, longest ${latencies.at(-1) ?? 0} ms
violations  ${violations.length}`);
  for (const [invariant, found] of Map.groupBy(violations, (violation) => violation.invariant)) {
    console.log(`  invariant ${invariant}: ${found.length}`);
    for (const { subject, what } of found.slice(0, PRINTED_VIOLATIONS)) console.log(`    ${subject}: ${what}`);
  }
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
