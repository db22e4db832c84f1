import type { Clock } from "./clock.ts";

const MOST_STREAMS = 2;
/** A stream whose end nobody saw, because its request was torn down, does not count for ever. */
const LONGEST_MS = 600_000;

/**
 * The statement files that each tenant is being sent by this isolate. Files are what costs D1 most, and a tenant that
 * opens many at once must not stand in the way of a revoke; more than two at a time are not begun.
 */
export class FileStreams {
  readonly #clock: Clock;
  readonly #endsAtMs = new Map<string, Set<{ readonly endsAtMs: number }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins one more for `reader`, or is null when there are as many as there may be. What it returns ends it. */
  begin(reader: string): (() => void) | null {
    const nowMs = this.#clock.nowMs();
    const open = this.#endsAtMs.get(reader) ?? new Set();
    for (const stream of open) if (stream.endsAtMs <= nowMs) open.delete(stream);
    if (open.size >= MOST_STREAMS) return null;
    const stream = { endsAtMs: nowMs + LONGEST_MS };
    open.add(stream);
    this.#endsAtMs.set(reader, open);
    return () => {
      open.delete(stream);
      if (open.size === 0 && this.#endsAtMs.get(reader) === open) this.#endsAtMs.delete(reader);
    };
  }
}
