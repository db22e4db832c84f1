import type { ChildProcess } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { WATCH_REQUEST_ID } from "./watch_gateway.ts";

type Sink = { readonly write: (text: string) => unknown };

/** What wrangler says at each start although nothing is wrong: only a deployed gateway is swept by its cron. */
const HARMLESS_WARNINGS = ["Scheduled Workers are not automatically triggered during local development."];
/** A URL beyond its origin is the caller's: it can hold a CPF. wrangler's own errors quote whole URLs. */
const URL_BEYOND_ORIGIN = /(https?:\/\/[^\s/?#"'`]+)[/?#][^\s"'`]*/g;

/** Shows the gateway's own lines, which are JSON, and of wrangler's only the warnings and errors that say something. */
export function relayOutput(gateway: ChildProcess, sinks: { readonly out: Sink; readonly err: Sink }): void {
  gateway.stdout?.on(
    "data",
    lineReader((line) => isGatewayLine(line) && sinks.out.write(`${line}\n`)),
  );
  const isWorthShowing = warningFilter();
  gateway.stderr?.on(
    "data",
    lineReader((line) => isWorthShowing(line) && sinks.err.write(`${line.replaceAll(URL_BEYOND_ORIGIN, "$1/…")}\n`)),
  );
}

function isGatewayLine(line: string): boolean {
  return line.startsWith("{") && !line.includes(`"requestId":"${WATCH_REQUEST_ID}"`);
}

/** Leaves out empty lines and harmless warnings, each with the indented lines that belong to it. */
function warningFilter(): (line: string) => boolean {
  let isInHarmless = false;
  return (line) => {
    const text = stripVTControlCharacters(line);
    if (text.trim() === "") return false;
    const isContinued = text.startsWith(" ");
    if (!isContinued) isInHarmless = HARMLESS_WARNINGS.some((warning) => text.includes(warning));
    return !isInHarmless;
  };
}

function lineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (chunk) => {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  };
}
