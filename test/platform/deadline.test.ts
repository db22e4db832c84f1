import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withDeadline } from "../../src/platform/deadline.ts";

const PASSED = { kind: "deadline_passed" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Work that never ends, and what came of it. */
function endless(timeoutMs: number) {
  const seen = { ended: null as unknown, isStopped: false };
  const work = withDeadline(timeoutMs, async ({ signal }) => {
    signal.addEventListener("abort", () => (seen.isStopped = true));
    return await new Promise<never>(() => undefined);
  });
  void work.then((ended) => (seen.ended = ended));
  return seen;
}

test.each([-3_600_000, 0, 3_600_000])(
  "a deadline passes in its time, though the clock jumps by %i ms",
  async (jumpMs) => {
    const seen = endless(100);
    await vi.advanceTimersByTimeAsync(50);
    vi.setSystemTime(Date.now() + jumpMs);
    await vi.advanceTimersByTimeAsync(49);
    expect(seen).toEqual({ ended: null, isStopped: false });
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toEqual({ ended: PASSED, isStopped: true });
  },
);

test("work that has no time is stopped at once", async () => {
  const seen = endless(-5);
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual({ ended: PASSED, isStopped: true });
});

test("work that ends in time holds no timer any longer", async () => {
  const work = withDeadline(500, async () => await new Promise((resolve) => setTimeout(() => resolve("done"), 20)));
  expect(vi.getTimerCount()).toBe(2);
  await vi.advanceTimersByTimeAsync(20);
  expect(await work).toBe("done");
  expect(vi.getTimerCount()).toBe(0);
});

test("work that throws is thrown on, and its timer is gone", async () => {
  const work = withDeadline(500, async () => await Promise.reject(new Error("broken")));
  await expect(work).rejects.toThrow("broken");
  expect(vi.getTimerCount()).toBe(0);
});
