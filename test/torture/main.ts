import { parseArgs } from "node:util";
import { brokenLedger, BROKEN_LEDGERS } from "./broken_ledgers.ts";
import { runTorture } from "./run.ts";
import { versionBefore } from "./versions.ts";

const HELP = `The kill loop: the gateway is killed with SIGKILL again and again under load, then all records are compared.

  npm run torture -- [options] [BEFORE]

  --seconds N   how long it is killed and started again (default 60)
  --seed S      of the faults, the load and the moments of the kills (default: a new one, which is printed)
  --clients N   how many look up at once (default 24)
  --versions    the version BEFORE (a commit; default: 20 commits ago) runs beside this checkout's: an old Worker on new
                objects, the other way round, both old, or both new, anew after each kill. Where the ledger's schemas
                differ it is replaced by this checkout's in the middle of the run
  --broken NAME with a fault in the ledger, which has to be found: ${BROKEN_LEDGERS.map(({ name }) => name).join(", ")}
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000_000)) },
    clients: { type: "string", default: "24" },
    versions: { type: "boolean", default: false },
    broken: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
// Leaves nothing running: the processes that it started are killed when it exits.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
if (values.help) {
  process.stdout.write(HELP);
} else {
  const { seconds, seed, clients } = values;
  for (const [name, text] of Object.entries({ seconds, seed, clients })) {
    if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number`);
  }
  if (positionals.length > (values.versions ? 1 : 0)) throw new Error(`what is ${positionals.at(-1)}? See --help`);
  const before = values.versions ? versionBefore(positionals[0] ?? null) : null;
  if (before !== null) console.log(`torture: the version before is ${before.title}`);
  const isClean = await runTorture({
    seconds: Number(seconds),
    seed: Number(seed),
    clients: Number(clients),
    before,
    broken: values.broken === undefined ? null : brokenLedger(values.broken),
  });
  process.exit(isClean ? 0 : 1);
}
