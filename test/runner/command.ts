import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url).href);

export type Ended = { readonly code: number | null; readonly output: string };

/** Runs a tool of the project. With `log`, what it prints goes to the screen as it comes, and into that file. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { log, env = {} }: { log?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // What Node has compiled once, and what the checks know of files that did not change, is kept there.
      NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/compiled"),
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_SEND_ERROR_REPORTS: "false",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const file = log === undefined ? null : createWriteStream(log);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (file === null) return;
      file.write(chunk);
      process.stdout.write(chunk);
    });
  }
  const code = await new Promise<number | null>((done) => child.once("close", done));
  await new Promise<void>((done) => (file === null ? done() : file.end(done)));
  return { code, output };
}
