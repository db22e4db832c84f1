import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { PROJECT_ROOT } from "./processes.ts";

/** Whether this machine has what makes a terminal. */
export const HAS_TERMINAL = spawnSync("script", ["--version"]).status === 0;

export type Shown = { readonly code: number | null; readonly shown: string; readonly raw: string };

export type Terminal = {
  readonly type: (text: string) => void;
  /** Waits until what was shown holds `pattern`. */
  readonly shows: (pattern: RegExp) => Promise<void>;
  readonly ended: Promise<Shown>;
};

/** What a spinner wrote and has erased: back to the line's first column, and all after it gone. */
// oxlint-disable-next-line no-control-regex
const ERASED = /[^\n]*\x1b\[1G\x1b\[J/g;

/** Runs a script of Node in a terminal of its own. */
export function inTerminal(
  args: readonly string[],
  options: { columns?: number; env?: Record<string, string>; timeoutMs?: number } = {},
): Terminal {
  const { columns = 80, env = {}, timeoutMs = 20_000 } = options;
  const words = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  const child = spawn("script", ["-qec", `stty cols ${columns}; exec ${words}`, "/dev/null"], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, TERM: "xterm", ...env },
  });
  let raw = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (raw += chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const ended = once(child, "close").then(([code]): Shown => {
    clearTimeout(timer);
    return { code: code as number | null, shown: stripVTControlCharacters(raw.replaceAll(ERASED, "")), raw };
  });
  return {
    ended,
    type: (text) => void child.stdin.write(text),
    shows: async (pattern) => {
      while (!pattern.test(stripVTControlCharacters(raw))) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`it ended without ${pattern}: ${raw}`);
        await new Promise((done) => setTimeout(done, 30));
      }
    },
  };
}
