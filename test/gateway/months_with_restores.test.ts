import { afterEach, test, vi } from "vitest";
import { closeMonthsWithRestores } from "./months_with_restores.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("months of three tenants, with D1 restored at random points, are closed, verified and never change", async () => {
  await closeMonthsWithRestores(4);
}, 120_000);
