import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url).href);
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

export type Bundle = { readonly code: string; readonly bytes: number; readonly gzipBytes: number };

/**
 * A Worker as `wrangler deploy` would upload it. `entry` takes the place of the configuration's `main`: that is how the
 * benchmark puts something around the gateway without a line of it in the gateway.
 */
export async function bundle(name: string, options: { config?: string; entry?: string } = {}): Promise<Bundle> {
  const { config = "wrangler.toml", entry } = options;
  const built = bundles.get(`${config} ${entry}`) ?? build(name, config, entry);
  bundles.set(`${config} ${entry}`, built);
  return await built;
}

/** A run of the benchmark builds each of them once. */
const bundles = new Map<string, Promise<Bundle>>();

async function build(name: string, config: string, entryFile: string | undefined): Promise<Bundle> {
  const outDir = join(ROOT, ".tmp/bench", `${name}-${process.pid}`);
  const entry = entryFile === undefined ? [] : [entryFile];
  const args = ["deploy", ...entry, "--dry-run", "--outdir", outDir, "-c", config];
  await promisify(execFile)(process.execPath, [WRANGLER, ...args], { cwd: ROOT, env: { ...process.env, ...QUIET } });
  const file = readdirSync(outDir).find((name) => name.endsWith(".js"));
  if (file === undefined) throw new Error(`wrangler built nothing into ${outDir}`);
  const code = readFileSync(join(outDir, file), "utf8");
  rmSync(outDir, { recursive: true });
  return { code, bytes: Buffer.byteLength(code), gzipBytes: gzipSync(code, { level: 9 }).length };
}

const QUIET = { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_HIDE_BANNER: "true" };
