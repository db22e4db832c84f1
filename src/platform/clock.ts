/** The one clock of the gateway, in milliseconds since 1970. Tests and local runs can shift it. */
export type Clock = { readonly nowMs: () => number };

/** The runtime's clock, moved by `CLOCK_OFFSET_MS` (0 wherever the gateway is deployed). */
export function shiftedClock(offsetMs: number): Clock {
  return { nowMs: () => Date.now() + offsetMs };
}
