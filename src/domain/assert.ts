/** Stops what cannot be: an error of our own code, never of a caller. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** A value that cannot be missing. Where it is, our own code is wrong: no default may hide that. */
export function assertPresent<Value>(value: Value | undefined, message: string): Value {
  assert(value !== undefined, message);
  return value;
}

class AssertionError extends Error {
  override readonly name = "AssertionError";
}
