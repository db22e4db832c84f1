import { expect, test } from "vitest";
import { measureClosingHeap } from "./sections/months/closing_heap.ts";

/** What closing may have of an isolate's 128 MiB, and its heap of that. */
const MOST_MIB = 64;
const HEAP_MIB = 24;
/** So many that every file but the print goes out in parts, and that a close which kept its events would need a larger heap. */
const LONG = 40_000;
/** Four of these side by side would have buffers of 64 MiB alone. */
const MIDDLE = 8000;

test(
  "months close with a heap and buffers of 64 MiB together, long ones and several",
  { timeout: 400_000 },
  async () => {
    const { closesWithMib, buffersMib } = await measureClosingHeap([LONG, MIDDLE, MIDDLE, MIDDLE, MIDDLE], [HEAP_MIB]);
    expect(closesWithMib + buffersMib).toBeLessThanOrEqual(MOST_MIB);
    // The parts of five files were under way: a longer month has no more.
    expect(buffersMib).toBeGreaterThan(25);
  },
);
