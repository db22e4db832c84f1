import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PROJECT_ROOT } from "./wrangler.ts";

/** Where a running `npm start` says where it is, so that the operator's command line finds it. */
export const LOCAL_GATEWAY = join(PROJECT_ROOT, ".wrangler", "local-gateway.json");

export function noteLocalGateway(url: string): void {
  mkdirSync(dirname(LOCAL_GATEWAY), { recursive: true });
  writeFileSync(LOCAL_GATEWAY, JSON.stringify({ url, pid: process.pid }));
}

/** Takes the note back, unless a gateway that was started later has written its own. */
export function forgetLocalGateway(): void {
  try {
    const { pid } = JSON.parse(readFileSync(LOCAL_GATEWAY, "utf8")) as { pid: number };
    if (pid === process.pid) rmSync(LOCAL_GATEWAY);
  } catch {
    // Somebody has tidied up.
  }
}
