import { existsSync, readFileSync } from "node:fs";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { keptToken } from "./kept_tokens.ts";
import { readDevVars } from "../local/dev_vars.ts";
import { LOCAL_GATEWAY } from "../local/local_gateway.ts";

/** A gateway and the operator's token for it. */
export type Gateway = { readonly url: string; readonly adminToken: string };

/** Where it is looked for. */
type Places = {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The note that a running `npm start` leaves. */
  readonly note?: string;
  readonly devVars?: () => Readonly<Record<string, string>>;
  /** What `ctl login` has kept for a gateway. */
  readonly kept?: (url: string) => string | undefined;
};

const DEFAULT_LOCAL_URL = "http://127.0.0.1:8787";
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/;

/**
 * The gateway that is meant: the one given, else `CLARO_GATEWAY_URL`, else the one that `npm start` runs here. The token
 * is `CLARO_GATEWAY_ADMIN_TOKEN`, else what `login` has kept for it; for a gateway on this machine, `ADMIN_TOKEN` of
 * `.dev.vars` does.
 */
export function findGateway(
  givenUrl: string | undefined,
  { env = process.env, note = LOCAL_GATEWAY, devVars = readDevVars, kept = keptToken }: Places = {},
): Gateway {
  const url = findGatewayUrl(givenUrl, { env, note });
  const isLocal = LOOPBACK.test(new URL(url).hostname);
  const given = env["CLARO_GATEWAY_ADMIN_TOKEN"];
  const isGiven = given !== undefined && given !== "";
  const adminToken = isGiven ? given : (kept(url) ?? (isLocal ? devVars()["ADMIN_TOKEN"] : undefined));
  if (adminToken === undefined) {
    throw isLocal
      ? new CtlError(EXIT.unreachable, "No local gateway was ever started here. Start one with: npm start")
      : usageError(`Log in to ${url} (npm run ctl -- login --url ${url}) or set CLARO_GATEWAY_ADMIN_TOKEN`);
  }
  return { url, adminToken };
}

/** Where the gateway that is meant is. */
export function findGatewayUrl(
  givenUrl: string | undefined,
  { env = process.env, note = LOCAL_GATEWAY }: Pick<Places, "env" | "note"> = {},
): string {
  const written = givenUrl ?? env["CLARO_GATEWAY_URL"];
  return written === undefined || written === "" ? localUrl(note) : checkedUrl(written);
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw usageError(`${JSON.stringify(text)} is no http(s) URL`);
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname)) {
    throw usageError("The operator's token is not sent over plain http to another machine: use https");
  }
  return url.href.replace(/\/+$/, "");
}

function localUrl(note: string): string {
  if (!existsSync(note)) return DEFAULT_LOCAL_URL;
  try {
    const { url, pid } = JSON.parse(readFileSync(note, "utf8")) as { url: string; pid: number };
    return isRunning(pid) ? url : DEFAULT_LOCAL_URL;
  } catch {
    // Written only half: its writer is starting or was killed.
    return DEFAULT_LOCAL_URL;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is alive too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
