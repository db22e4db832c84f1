import { gatewayVars } from "../contenders.ts";
import { bundle } from "../runtime/bundle.ts";
import { startSandbox } from "../runtime/sandbox.ts";
import { startWorker } from "../runtime/worker.ts";
import { spreadOf, table, written, type Spread } from "../statistics.ts";

/** What was agreed on for the bundle without its pages, and what it holds itself to with them. */
const AGREED_GZIP_BYTES = 1_000_000;
export const OWN_GZIP_BYTES = 400_000;

/**
 * How many times the bare Worker's start the gateway's may take, by the quickest of each: what else the machine does only
 * ever adds, to both alike, so that this is passed by work that was added and by nothing else.
 */
export const LONGEST_START_OF_BARE = 30;

const STARTS_A_ROUND = 4;

export type StartRows = {
  readonly bundle: { readonly bytes: number; readonly gzipBytes: number };
  /** From the request for a new isolate to its first answer. */
  readonly bareMs: Spread;
  readonly gatewayMs: Spread;
};

/** The bundle as it is deployed, and new isolates with it in one workerd, in turns with the bare Worker's. */
export async function measureStart(options: { rounds: number }): Promise<StartRows> {
  const sandbox = await startSandbox({ latencyMs: 0 });
  const gateway = await bundle("start-gateway");
  const bare = await bundle("start-bare", { config: "test/bench/bare/wrangler.toml" });
  const loader = await startWorker("loader", {
    config: "test/bench/loader/wrangler.toml",
    vars: {
      GATEWAY_CODE: gateway.code,
      GATEWAY_VARS: JSON.stringify(gatewayVars(sandbox.url)),
      BARE_CODE: bare.code,
      BARE_VARS: JSON.stringify({ CLARO_BASE_URL: sandbox.url }),
    },
  });
  const times: Record<"BARE" | "GATEWAY", number[]> = { BARE: [], GATEWAY: [] };
  // The first round is for the loader itself.
  for (let start = 0; start <= options.rounds * STARTS_A_ROUND; start += 1) {
    for (const name of ["BARE", "GATEWAY"] as const) {
      const ms = await timeStart(`${loader.url}/${name}/healthz`);
      if (start > 0) times[name].push(ms);
    }
  }
  await loader.stop();
  sandbox.stop();
  const { bytes, gzipBytes } = gateway;
  return { bundle: { bytes, gzipBytes }, bareMs: spreadOf(times.BARE), gatewayMs: spreadOf(times.GATEWAY) };
}

async function timeStart(url: string): Promise<number> {
  const startMs = performance.now();
  const response = await fetch(url);
  await response.arrayBuffer();
  // The sandbox, behind the bare Worker, has no such path: that it says so is an answer.
  if (response.status >= 500) throw new Error(`a new isolate answered ${response.status}`);
  return performance.now() - startMs;
}

export function printStart({ bundle: { bytes, gzipBytes }, bareMs, gatewayMs }: StartRows): string {
  const kb = (count: number) => `${(count / 1000).toFixed(0)} kB`;
  const size = table(
    ["bundle, pages included", "gzip", "own bound", "agreed, without pages"],
    [[kb(bytes), kb(gzipBytes), kb(OWN_GZIP_BYTES), kb(AGREED_GZIP_BYTES)]],
  );
  const start = table(
    ["isolate, from nothing to its first answer", "ms", "times bare, quickest of each", "bound"],
    [
      ["bare", written(bareMs, 1), "", ""],
      ["gateway", written(gatewayMs, 1), (gatewayMs.min / bareMs.min).toFixed(1), String(LONGEST_START_OF_BARE)],
    ],
  );
  return `${size}\n\n${start}`;
}
