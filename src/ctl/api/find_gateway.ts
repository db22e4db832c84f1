import { existsSync, readFileSync } from "node:fs";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
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
};

const DEFAULT_LOCAL_URL = "http://127.0.0.1:8787";
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/;

/**
 * The gateway that is meant: the one given, else `CLARO_GATEWAY_URL`, else the one that `npm start` runs here. The token
 * is `CLARO_GATEWAY_ADMIN_TOKEN`; for a gateway on this machine, `ADMIN_TOKEN` of `.dev.vars` does.
 */
export function findGateway(
  givenUrl: string | undefined,
  { env = process.env, note = LOCAL_GATEWAY, devVars = readDevVars }: Places = {},
): Gateway {
  const written = givenUrl ?? env["CLARO_GATEWAY_URL"];
  const url = written === undefined || written === "" ? localUrl(note) : checkedUrl(written);
  const isLocal = LOOPBACK.test(new URL(url).hostname);
  const given = env["CLARO_GATEWAY_ADMIN_TOKEN"];
  const adminToken = given === undefined || given === "" ? (isLocal ? devVars()["ADMIN_TOKEN"] : undefined) : given;
  if (adminToken === undefined) {
    throw isLocal
      ? new CtlError(EXIT.unreachable, "No local gateway was ever started here. Start one with: npm start")
      : usageError(`Set CLARO_GATEWAY_ADMIN_TOKEN to the operator's token of ${url}`);
  }
  return { url, adminToken };
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
