import { appendFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { printable } from "../terminal/table.ts";
import { WriteError } from "./state.ts";

/** A larger file becomes `gateway.log.1`, in place of the last one. */
const ROTATE_BYTES = 20 * 1024 * 1024;

/** Keeps the gateway's lines, as they are, in `gateway.log` of its state. Warns once when they cannot be written. */
export class GatewayLog {
  readonly #path: string;
  readonly #warn: (text: string) => void;
  #bytes: number;
  #hasFailed = false;

  constructor(stateDir: string, options: { warn: (text: string) => void }) {
    this.#path = join(stateDir, "gateway.log");
    this.#warn = options.warn;
    this.#bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  append(line: string): void {
    const written = `${line}\n`;
    try {
      if (this.#bytes > ROTATE_BYTES) {
        renameSync(this.#path, `${this.#path}.1`);
        this.#bytes = 0;
      }
      appendFileSync(this.#path, written, { mode: 0o600 });
      this.#bytes += Buffer.byteLength(written);
    } catch (error) {
      if (!this.#hasFailed) this.#warn(new WriteError(this.#path, error).message);
      this.#hasFailed = true;
    }
  }
}

/** Fields that have a place of their own in a line for people. */
const PLACED = new Set(["level", "event", "time", "method", "route", "status", "durationMs"]);

/** One of the gateway's lines for people: `23:04:05  200  POST /v1/scores  66 ms  requestId=…`. */
export function lineForPeople(fields: Readonly<Record<string, unknown>>, now: Date): string {
  const { level, event, method, route, status, durationMs } = fields;
  const isRequest = event === "request";
  const about = isRequest ? [text(status), `${text(method)} ${text(route)}`, `${text(durationMs)} ms`] : [text(event)];
  const rest = Object.entries(fields).flatMap(([name, value]) =>
    PLACED.has(name) || value === null ? [] : [`${name}=${text(value)}`],
  );
  const line = [clockTime(now), ...about, rest.join(" ")].filter((part) => part !== "").join("  ");
  const style = level === "error" ? "red" : level === "warn" || Number(status) >= 400 ? "yellow" : null;
  return style === null ? line : styleText(style, line, { stream: process.stdout });
}

function text(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value ?? null));
}

function clockTime(time: Date): string {
  return time.toTimeString().slice(0, 8);
}
