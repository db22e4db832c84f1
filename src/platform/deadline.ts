/** Why a bounded piece of work gave no value. */
export type DeadlinePassed = { readonly kind: "deadline_passed" };

/**
 * Waits for `work` at most `timeoutMs`. The work itself is not stopped by it: pass the signal on to what can be.
 * The timer is cleared at once, for a pending one would keep an object in memory.
 */
export async function withDeadline<Value>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value | DeadlinePassed> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<DeadlinePassed>((resolve) => {
    timer = setTimeout(
      () => {
        resolve({ kind: "deadline_passed" });
        controller.abort(new DOMException("The time budget is spent", "TimeoutError"));
      },
      Math.max(timeoutMs, 0),
    );
  });
  try {
    return await Promise.race([work(controller.signal), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

export function isDeadlinePassed(value: unknown): value is DeadlinePassed {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "deadline_passed";
}
