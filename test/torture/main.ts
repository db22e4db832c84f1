import { parseArgs } from "node:util";
import { runTorture } from "./run.ts";

const HELP = `The kill loop: the gateway is killed with SIGKILL again and again under load, then all records are compared.

  npm run torture -- [options]

  --seconds N   how long it is killed and started again (default 60)
  --seed S      of the faults, the load and the moments of the kills (default: a new one, which is printed)
  --clients N   how many look up at once (default 24)
`;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000_000)) },
    clients: { type: "string", default: "24" },
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
  const isClean = await runTorture({ seconds: Number(seconds), seed: Number(seed), clients: Number(clients) });
  process.exit(isClean ? 0 : 1);
}
