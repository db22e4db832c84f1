import { afterEach, test, vi } from "vitest";
import { closeMonthsWithRestores } from "./months_with_restores.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a year of three tenants, with D1 restored at random points, is closed, verified and never changes", async () => {
  await closeMonthsWithRestores(12);
}, 300_000);
