/**
 * Events of months that are closed side by side. The buffers of their files then have no more than those of one long month,
 * in which each file waits for a part that is large enough for R2.
 */
const EVENTS_SIDE_BY_SIDE = 4000;

/** What months that are closed side by side may take of an isolate's memory. A longer month is closed alone. */
export class MemoryShare {
  #events = 0;
  readonly #waiting: (() => void)[] = [];

  /** Waits until there is room for so many events. What it gives makes room again. */
  async take(events: number): Promise<() => void> {
    while (this.#events > 0 && this.#events + events > EVENTS_SIDE_BY_SIDE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#events += events;
    return () => {
      this.#events -= events;
      for (const goOn of this.#waiting.splice(0)) goOn();
    };
  }
}
