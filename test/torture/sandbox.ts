import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { Fault } from "../../src/ctl/sandbox/faults.ts";
import type { JournalEntry } from "../../src/ctl/sandbox/journal.ts";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";

/** The stand-alone sandbox as a process of its own: it keeps the truth while the gateway dies. */
export type TorturedSandbox = {
  readonly url: string;
  readonly setFaults: (faults: readonly Fault[]) => Promise<void>;
  readonly journal: () => Promise<JournalEntry[]>;
  readonly stop: () => Promise<void>;
};

/** Entries a request, so that no answer grows with the length of the run. */
const PAGE = 5000;

export async function createSandbox(seed: number): Promise<TorturedSandbox> {
  const script = join(PROJECT_ROOT, "src/ctl/sandbox.ts");
  const child = spawn(process.execPath, [script, "--port", "0", "--quiet", "--seed", String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill());
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const url = /http:\/\/\S+/.exec(line)?.[0];
  if (url === undefined) throw new Error("the sandbox did not say where it listens");
  return {
    url,
    setFaults: async (faults) => {
      const response = await fetch(`${url}/__sandbox/faults`, { method: "POST", body: JSON.stringify(faults) });
      if (!response.ok) throw new Error(`the sandbox refused the faults: ${await response.text()}`);
      await response.body?.cancel();
    },
    journal: async () => {
      const all: JournalEntry[] = [];
      for (;;) {
        const response = await fetch(`${url}/__sandbox/journal?since=${all.length}&limit=${PAGE}`);
        const { entries } = await response.json<{ entries: JournalEntry[] }>();
        if (entries.length === 0) return all;
        all.push(...entries);
      }
    },
    stop: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
