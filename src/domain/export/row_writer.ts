import type { ExportedEvent } from "../event_row.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { EventPage } from "./event_page.ts";

/** What is kept of combinations that came before; what does not fit is made again. */
const MOST_COMBINATIONS = 300;

/** `isPlain`: no format has to guard, quote or escape any of the event's own texts. */
type Write = (out: ByteBuffer, event: ExportedEvent, isPlain: boolean) => void;

/** A cell with what stands around it. `isOwn`: nearly each lookup has another (`OWN_FIELDS`). */
export type RowColumn = { readonly isOwn: boolean; readonly write: Write };

/**
 * Writes events as rows. Of an event's thirty fields a third is its own; the others (key, outcome, price, purpose …) come
 * in few combinations, and what those look like is made once for each, which is most of the work of writing a month.
 */
export class RowWriter {
  readonly #own: Write[] = [];
  /** The shared columns before each of an event's own, and those at the end. */
  readonly #shared: Write[][] = [[]];
  readonly #known = new Map<string, readonly Uint8Array[]>();
  #lastKey = "";
  #last: readonly Uint8Array[] = [];

  constructor(columns: readonly RowColumn[]) {
    for (const { isOwn, write } of columns) {
      if (isOwn) {
        this.#own.push(write);
        this.#shared.push([]);
      } else this.#shared.at(-1)?.push(write);
    }
  }

  write(out: ByteBuffer, { events, sharedKeys, arePlain }: EventPage, index: number): void {
    const event = events[index] as ExportedEvent;
    const key = sharedKeys[index] as string;
    if (key !== this.#lastKey) [this.#lastKey, this.#last] = [key, this.#sharedOf(event, key)];
    const shared = this.#last;
    const isPlain = arePlain[index] as boolean;
    out.putBytes(shared[0] as Uint8Array);
    for (let own = 0; own < this.#own.length; own += 1) {
      this.#own[own]?.(out, event, isPlain);
      out.putBytes(shared[own + 1] as Uint8Array);
    }
  }

  #sharedOf(event: ExportedEvent, key: string): readonly Uint8Array[] {
    let shared = this.#known.get(key);
    if (shared === undefined) {
      const out = new ByteBuffer();
      shared = this.#shared.map((writes) => {
        for (const write of writes) write(out, event, false);
        return out.take().slice();
      });
      if (this.#known.size === MOST_COMBINATIONS) this.#known.clear();
      this.#known.set(key, shared);
    }
    return shared;
  }
}

/** A column with the same text in every row. */
export function fixedColumn(text: string): RowColumn {
  return { isOwn: false, write: (out) => out.putText(text) };
}
