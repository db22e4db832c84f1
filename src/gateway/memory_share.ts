/**
 * How many events the months that are closed side by side may have together. The buffers of their files then hold no more
 * than those of one long month, whose files each wait until a part is large enough for R2.
 */
const EVENTS_SIDE_BY_SIDE = 4000;

/** Shares an isolate's memory between months that are closed side by side. A longer month is closed alone. */
export class MemoryShare {
  #events = 0;
  readonly #waiting: (() => void)[] = [];

  /** Waits until there is room for so many events. Calling what it returns gives the room back. */
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
