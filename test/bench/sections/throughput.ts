import { startBare, startCalls, startGateway, startObvious, type Contender } from "../contenders.ts";
import { LoadGenerator, type LoadResult } from "../load/load.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { spreadOf, table, written, type Spread } from "../statistics.ts";

const CONCURRENCIES = [1, 32, 128] as const;
const CONTENDERS = ["bare", "calls", "gateway", "obvious"] as const;
type Name = (typeof CONTENDERS)[number];
type Results = Record<Name, LoadResult[]>;

export type ThroughputRow = {
  readonly concurrency: number;
  readonly ofBare: Spread;
  /** Of what the same calls reach with nothing around them. */
  readonly ofCalls: Spread;
  readonly ofObvious: Spread;
  readonly contenders: Readonly<Record<Name, { perSecond: Spread; p50Ms: Spread; p99Ms: Spread }>>;
};

/** Load before anything is measured, for the compiler. */
const WARM_UP = { concurrency: 32, warmUpMs: 0, durationMs: 1500 };

/**
 * Lookups a second and their latency, against the bare Worker, the calls alone and the obvious one. All take turns in each
 * round, and a ratio is of neighbours in one round: what else the machine does strikes them alike. Each round starts them
 * anew, for of the same program one process can be a fifth faster than another for as long as it lives.
 */
export async function measureThroughput(options: { rounds: number; seconds: number }): Promise<ThroughputRow[]> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const load = new LoadGenerator();
  const results = new Map<number, Results>(
    CONCURRENCIES.map((concurrency) => [concurrency, { bare: [], calls: [], gateway: [], obvious: [] }]),
  );
  for (let round = 0; round < options.rounds; round += 1) {
    const contenders: Record<Name, Contender> = {
      bare: await startBare(sandbox.url),
      calls: await startCalls(sandbox.url),
      gateway: await startGateway(sandbox.url),
      obvious: await startObvious(sandbox.url),
    };
    for (const name of CONTENDERS) await load.run(contenders[name], WARM_UP);
    for (const [concurrency, resultsOf] of results) {
      for (const name of CONTENDERS) {
        const run = { concurrency, warmUpMs: 300, durationMs: options.seconds * 1000 };
        resultsOf[name].push(await load.run(contenders[name], run));
      }
    }
    for (const { worker } of Object.values(contenders)) await worker.stop();
  }
  load.stop();
  sandbox.stop();
  return Array.from(results, ([concurrency, resultsOf]) => rowOf(concurrency, resultsOf));
}

function rowOf(concurrency: number, results: Results): ThroughputRow {
  const ratios = (to: Name) =>
    results.gateway.map((result, round) => perSecond(result) / perSecond(results[to][round] as LoadResult));
  const figures = (name: Name) => ({
    perSecond: spreadOf(results[name].map(perSecond)),
    p50Ms: spreadOf(results[name].map((result) => result.latenciesMs.p50)),
    p99Ms: spreadOf(results[name].map((result) => result.latenciesMs.p99)),
  });
  return {
    concurrency,
    ofBare: spreadOf(ratios("bare")),
    ofCalls: spreadOf(ratios("calls")),
    ofObvious: spreadOf(ratios("obvious")),
    contenders: {
      bare: figures("bare"),
      calls: figures("calls"),
      gateway: figures("gateway"),
      obvious: figures("obvious"),
    },
  };
}

function perSecond({ answers, seconds }: LoadResult): number {
  return answers / seconds;
}

export function printThroughput(rows: readonly ThroughputRow[]): string {
  const ratios = table(
    ["concurrency", "of bare", "of its calls alone", "times the obvious one"],
    rows.map(({ concurrency, ofBare, ofCalls, ofObvious }) => [
      String(concurrency),
      written(ofBare, 2),
      written(ofCalls, 2),
      written(ofObvious, 2),
    ]),
  );
  const absolute = table(
    ["concurrency", "Worker", "answers/s", "p50 ms", "p99 ms"],
    rows.flatMap(({ concurrency, contenders }) =>
      CONTENDERS.map((name) => {
        const { perSecond: rate, p50Ms, p99Ms } = contenders[name];
        return [String(concurrency), name, written(rate, 0), written(p50Ms, 2), written(p99Ms, 2)];
      }),
    ),
  );
  return `${ratios}\n\n${absolute}`;
}
