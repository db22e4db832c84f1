import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DAY_MS } from "../../src/domain/instant.ts";
import { saoPauloDate } from "../../src/domain/period.ts";
import { forgetBrokenUploads } from "../../src/gateway/forget_broken_uploads.ts";
import { ReportReceiver } from "../../src/gateway/reconcile.ts";
import { testServices } from "../support/gateway.ts";
import { month } from "../support/months.ts";

/** R2 says when an object was put, and no test moves its clock. */
const MIDNIGHT_MS = (Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const AT_MS = Date.parse("2026-10-01T12:00:00Z");

/** A report whose sending has brought some rows so far. */
async function sendRows(): Promise<string> {
  const report = new ReportReceiver(testServices(), 1);
  await report.add({
    transactionId: "t-1",
    occurredAtMs: AT_MS,
    date: saoPauloDate(AT_MS),
    customerId: "c",
    isCharged: true,
  });
  await report.finish();
  return report.id;
}

async function rowsOf(id: string): Promise<number> {
  return (await env.STATEMENTS.list({ prefix: `reconciliations/${id}/rows/` })).objects.length;
}

test("the rows of a report whose sending broke off go after a day, in the first cron of a day", async () => {
  const id = await sendRows();
  vi.setSystemTime(MIDNIGHT_MS - 60_000);
  await forgetBrokenUploads(testServices());
  expect(await rowsOf(id)).toBe(1);
  vi.setSystemTime(MIDNIGHT_MS + 60_000);
  await forgetBrokenUploads(testServices());
  expect(await rowsOf(id)).toBe(0);
});

test("those of a report that is being sent, and of one that waits to be compared, stay", async () => {
  const sent = await sendRows();
  vi.setSystemTime(Math.floor(Date.now() / DAY_MS) * DAY_MS);
  await forgetBrokenUploads(testServices());
  expect(await rowsOf(sent)).toBe(1);

  const { reconciliations } = testServices();
  const run = {
    id: sent,
    period: month("2026-10").period,
    reportSha256: "0",
    actor: "somebody",
    lines: 1,
    startedAtMs: 1,
  };
  const audit = {
    atMs: AT_MS,
    actor: "somebody",
    action: "period.reconcile" as const,
    target: "2026-10",
    before: null,
    after: {},
  };
  await reconciliations.insert({ ...run, steps: 1 }, audit);
  vi.setSystemTime(MIDNIGHT_MS + 60_000);
  await forgetBrokenUploads(testServices());
  expect(await rowsOf(sent)).toBe(1);
});
