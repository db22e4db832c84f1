import { progress, spinner } from "@clack/prompts";

/** Says what a command is at; without a terminal it says nothing. */
export type Report = (message: string) => void;
export type Steps = { readonly advance: (message: string, steps?: number) => void };

/** Shows a spinner on standard error while `work` runs, and nothing of it after. */
export async function withSpinner<Value>(message: string, work: (report: Report) => Promise<Value>): Promise<Value> {
  if (!process.stderr.isTTY) return await work(() => undefined);
  const shown = spinner({ output: process.stderr, withGuide: false });
  shown.start(message);
  try {
    return await work((text) => shown.message(text));
  } finally {
    shown.clear();
  }
}

/** Shows a bar on standard error that fills in `steps` steps while `work` runs. */
export async function withProgressBar<Value>(
  options: { message: string; steps: number },
  work: (steps: Steps) => Promise<Value>,
): Promise<Value> {
  if (!process.stderr.isTTY) return await work({ advance: () => undefined });
  const bar = progress({ output: process.stderr, max: Math.max(options.steps, 1), size: 30, withGuide: false });
  bar.start(options.message);
  try {
    return await work({ advance: (message, steps = 1) => bar.advance(steps, message) });
  } finally {
    bar.clear();
  }
}
