import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Deadlines, withDeadline } from "../../src/platform/deadline.ts";

const START_MS = Date.parse("2027-03-28T12:00:00Z");
const PASSED = { kind: "deadline_passed" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: START_MS });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Work that never ends, and what came of it. */
function endless(deadlines: Deadlines, timeoutMs: number) {
  const seen = { ended: null as unknown, isStopped: false };
  void deadlines
    .within(timeoutMs, async ({ signal }) => {
      signal.addEventListener("abort", () => (seen.isStopped = true));
      return await new Promise<never>(() => undefined);
    })
    .then((ended) => (seen.ended = ended));
  return seen;
}

async function lasting(ms: number): Promise<string> {
  return await new Promise((resolve) => setTimeout(() => resolve("done"), ms));
}

describe("the deadlines of one request", () => {
  test.each([
    [100, 250],
    [250, 100],
    [100, 100],
  ])("pass each in its time: %i and %i ms", async (firstMs, secondMs) => {
    const deadlines = new Deadlines();
    const first = endless(deadlines, firstMs);
    await vi.advanceTimersByTimeAsync(30);
    const second = endless(deadlines, secondMs);
    for (const atMs of [firstMs, secondMs + 30].toSorted((left, right) => left - right)) {
      await vi.advanceTimersByTimeAsync(START_MS + atMs - 1 - Date.now());
      expect(first).toEqual({ ended: atMs > firstMs ? PASSED : null, isStopped: atMs > firstMs });
      expect(second).toEqual({ ended: atMs > secondMs + 30 ? PASSED : null, isStopped: atMs > secondMs + 30 });
      await vi.advanceTimersByTimeAsync(1);
    }
    const passed = { ended: PASSED, isStopped: true };
    expect([first, second]).toEqual([passed, passed]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of works that follow one another share a timer, and release it with the request", async () => {
    const deadlines = new Deadlines();
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    for (const timeoutMs of [500, 500, 2000]) {
      expect(await deadlines.within(timeoutMs, async () => await Promise.resolve("done"))).toBe("done");
    }
    expect(setTimer).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(1);
    deadlines.release();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that come after the request was answered hold no timer longer than their work", async () => {
    const deadlines = new Deadlines();
    deadlines.release();
    const done = deadlines.within(500, async () => await lasting(20));
    expect(vi.getTimerCount()).toBe(2);
    await vi.advanceTimersByTimeAsync(20);
    expect(await done).toBe("done");
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([-3_600_000, 3_600_000])("are kept by a clock that jumps by %i ms", async (jumpMs) => {
    const deadlines = new Deadlines();
    const first = endless(deadlines, 100);
    await vi.advanceTimersByTimeAsync(50);
    vi.setSystemTime(Date.now() + jumpMs);
    const second = endless(deadlines, 200);
    await vi.advanceTimersByTimeAsync(50);
    expect(first.ended).toEqual(PASSED);
    // Sooner or later by no more than the 100 ms that the timer was set for.
    await vi.advanceTimersByTimeAsync(49);
    expect(second.ended).toBeNull();
    await vi.advanceTimersByTimeAsync(201);
    expect(second.ended).toEqual(PASSED);
  });

  test("that have no time pass at once", async () => {
    const seen = endless(new Deadlines(), -5);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual({ ended: PASSED, isStopped: true });
  });
});

test("work that throws is thrown on, and its timer is gone", async () => {
  const work = withDeadline(500, async () => await Promise.reject(new Error("broken")));
  await expect(work).rejects.toThrow("broken");
  expect(vi.getTimerCount()).toBe(0);
});
