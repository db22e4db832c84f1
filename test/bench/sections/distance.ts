import { startBare, startGateway, type Contender } from "../contenders.ts";
import { LoadGenerator } from "../load/load.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { spreadOf, table, written, type Spread } from "../statistics.ts";

/** A round trip from São Paulo to an object in North America, and Claro's own time, about. */
const DISTANCE_MS = 120;
const CLARO_MS = 200;
const CONCURRENCY = 8;

export type DistanceRow = {
  readonly path: string;
  readonly p50Ms: Spread;
  /** Beyond what the bare Worker takes for the same call in the same round. */
  readonly addedMs: Spread;
  readonly roundTrips: Spread;
};

/** What the gateway adds to Claro's own time where its objects are far away. */
export async function measureDistance(options: { rounds: number; seconds: number }): Promise<DistanceRow[]> {
  const sandbox = await startSandbox({ latencyMs: CLARO_MS });
  const gateway = await startGateway(sandbox.url, {
    name: "distant",
    entry: "test/bench/distant/worker.ts",
    vars: { DISTANCE_MS: String(DISTANCE_MS) },
  });
  const bare = await startBare(sandbox.url);
  const paths: readonly (readonly [string, Contender])[] = [
    ["bare: Claro's own time", bare],
    ["common path: far from all limits, no idempotency key", gateway],
    ["with an idempotency key", { ...gateway, requests: gateway.repeatable }],
  ];
  const load = new LoadGenerator();
  const medians = paths.map((): number[] => []);
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const [index, [, contender]] of paths.entries()) {
      const durationMs = options.seconds * 1000;
      const result = await load.run(contender, { concurrency: CONCURRENCY, warmUpMs: 1000, durationMs });
      if (round > 0) medians[index]?.push(result.latenciesMs.p50);
    }
  }
  load.stop();
  for (const { worker } of [gateway, bare]) await worker.stop();
  sandbox.stop();
  return paths.map(([path], index) => {
    const added = (medians[index] ?? []).map((ms, round) => ms - (medians[0]?.[round] ?? 0));
    return {
      path,
      p50Ms: spreadOf(medians[index] ?? []),
      addedMs: spreadOf(added),
      roundTrips: spreadOf(added.map((ms) => ms / DISTANCE_MS)),
    };
  });
}

export function printDistance(rows: readonly DistanceRow[]): string {
  return table(
    ["path", "p50 ms", "added to Claro's own, ms", "in round trips"],
    rows.map(({ path, p50Ms, addedMs, roundTrips }) => [
      path,
      written(p50Ms, 0),
      written(addedMs, 0),
      written(roundTrips, 2),
    ]),
  );
}
