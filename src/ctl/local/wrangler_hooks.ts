/**
 * Loaded into wrangler's own processes, before wrangler (`--import`): they end with `npm start`, whatever ends it, and
 * `wrangler dev` opens no door but the gateway's port.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { INSPECTOR, OWNER_PID } from "./wrangler_names.ts";

const CHECK_MS = 250;

const script = process.argv[1] ?? "";
endWithParent(script.endsWith("bin/wrangler.js") ? Number(process.env[OWNER_PID]) : process.ppid);
if (script.endsWith("cli.js") && process.env[INSPECTOR] !== "open") closeDoors(script);

// A process that was killed can tell nobody, so its children look. What wrangler started is in its process group.
function endWithParent(parentPid: number): void {
  setInterval(() => process.ppid !== parentPid && process.kill(0, "SIGKILL"), CHECK_MS).unref();
}

/**
 * wrangler gives the runtime an inspector and a debug port, each open to every process of this machine, which can read
 * the secrets and run code by them. It has no option against that, but asks Miniflare for them by these options.
 */
function closeDoors(wrangler: string): void {
  // Without it wrangler opens one more inspector, in front of the runtime's.
  process.env["VSCODE_INSPECTOR_OPTIONS"] = "none";
  const require = createRequire(wrangler);
  const miniflare = require("miniflare") as { convertV4MiniflareOptions: (options: DoorOptions) => unknown };
  const module = require.cache[require.resolve("miniflare")];
  if (module === undefined) throw new Error("miniflare is not where wrangler will look for it");
  module.exports = {
    ...miniflare,
    convertV4MiniflareOptions: (options: DoorOptions) => {
      delete options.inspectorPort;
      delete options.inspectorHost;
      delete options.unsafeDevRegistryPath;
      return miniflare.convertV4MiniflareOptions(options);
    },
  };
}

type DoorOptions = { inspectorPort?: number; inspectorHost?: string; unsafeDevRegistryPath?: string };
