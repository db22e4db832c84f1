import {
  startBare,
  startCalls,
  startGateway,
  startObvious,
  startWithoutLedger,
  type Contender,
} from "../contenders.ts";
import { LoadGenerator, type LoadResult } from "../load/load.ts";
import { cpuMs } from "../runtime/process_usage.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { spreadOf, table, written, type Spread } from "../statistics.ts";

const CONCURRENCIES = [1, 32, 128] as const;
const CONTENDERS = ["bare", "calls", "without", "gateway", "obvious"] as const;
type Name = (typeof CONTENDERS)[number];
type Result = Pick<LoadResult, "answers" | "allAnswers" | "seconds"> & {
  /** For all answers. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};
type Results = Record<Name, Result[]>;

/** Of the gateway without a ledger, what the one with it must reach: in processor time, of the whole runtime. */
const ASKED_OF_WITHOUT = { 32: 0.85, 128: 0.95 } as const;

export type ThroughputRow = {
  readonly concurrency: number;
  readonly ofBare: Spread;
  /** Of what the same calls reach with nothing around them. */
  readonly ofCalls: Spread;
  /** Of the same gateway whose ledger calls are answered in the isolate: by answers a second, and by processor time. */
  readonly ofWithout: Spread;
  readonly cpuOfWithout: Spread;
  readonly ofObvious: Spread;
  readonly contenders: Readonly<Record<Name, Figures>>;
};

type Figures = {
  readonly perSecond: Spread;
  readonly cpuMsPerAnswer: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
};

/** Load before anything is measured, for the compiler. */
const WARM_UP = { concurrency: 32, warmUpMs: 0, durationMs: 1500 };
/** Each round's seconds are parted into so many turns: what else the machine does changes from second to second. */
const TURNS = 4;
/** Of each turn, before its clock starts: until all connections are there. */
const RUN_UP_MS = 200;

/**
 * Lookups a second and their latency, against the bare Worker, the calls alone, the gateway without its ledger and the
 * obvious one. All take turns in each
 * round, and a ratio is of neighbours in one round: what else the machine does strikes them alike. Each round starts them
 * anew, for of the same program one process can be a fifth faster than another for as long as it lives.
 */
export async function measureThroughput(options: { rounds: number; seconds: number }): Promise<ThroughputRow[]> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const load = new LoadGenerator();
  const results = new Map<number, Results>(
    CONCURRENCIES.map((concurrency) => [concurrency, { bare: [], calls: [], without: [], gateway: [], obvious: [] }]),
  );
  for (let round = 0; round < options.rounds; round += 1) {
    const contenders: Record<Name, Contender> = {
      bare: await startBare(sandbox.url),
      calls: await startCalls(sandbox.url),
      without: await startWithoutLedger(sandbox.url),
      gateway: await startGateway(sandbox.url),
      obvious: await startObvious(sandbox.url),
    };
    for (const name of CONTENDERS) await load.run(contenders[name], WARM_UP);
    for (const [concurrency, resultsOf] of results) {
      const turns: Results = { bare: [], calls: [], without: [], gateway: [], obvious: [] };
      const durationMs = (options.seconds * 1000) / TURNS;
      for (let turn = 0; turn < TURNS; turn += 1) {
        for (const name of CONTENDERS)
          turns[name].push(await runOne(load, contenders[name], { concurrency, durationMs }));
      }
      for (const name of CONTENDERS) resultsOf[name].push(together(turns[name]));
    }
    for (const { worker } of Object.values(contenders)) await worker.stop();
  }
  load.stop();
  sandbox.stop();
  return Array.from(results, ([concurrency, resultsOf]) => rowOf(concurrency, resultsOf));
}

async function runOne(
  load: LoadGenerator,
  contender: Contender,
  { concurrency, durationMs }: { concurrency: number; durationMs: number },
): Promise<Result> {
  const beforeMs = cpuMs(contender.worker.pid);
  const { latenciesMs, ...counts } = await load.run(contender, { concurrency, warmUpMs: RUN_UP_MS, durationMs });
  const usedMs = cpuMs(contender.worker.pid) - beforeMs;
  return { ...counts, cpuMs: usedMs, p50Ms: latenciesMs.p50, p99Ms: latenciesMs.p99 };
}

/** A round's turns as one. */
function together(turns: readonly Result[]): Result {
  const sum = (of: (turn: Result) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  return {
    answers: sum(({ answers }) => answers),
    allAnswers: sum(({ allAnswers }) => allAnswers),
    seconds: sum(({ seconds }) => seconds),
    cpuMs: sum((turn) => turn.cpuMs),
    p50Ms: spreadOf(turns.map(({ p50Ms }) => p50Ms)).median,
    p99Ms: spreadOf(turns.map(({ p99Ms }) => p99Ms)).median,
  };
}

function rowOf(concurrency: number, results: Results): ThroughputRow {
  const ratios = (to: Name) =>
    results.gateway.map((result, round) => perSecond(result) / perSecond(results[to][round] as Result));
  const cpuRatios = results.gateway.map(
    (result, round) => cpuMsPerAnswer(results.without[round] as Result) / cpuMsPerAnswer(result),
  );
  const figures = (name: Name): Figures => ({
    perSecond: spreadOf(results[name].map(perSecond)),
    cpuMsPerAnswer: spreadOf(results[name].map(cpuMsPerAnswer)),
    p50Ms: spreadOf(results[name].map(({ p50Ms }) => p50Ms)),
    p99Ms: spreadOf(results[name].map(({ p99Ms }) => p99Ms)),
  });
  return {
    concurrency,
    ofBare: spreadOf(ratios("bare")),
    ofCalls: spreadOf(ratios("calls")),
    ofWithout: spreadOf(ratios("without")),
    cpuOfWithout: spreadOf(cpuRatios),
    ofObvious: spreadOf(ratios("obvious")),
    contenders: {
      bare: figures("bare"),
      calls: figures("calls"),
      without: figures("without"),
      gateway: figures("gateway"),
      obvious: figures("obvious"),
    },
  };
}

function perSecond({ answers, seconds }: Result): number {
  return answers / seconds;
}

function cpuMsPerAnswer({ allAnswers, cpuMs: usedMs }: Result): number {
  return usedMs / allAnswers;
}

export function printThroughput(rows: readonly ThroughputRow[]): string {
  const ratios = table(
    [
      "concurrency",
      "of bare",
      "of its calls alone",
      "of itself without a ledger",
      "the same, by processor time",
      "asked for",
      "times the obvious one",
    ],
    rows.map(({ concurrency, ofBare, ofCalls, ofWithout, cpuOfWithout, ofObvious }) => [
      String(concurrency),
      written(ofBare, 2),
      written(ofCalls, 2),
      written(ofWithout, 2),
      written(cpuOfWithout, 2),
      (ASKED_OF_WITHOUT as Readonly<Record<number, number>>)[concurrency]?.toFixed(2) ?? "",
      written(ofObvious, 2),
    ]),
  );
  const absolute = table(
    ["concurrency", "Worker", "answers/s", "processor ms an answer", "p50 ms", "p99 ms"],
    rows.flatMap(({ concurrency, contenders }) =>
      CONTENDERS.map((name) => {
        const { perSecond: rate, cpuMsPerAnswer, p50Ms, p99Ms } = contenders[name];
        const shown = [written(rate, 0), written(cpuMsPerAnswer, 3), written(p50Ms, 2), written(p99Ms, 2)];
        return [String(concurrency), name, ...shown];
      }),
    ),
  );
  return `${ratios}\n\n${absolute}`;
}
