import { assertPresent } from "../domain/assert.ts";
import type { FedEvent, ReconciliationFiles } from "../platform/reconciliation_files.ts";

/** Events that are kept in memory before they are written. */
const EVENTS_A_FILE = 20_000;

/**
 * The events of a report's later parts, put aside by the one pass over the tenants' months: reading a month of a million
 * events anew for each part took most of a comparison.
 */
export class LaterEvents {
  readonly #files: ReconciliationFiles;
  readonly #id: string;
  readonly #names: string[][];
  #waiting: FedEvent[][];
  #count = 0;

  /** `names` is what earlier steps have written, by part. */
  constructor(files: ReconciliationFiles, id: string, names: readonly (readonly string[])[]) {
    this.#files = files;
    this.#id = id;
    this.#names = names.map((ofPart) => [...ofPart]);
    this.#waiting = names.map(() => []);
  }

  /** A promise where it has to wait for R2. */
  add(part: number, fed: FedEvent): Promise<void> | void {
    assertPresent(this.#waiting[part], "an event is of no part of its report").push(fed);
    this.#count += 1;
    if (this.#count >= EVENTS_A_FILE) return this.#write();
  }

  /** The events of a part, a file at a time. */
  async *eventsOf(part: number): AsyncGenerator<readonly FedEvent[], void, void> {
    await this.#write();
    for (const name of this.#namesOf(part)) yield await this.#files.readEvents(name);
  }

  /** The names of all files, for the state that the step ends with: what is not named there was never written. */
  async finish(): Promise<readonly (readonly string[])[]> {
    await this.#write();
    return this.#names;
  }

  #namesOf(part: number): string[] {
    return assertPresent(this.#names[part], "a report has no such part");
  }

  async #write(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = waiting.map(() => []);
    this.#count = 0;
    for (const [part, events] of waiting.entries()) {
      if (events.length > 0) this.#namesOf(part).push(await this.#files.writeEvents(this.#id, part, events));
    }
  }
}
