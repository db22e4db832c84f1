import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { MAGIC_CPFS } from "../sandbox/magic_cpfs.ts";
import { createSandboxServer } from "./sandbox/server.ts";

const HOST = "127.0.0.1";
const HELP = `Claro's Score API, simulated: any key and secret get a token, any valid CPF has a score.

  npm run sandbox -- [options]

  --port N        where it listens on ${HOST} (default 9797; 0 picks a free port)
  --latency-ms N  added to every score answer (default 0)
  --seed N        of the faults that strike with a probability (default 1)
  --no-journal    only counts the calls, for benchmarks
  --quiet         prints nothing but the address
  --help          this text

  Tests steer it under /__sandbox/: GET journal?since=N&limit=N, GET counts, POST reset, POST revoke-tokens, POST faults.
`;

type Arguments = {
  readonly port: number;
  readonly latencyMs: number;
  readonly seed: number;
  readonly keepsJournal: boolean;
  readonly isQuiet: boolean;
  readonly wantsHelp: boolean;
};

try {
  const args = readArguments(process.argv.slice(2));
  if (args.wantsHelp) process.stdout.write(HELP);
  else serve(args);
} catch (error) {
  exitWith(error instanceof Error ? error.message : String(error));
}

function serve(args: Arguments): void {
  const server = createSandboxServer(args);
  server.on("error", (error: NodeJS.ErrnoException) => {
    exitWith(error.code === "EADDRINUSE" ? `Port ${args.port} is already in use.` : error.message);
  });
  server.listen(args.port, HOST, () => {
    const url = `http://${HOST}:${(server.address() as AddressInfo).port}`;
    process.stdout.write(`Sandbox of Claro listening on ${url}\n${args.isQuiet ? "" : introduction(url)}`);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
    });
  }
}

function introduction(url: string): string {
  const rows = MAGIC_CPFS.map(({ cpf, claroStatus, description }) => {
    return `  ${cpf}  ${claroStatus ?? "   "}  ${description.en}`;
  });
  return `
Point a gateway at it:
  npm start -- --var CLARO_BASE_URL:${url}

Magic CPFs, with the status that Claro gives (any other valid CPF has a fixed score):
${rows.join("\n")}
`;
}

/** Throws an `Error` for people to read when an argument is unknown or malformed. */
function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "9797" },
      "latency-ms": { type: "string", default: "0" },
      seed: { type: "string", default: "1" },
      "no-journal": { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    port: wholeNumber("--port", values.port, 65_535),
    latencyMs: wholeNumber("--latency-ms", values["latency-ms"], 600_000),
    seed: wholeNumber("--seed", values.seed, 4_294_967_295),
    keepsJournal: !values["no-journal"],
    isQuiet: values.quiet,
    wantsHelp: values.help,
  };
}

function wholeNumber(name: string, text: string, largest: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= largest)) throw new Error(`${name} must be a whole number from 0 to ${largest}.`);
  return value;
}

function exitWith(message: string): void {
  process.stderr.write(`Sandbox: ${message}\n`);
  process.exitCode = 1;
}
