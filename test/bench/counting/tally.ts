import { NOTHING, type Counts, type Operation } from "./counts.ts";

/** What this isolate, its Worker and all its objects, has done so far. */
const tally: Record<Operation, number> = { ...NOTHING };
let stepsDone = 0;
let d1Bytes = 0;

export function count(operation: Operation, times = 1): void {
  tally[operation] += times;
}

/** D1 says with each answer how large it is. */
export function noteD1(meta: D1Meta): void {
  count("d1RowsRead", meta.rows_read);
  count("d1RowsWritten", meta.rows_written);
  d1Bytes = meta.size_after;
}

/** A call that leaves the isolate: it comes one step after those that had ended when it began. */
export async function step<Value>(call: () => Promise<Value>): Promise<Value> {
  const depth = stepsDone + 1;
  try {
    return await call();
  } finally {
    stepsDone = Math.max(stepsDone, depth);
  }
}

export function takeTally(): { counts: Counts; steps: number; d1Bytes: number } {
  const taken = { counts: { ...tally }, steps: stepsDone, d1Bytes };
  stepsDone = 0;
  return taken;
}
