/**
 * `npm run ctl -- demo fill` lives through eight weeks on a gateway of `npm start`: meanwhile the clock stands elsewhere and
 * live lookups are answered by the simulator. Worker and objects are one isolate there, and only a module is common to
 * both, so this is the one state of an isolate that is no service's. It ends by itself when nobody goes on with it.
 */
type Rehearsal = { readonly offsetMs: number; readonly untilMs: number };

const LEASE_MS = 30_000;

let rehearsal: Rehearsal | null = null;

/** Moves the clock by so much, or back with null. Only for whoever has made sure that the gateway is a local one. */
export function rehearse(offsetMs: number | null): void {
  rehearsal = offsetMs === null ? null : { offsetMs, untilMs: Date.now() + LEASE_MS };
}

/** By how much the clock is moved; null in the ordinary course. */
export function rehearsedOffsetMs(): number | null {
  if (rehearsal !== null && rehearsal.untilMs < Date.now()) rehearsal = null;
  return rehearsal?.offsetMs ?? null;
}
