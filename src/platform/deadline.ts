/** Why a bounded piece of work gave no value. */
export type DeadlinePassed = { readonly kind: "deadline_passed" };

/** The end of a piece of work's time, for the work to look at. */
export class Deadline {
  #controller: AbortController | null = null;
  #isPassed = false;

  get isPassed(): boolean {
    return this.#isPassed;
  }

  /** Made when first asked for: most work is not stopped by a signal, and a signal costs as much as a timer. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isPassed) this.#abort();
    return this.#controller.signal;
  }

  pass(): void {
    this.#isPassed = true;
    this.#abort();
  }

  #abort(): void {
    this.#controller?.abort(new DOMException("The time budget is spent", "TimeoutError"));
  }
}

/**
 * Waits for `work` at most `timeoutMs`. The work itself is not stopped by it: pass the signal on to what can be.
 * The timer is cleared at once, for a pending one would keep an object in memory.
 */
export async function withDeadline<Value>(
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<Value>,
): Promise<Value | DeadlinePassed> {
  const deadline = new Deadline();
  const { promise, resolve, reject } = Promise.withResolvers<Value | DeadlinePassed>();
  const timer = setTimeout(
    () => {
      resolve({ kind: "deadline_passed" });
      deadline.pass();
    },
    Math.max(timeoutMs, 0),
  );
  try {
    work(deadline).then(resolve, reject);
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

export function isDeadlinePassed(value: unknown): value is DeadlinePassed {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "deadline_passed";
}
