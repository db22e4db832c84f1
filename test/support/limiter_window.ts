const WINDOW_MS = 60_000;

/** The limiter's windows are those of the clock: a flood must not be cut in two by the end of one. */
export async function waitForRoomInWindow(neededMs: number): Promise<void> {
  const leftMs = WINDOW_MS - (Date.now() % WINDOW_MS);
  if (leftMs < neededMs) await scheduler.wait(leftMs);
}
