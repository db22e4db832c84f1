import { rehearsedOffsetMs } from "./rehearsal.ts";

/** The one clock of the gateway, in milliseconds since 1970. Tests and local runs can shift it. */
export type Clock = { readonly nowMs: () => number };

/** The runtime's clock, moved by `CLOCK_OFFSET_MS` (0 wherever the gateway is deployed) or by a rehearsal. */
export function shiftedClock(offsetMs: number): Clock {
  return { nowMs: () => Date.now() + (rehearsedOffsetMs() ?? offsetMs) };
}

/** A clock that has to be asked. */
export type StoreClock = { readonly nowMs: () => Promise<number> };

/** The clock of R2, which is none of ours: it says when an object was put. Moved like the other one. */
export function storeClock(bucket: R2Bucket, offsetMs: number): StoreClock {
  return {
    nowMs: async () => {
      await bucket.put("clock", "");
      const put = await bucket.head("clock");
      if (put === null) throw new Error("R2 does not have what was put");
      return put.uploaded.getTime() + (rehearsedOffsetMs() ?? offsetMs);
    },
  };
}
