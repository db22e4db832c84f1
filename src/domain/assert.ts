/** Stops what cannot be: an error of our own code, never of a caller. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

class AssertionError extends Error {
  override readonly name = "AssertionError";
}
