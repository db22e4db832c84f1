import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "./bundle.ts";

export type RunningSandbox = { readonly url: string; readonly stop: () => void };

/** Claro, simulated, as a process of its own. */
export async function startSandbox(options: { latencyMs: number }): Promise<RunningSandbox> {
  const args = [join(ROOT, "src/ctl/sandbox.ts"), "--port", "0", "--no-journal", "--quiet"];
  const child = spawn(process.execPath, [...args, "--latency-ms", String(options.latencyMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url !== undefined) return { url, stop: () => child.kill() };
  }
  throw new Error("the sandbox ended before it said where it is");
}
