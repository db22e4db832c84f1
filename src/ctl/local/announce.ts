import { statSync } from "node:fs";
import { relative } from "node:path";
import { styleText } from "node:util";
import { DEV_VARS } from "./dev_vars.ts";

const OTHERS_MAY_READ = 0o044;

/** Says how to use a gateway that has just started. */
export function announce(gateway: {
  url: string;
  /** `null` where there is no demo tenant. */
  testKey: string | null;
  takesAdminToken: boolean;
  madeDevVars: boolean;
  logFile: string;
}): void {
  const { url, testKey, takesAdminToken, madeDevVars } = gateway;
  const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
  const token = `ADMIN_TOKEN in ${shownPath(DEV_VARS)}${madeDevVars ? " (just made)" : advice()}`;
  console.log(`
${bold("Claro Score Gateway")} on ${url}

${testKey === null ? "No demo tenant: with ACCESS_REQUIRED no token could make it. Start once without." : pasteOf(url, testKey)}

Reference     ${url}/docs
Portal        ${url}/portal: sign in with ${testKey === null ? "a partner's key" : "the test key above"}
Console       ${url}/console: sign in with ${takesAdminToken ? "the admin token" : "Cloudflare Access, or an operator's own token"}
Operator      npm run ctl -- --help
Demo          eight weeks of a dozen partners in half a minute: npm run ctl -- demo fill
Admin token   ${takesAdminToken ? token : "none is taken: ACCESS_REQUIRED"}
Log           ${shownPath(gateway.logFile)}
Stop          Ctrl-C
`);
}

function pasteOf(url: string, testKey: string): string {
  return `A lookup with the demo tenant's test key (the sandbox answers, nothing is charged):

  curl -s ${url}/v1/scores -H 'Authorization: Bearer ${testKey}' -H 'Content-Type: application/json' -d '{"cpf": "529.982.247-25"}'`;
}

/** An existing `.dev.vars` is its owner's: it is spoken of, and never touched. */
function advice(): string {
  const { mode } = statSync(DEV_VARS);
  const isOpen = process.platform !== "win32" && (mode & OTHERS_MAY_READ) !== 0;
  return isOpen ? ` (others can read it: chmod 600 ${shownPath(DEV_VARS)})` : "";
}

/** A path as it is shortest to read from here. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}
