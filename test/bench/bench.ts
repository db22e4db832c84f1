import { parseArgs } from "node:util";

type Options = { readonly rounds: number; readonly seconds: number; readonly events: number };
type Section = { readonly title: string; readonly run: (options: Options) => Promise<{ rows: unknown; text: string }> };

/** In the order in which they run. A section is loaded when it runs: its tools take a second to load. */
const SECTIONS: Readonly<Record<string, Section>> = {
  throughput: section("Lookups a second, against a bare Worker and the obvious one", async () => {
    const { measureThroughput, printThroughput } = await import("./sections/throughput.ts");
    return { measure: measureThroughput, print: printThroughput };
  }),
  distance: section("What the gateway adds where its objects are far away", async () => {
    const { measureDistance, printDistance } = await import("./sections/distance.ts");
    return { measure: measureDistance, print: printDistance };
  }),
  operations: section("What a million lookups cost", async () => {
    const { measureOperations, printOperations } = await import("./sections/operations.ts");
    return { measure: measureOperations, print: printOperations };
  }),
  backlog: section("A ledger whose events wait for D1: its rows, and who waits when it starts again", async () => {
    const { measureBacklog, printBacklog } = await import("./sections/backlog.ts");
    return { measure: measureBacklog, print: printBacklog };
  }),
  months: section("A large month of one tenant, to its close and its comparison with Claro's report", async () => {
    const { measureMonthFigures, printMonthFigures } = await import("./sections/months.ts");
    return { measure: measureMonthFigures, print: printMonthFigures };
  }),
  growth: section("What grows with events and tenants, and what does not", async () => {
    const { measureGrowth, printGrowth } = await import("./sections/growth.ts");
    return { measure: measureGrowth, print: printGrowth };
  }),
  start: section("Bundle and cold start", async () => {
    const { measureStart, printStart } = await import("./sections/start.ts");
    return { measure: measureStart, print: printStart };
  }),
};

const USAGE = `npm run bench -- [options]

  --only <sections>   some of ${Object.keys(SECTIONS).join(",")}, with commas between them (default: all)
  --rounds <n>        rounds that count, 1 to 100 (default: 5)
  --seconds <n>       seconds of load in a round, 0.1 to 600 (default: 2)
  --events <n>        events in backlog and in the largest month of months and growth, 1000 to 10000000 (default: 1000000)
  --json              one JSON document instead of tables
  --help              this`;

const asked = readArguments();
if (asked === "help") console.log(USAGE);
else if ("mistake" in asked) {
  console.error(asked.mistake);
  process.exitCode = 2;
} else await runSections(asked);

async function runSections({ names, isJson, ...options }: Asked): Promise<void> {
  const results: Record<string, unknown> = {};
  for (const name of names) {
    const { title, run } = SECTIONS[name] as Section;
    console.error(`${name} …`);
    const { rows, text } = await run(options);
    results[name] = rows;
    if (!isJson) console.log(`## ${title}\n\n${text}\n`);
  }
  if (isJson) console.log(JSON.stringify(results, null, 2));
}

type Asked = Options & { readonly names: readonly string[]; readonly isJson: boolean };

function readArguments(): Asked | "help" | { readonly mistake: string } {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        only: { type: "string", default: Object.keys(SECTIONS).join(",") },
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "2" },
        events: { type: "string", default: "1000000" },
      },
    });
    if (values.help) return "help";
    const names = [...new Set(values.only.split(","))];
    const unknown = names.find((name) => !Object.hasOwn(SECTIONS, name));
    if (unknown !== undefined) {
      return { mistake: `--only: no section "${unknown}"; there are ${Object.keys(SECTIONS).join(", ")}` };
    }
    const rounds = Number(values.rounds);
    const seconds = Number(values.seconds);
    if (!/^\d+$/.test(values.rounds) || rounds < 1 || rounds > 100) {
      return { mistake: `--rounds: "${values.rounds}" is not a whole number from 1 to 100` };
    }
    if (!/^\d+(\.\d+)?$/.test(values.seconds) || seconds < 0.1 || seconds > 600) {
      return { mistake: `--seconds: "${values.seconds}" is not a number from 0.1 to 600` };
    }
    const events = Number(values.events);
    if (!/^\d+$/.test(values.events) || events < 1000 || events > 10_000_000) {
      return { mistake: `--events: "${values.events}" is not a whole number from 1000 to 10000000` };
    }
    return { names, isJson: values.json, rounds, seconds, events };
  } catch (error) {
    return { mistake: (error as Error).message.split("\n")[0] ?? "" };
  }
}

function section<Rows>(
  title: string,
  load: () => Promise<{ measure: (options: Options) => Promise<Rows>; print: (rows: Rows) => string }>,
): Section {
  return {
    title,
    run: async (options) => {
      const { measure, print } = await load();
      const rows = await measure(options);
      return { rows, text: print(rows) };
    },
  };
}
