import { describe, expect, test } from "vitest";
import { DEMO_PARTNERS, demoStartMs, demoTraffic } from "../../src/ctl/local/demo_traffic.ts";
import { cnpjCheckDigits, parseCnpj } from "../../src/domain/cnpj.ts";
import { parseCpf } from "../../src/domain/cpf.ts";
import { nextPeriod, periodOf, saoPauloDate } from "../../src/domain/period.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";

const NOW_MS = Date.parse("2026-11-28T20:00:00Z");
const DAY_MS = 86_400_000;

describe("the demo's traffic", () => {
  const hours = [...demoTraffic(NOW_MS, 7)];
  const lookups = hours.flatMap(({ atMs, lookups: made }) => made.map((lookup) => ({ ...lookup, atMs })));

  test("is eight weeks up to now, in order, over two ends of months, and the same for a seed", () => {
    expect(hours[0]?.atMs).toBeLessThan(NOW_MS - 55 * DAY_MS);
    expect(hours.map(({ atMs }) => atMs)).toEqual(
      hours.map(({ atMs }) => atMs).toSorted((left, right) => left - right),
    );
    expect(hours.at(-1)?.atMs).toBeLessThan(NOW_MS);
    expect(new Set(hours.map(({ atMs }) => periodOf(atMs)))).toEqual(new Set(["2026-09", "2026-10", "2026-11"]));
    expect([...demoTraffic(NOW_MS, 7)]).toEqual(hours);
  });

  test("is hour by hour in the last two days, and before them six hours of one day at once", () => {
    const last = hours.filter(({ atMs }) => atMs > NOW_MS - 2 * DAY_MS);
    const before = hours.filter(({ atMs }) => atMs <= NOW_MS - 2 * DAY_MS);
    expect(last.length / 2).toBeGreaterThan(12);
    expect(before.length / 60).toBeLessThan(4.1);
    for (const dates of Map.groupBy(before, ({ atMs }) => saoPauloDate(atMs)).values())
      expect(dates.length).toBeGreaterThan(1);
  });

  test.each(["2026-01-01T03:00:00Z", "2026-03-01T02:59:00Z", "2026-12-31T12:00:00Z"])(
    "crosses two ends of months before %s",
    (now) => {
      const nowMs = Date.parse(now);
      expect(nextPeriod(nextPeriod(periodOf(demoStartMs(nowMs)))) <= periodOf(nowMs)).toBe(true);
    },
  );

  test("has valid persons and partners, each partner's keys, and few enough lookups to wait for", () => {
    expect(lookups.every(({ cpf }) => parseCpf(cpf).ok)).toBe(true);
    for (const { document } of DEMO_PARTNERS)
      expect(parseCnpj(`${document}${cnpjCheckDigits(document)}`).ok, document).toBe(true);
    const used = new Set(lookups.map(({ partner, key }) => `${partner}/${key}`));
    expect(used.size).toBe(DEMO_PARTNERS.flatMap(({ keys }) => keys).length);
    expect(lookups.length).toBeLessThan(5500);
    expect(lookups.length).toBeGreaterThan(3500);
    // Each moment is waited for.
    expect(hours.length).toBeLessThan(300);
  });

  test.each([
    ["today, where it is over", NOW_MS, "2026-11-28"],
    ["yesterday, where it is not", NOW_MS - 6 * 3_600_000, "2026-11-27"],
  ])("has an incident %s, in which most lookups fail, and few failures else", (_, nowMs, day) => {
    const failed = MAGIC_CPFS.find(({ name }) => name === "failed")?.cpf;
    const made = [...demoTraffic(nowMs, 7)].flatMap((hour) => hour.lookups.map((one) => ({ ...one, atMs: hour.atMs })));
    const shareOn = (isWanted: (date: string, hour: number) => boolean) => {
      const wanted = made.filter(({ atMs }) => isWanted(saoPauloDate(atMs), (new Date(atMs).getUTCHours() + 21) % 24));
      return wanted.filter(({ cpf }) => cpf === failed).length / wanted.length;
    };
    const incident = (date: string, hour: number) => date === day && hour >= 13 && hour < 15;
    expect(shareOn(incident)).toBeGreaterThan(0.3);
    expect(shareOn((date, hour) => !incident(date, hour))).toBeLessThan(0.03);
  });
});
