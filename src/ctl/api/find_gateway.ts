import { statSync } from "node:fs";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { keptToken } from "./kept_tokens.ts";
import { DEV_VARS, readDevVars } from "../local/dev_vars.ts";
import { findLocalGateway, isOnThisMachine, type LocalGateway } from "../local/local_gateway.ts";

/** A gateway and the operator's token for it. */
export type Gateway = {
  readonly url: string;
  readonly adminToken: string;
  /** What may be wrong when the gateway does not take the token. */
  readonly tokenHint: string;
};

/** Where it is looked for. */
type Places = {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly local?: () => LocalGateway | null;
  readonly devVars?: () => Readonly<Record<string, string>>;
  /** What `ctl login` has kept for a gateway. */
  readonly kept?: (url: string) => string | undefined;
  readonly devVarsChangedAtMs?: () => number;
};

const TOKEN = "CLARO_GATEWAY_ADMIN_TOKEN";

/**
 * The gateway that is meant: the one given, else `CLARO_GATEWAY_URL`, else the one that `npm start` runs here. The token
 * is `CLARO_GATEWAY_ADMIN_TOKEN`, else what `login` has kept for it; for a gateway on this machine, `ADMIN_TOKEN` of
 * `.dev.vars` does.
 */
export function findGateway(givenUrl: string | undefined, places: Places = {}): Gateway {
  const { env = process.env, devVars = readDevVars, kept = keptToken } = places;
  const { url, running } = findAddress(givenUrl, places);
  const given = env[TOKEN] || undefined;
  if (given !== undefined) return { url, adminToken: given, tokenHint: `The token is ${TOKEN} of the environment.` };
  const keptHere = kept(url);
  if (keptHere !== undefined) {
    return { url, adminToken: keptHere, tokenHint: "The token is the one that ctl login kept: log in again." };
  }
  if (!isOnThisMachine(url)) {
    throw usageError(`Log in to ${url} (npm run ctl -- login --url ${url}) or set ${TOKEN} to its operator's token`);
  }
  const { ADMIN_TOKEN: adminToken } = devVars();
  if (adminToken === undefined) throw usageError(`Set ${TOKEN}: there is no ADMIN_TOKEN in .dev.vars for ${url}`);
  return { url, adminToken, tokenHint: hintOf(running, places.devVarsChangedAtMs ?? devVarsChangedAtMs) };
}

/** Where the gateway that is meant is, and its note when it is the one that runs here. */
function findAddress(
  givenUrl: string | undefined,
  { env = process.env, local = findLocalGateway }: Places,
): { readonly url: string; readonly running: LocalGateway | null } {
  const written = givenUrl ?? (env["CLARO_GATEWAY_URL"] || undefined);
  if (written !== undefined) return { url: checkedUrl(written), running: null };
  const running = local();
  if (running === null) throw noLocalGateway();
  return { url: running.url, running };
}

function noLocalGateway(): CtlError {
  const message =
    "No gateway of npm start runs here. Start one with: npm start\n" +
    `For another gateway give --url, or set CLARO_GATEWAY_URL and ${TOKEN}`;
  return new CtlError(EXIT.unreachable, message);
}

function hintOf(running: LocalGateway | null, changedAtMs: () => number): string {
  const token = "The token is ADMIN_TOKEN of .dev.vars";
  return running !== null && changedAtMs() > running.startedAtMs
    ? `${token}, which was changed after this gateway was started: end it with Ctrl-C and start it again.`
    : `${token}. If the gateway has another one, log in (npm run ctl -- login) or set ${TOKEN}.`;
}

function devVarsChangedAtMs(): number {
  return statSync(DEV_VARS).mtimeMs;
}

/** Where the gateway that is meant is. */
export function findGatewayUrl(givenUrl: string | undefined, places: Places = {}): string {
  return findAddress(givenUrl, places).url;
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw usageError(`${JSON.stringify(text)} is no http(s) URL`);
  if (url.protocol === "http:" && !isOnThisMachine(url.href)) {
    throw usageError("The operator's token is not sent over plain http to another machine: use https");
  }
  return url.href.replace(/\/+$/, "");
}
