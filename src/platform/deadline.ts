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

/** `dueMs` counts from when the timer was set. */
type Pending = { dueMs: number; readonly pass: () => void };

/**
 * The deadlines of one request's work, all on one timer: it is set for the first of them and left alone when work ends in
 * time, for the next deadline is mostly a later one, and a timer costs more than all else here. Time is the timer's own:
 * a clock that jumps moves a deadline by no more than what the timer was set for.
 */
export class Deadlines {
  readonly #pending = new Set<Pending>();
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly setAtMs: number; readonly forMs: number } | null =
    null;
  #isReleased = false;

  /** Waits for `work` at most `timeoutMs`. The work itself is not stopped by it: pass the signal on to what can be. */
  async within<Value>(
    timeoutMs: number,
    work: (deadline: Deadline) => Promise<Value>,
  ): Promise<Value | DeadlinePassed> {
    const deadline = new Deadline();
    const { promise, resolve, reject } = Promise.withResolvers<Value | DeadlinePassed>();
    const pass = () => {
      resolve({ kind: "deadline_passed" });
      deadline.pass();
    };
    const pending = { dueMs: this.#elapsedMs() + Math.max(timeoutMs, 0), pass };
    this.#pending.add(pending);
    this.#setTimer(pending.dueMs);
    try {
      work(deadline).then(resolve, reject);
      return await promise;
    } finally {
      this.#pending.delete(pending);
      this.#clearIfIdle();
    }
  }

  /** From now on no timer outlives the work: a pending one keeps an object, and a request's memory, alive. */
  release(): void {
    this.#isReleased = true;
    this.#clearIfIdle();
  }

  #elapsedMs(): number {
    if (this.#timer === null) return 0;
    const { setAtMs, forMs } = this.#timer;
    return Math.min(Math.max(Date.now() - setAtMs, 0), forMs);
  }

  #setTimer(dueMs: number): void {
    if (this.#timer !== null && this.#timer.forMs <= dueMs) return;
    const elapsedMs = this.#elapsedMs();
    if (this.#timer !== null) clearTimeout(this.#timer.id);
    for (const pending of this.#pending) pending.dueMs -= elapsedMs;
    const forMs = dueMs - elapsedMs;
    this.#timer = { id: setTimeout(() => this.#passDue(forMs), forMs), setAtMs: Date.now(), forMs };
  }

  #passDue(elapsedMs: number): void {
    this.#timer = null;
    for (const pending of this.#pending) {
      pending.dueMs -= elapsedMs;
      if (pending.dueMs > 0) continue;
      this.#pending.delete(pending);
      pending.pass();
    }
    if (this.#pending.size > 0) this.#setTimer(Math.min(...[...this.#pending].map(({ dueMs }) => dueMs)));
  }

  #clearIfIdle(): void {
    if (!this.#isReleased || this.#pending.size > 0 || this.#timer === null) return;
    clearTimeout(this.#timer.id);
    this.#timer = null;
  }
}

/** Waits for one piece of work at most `timeoutMs`, on a timer of its own, as `Deadlines.within` does. */
export async function withDeadline<Value>(
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<Value>,
): Promise<Value | DeadlinePassed> {
  const deadlines = new Deadlines();
  deadlines.release();
  return await deadlines.within(timeoutMs, work);
}

export function isDeadlinePassed(value: unknown): value is DeadlinePassed {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "deadline_passed";
}
