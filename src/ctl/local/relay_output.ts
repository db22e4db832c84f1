import type { ChildProcess } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { printable } from "../terminal/table.ts";

type Fields = Readonly<Record<string, unknown>>;
type Sinks = {
  /** One of the gateway's own lines, as it is and read. */
  readonly line: (line: string, fields: Fields) => unknown;
  /** What wrangler has to say, for people. */
  readonly warn: (text: string) => unknown;
};

/** What wrangler says at each start although nothing is wrong: only a deployed gateway is swept by its cron. */
const HARMLESS_WARNINGS = ["Scheduled Workers are not automatically triggered during local development."];
/** A URL beyond its origin is the caller's: it can hold a CPF. wrangler's own errors quote whole URLs. */
const URL_BEYOND_ORIGIN = /(https?:\/\/[^\s/?#"'`]+)[/?#][^\s"'`]*/g;

/**
 * Passes on the gateway's own lines, which are JSON, but for the requests named `hiddenRequestId`; of wrangler's only
 * the warnings and errors that say something.
 */
export function relayOutput(gateway: ChildProcess, hiddenRequestId: string, sinks: Sinks): void {
  gateway.stdout?.on(
    "data",
    lineReader((line) => {
      const fields = readFields(line);
      if (fields !== null && fields["requestId"] !== hiddenRequestId) sinks.line(line, fields);
    }),
  );
  const isWorthShowing = warningFilter();
  gateway.stderr?.on(
    "data",
    lineReader((line) => {
      const text = stripVTControlCharacters(line);
      if (isWorthShowing(text)) sinks.warn(printable(text.replaceAll(URL_BEYOND_ORIGIN, "$1/…")));
    }),
  );
}

function readFields(line: string): Fields | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return null;
  }
}

/** Leaves out empty lines and harmless warnings, each with the indented lines that belong to it. */
function warningFilter(): (text: string) => boolean {
  let isInHarmless = false;
  return (text) => {
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
