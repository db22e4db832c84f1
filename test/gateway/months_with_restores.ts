import { read, utils } from "@e965/xlsx";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { ExportedEvent } from "../../src/domain/event_row.ts";
import { nextPeriod } from "../../src/domain/period.ts";
import { sha256Hex } from "../../src/domain/statement.ts";
import { auditMonths, type FoundMonth, type TrustedKey } from "../../src/domain/statement_audit.ts";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import { closeDuePeriods } from "../../src/gateway/close_period.ts";
import type { PutRightCall } from "../../src/domain/ledger/commands.ts";
import { microsOfReais, readCsv } from "../domain/export/readers.ts";
import { type D1Snapshot, restoreSnapshot, takeSnapshot } from "../support/d1_snapshot.ts";
import { adminJson, call, ledgerOf, lookup, newTenant, type TestTenant, testServices } from "../support/gateway.ts";
import { bundle, manifestOf, month, setClock, usageOf } from "../support/months.ts";

/** Found, not found, refused, and two that fail. */
const CPFS = ["52998224725", "52998224725", "52998224725", "40440440408", "40040040046", "50050050052"];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Numbers from 0 to 1 by a seed, so that a failure can be played again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Usage, statement and events say the same of a month that is open or closed. */
async function expectOneTruth(tenantId: string, period: string): Promise<void> {
  const manifest = await manifestOf(tenantId, period);
  const files = await bundle(tenantId, period);
  const { events, usage } = {
    events: (files["events.jsonl"] ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as ExportedEvent),
    usage: await usageOf(tenantId, `${period}-01`, lastDayOf(period)),
  };
  const lookups = events.filter(({ kind }) => kind === "lookup");
  const sum = (list: readonly { amountMicros: number }[]) => list.reduce((all, each) => all + each.amountMicros, 0);
  expect(manifest.seq.count).toBe(events.length);
  expect(manifest.counts.delivered).toBe(lookups.filter(({ outcome }) => outcome === "delivered").length);
  expect(manifest.counts.amountMicros).toBe(sum(lookups));
  expect(manifest.totals.amountMicros).toBe(sum(events));
  expect(manifest.totals.amountCentavos + (manifest.totals.carriedOutCentavos ?? 0)).toBe(
    manifest.lines.reduce((all, line) => all + line.amountCentavos, 0),
  );
  for (const [name, column, separator, micros] of MONEY_COLUMNS) {
    const [header = [], ...rows] = readCsv((files[name] ?? "").replace(/^\ufeff/, ""), separator);
    const at = header.indexOf(column);
    expect(at, `${name} has ${column}`).toBeGreaterThanOrEqual(0);
    expect(rows.length, name).toBe(events.length);
    expect(
      rows.reduce((all, cells) => all + micros(cells[at] ?? ""), 0),
      name,
    ).toBe(sum(events));
  }
  const cells = sheetOf(files["eventos.xlsx"] ?? "");
  expect(cells.map((row) => row["Identificador"])).toEqual(events.map(({ id }) => id));
  expect(microsIn(cells, "Valor (R$)")).toEqual(events.map(({ amountMicros }) => amountMicros));
  expect(cells.map((row) => row["Unidades"])).toEqual(events.map(({ units }) => units));
  expect(cells.map((row) => row["Tipo"])).toEqual(
    events.map(({ kind }) => (kind === "lookup" ? "consulta" : "ajuste")),
  );
  expect(usage.totals.requests).toBe(lookups.length);
  expect(microsOfReais(usage.totals.amount)).toBe(sum(lookups));
  const adjustments = events.filter(({ kind }) => kind === "adjustment");
  expect([usage.adjustments.count, microsOfReais(usage.adjustments.amount)]).toEqual([
    adjustments.length,
    sum(adjustments),
  ]);
  expect(microsOfReais(usage.due)).toBe(sum(events));
  for (const parts of [usage.days, usage.keys]) {
    expect(parts.reduce((all, { requests }) => all + requests, 0)).toBe(lookups.length);
    expect(parts.reduce((all, { amount }) => all + microsOfReais(amount), 0)).toBe(sum(lookups));
  }
  for (const { keyId, requests, billed } of usage.keys) {
    const ofKey = lookups.filter((event) => event.keyId === keyId);
    expect([requests, billed]).toEqual([ofKey.length, ofKey.filter((event) => event.units === 1).length]);
  }
}

/** The month of all tenants says of each that is closed what its statement says, and adds them up. */
async function expectSameForAll(period: string): Promise<void> {
  const all = await adminJson<MonthOfAll>(`/periods/${period}`);
  const closed = all.tenants.flatMap(({ tenantId, totals }) => (totals === null ? [] : [{ tenantId, totals }]));
  for (const { tenantId, totals } of closed) {
    const { counts, lines, totals: signed } = await manifestOf(tenantId, period);
    const sum = (kinds: readonly string[]) =>
      lines.filter(({ kind }) => kinds.includes(kind)).reduce((sofar, line) => sofar + line.amountCentavos, 0);
    expect(totals.quantity).toBe(counts.billed);
    expect([totals.amount, totals.adjustments, totals.total, totals.carriedOut].map(centavosOf)).toEqual([
      sum(["lookups"]),
      sum(["credits", "charges", "carried"]),
      signed.amountCentavos,
      signed.carriedOutCentavos ?? 0,
    ]);
  }
  for (const name of ["amount", "adjustments", "total", "carriedOut"] as const) {
    expect(centavosOf(all.totals[name]), name).toBe(
      closed.reduce((sofar, { totals }) => sofar + centavosOf(totals[name]), 0),
    );
  }
  expect(all.open).toBe(all.tenants.length - closed.length);
}

type TotalsOfAll = {
  readonly quantity: number;
  readonly amount: string;
  readonly adjustments: string;
  readonly carriedOut: string;
  readonly total: string;
};
type MonthOfAll = {
  readonly open: number;
  readonly totals: TotalsOfAll;
  readonly tenants: readonly { readonly tenantId: string; readonly totals: TotalsOfAll | null }[];
};

function centavosOf(reais: string): number {
  return Math.round(Number(reais) * 100);
}

/** The rows of the workbook's first sheet by their columns' names; each character of the text is a byte. */
function sheetOf(text: string): Record<string, unknown>[] {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const { SheetNames, Sheets } = read(bytes, { type: "array" });
  return utils.sheet_to_json(Sheets[SheetNames[0] ?? ""] ?? {}, { defval: null });
}

function microsIn(rows: readonly Record<string, unknown>[], column: string): number[] {
  return rows.map((row) => Math.round(Number(row[column]) * 1e6));
}

/** Where each table has an event's amount. */
const MONEY_COLUMNS: readonly [name: string, column: string, separator: string, micros: (cell: string) => number][] = [
  ["events.csv", "amountMicros", ",", Number],
  ["events.pt-br.csv", "Valor (R$)", ";", microsOfReais],
  ["focus.csv", "BilledCost", ",", microsOfReais],
];

function lastDayOf(period: string): string {
  return new Date(month(period).endMs - 12 * HOUR_MS).toISOString().slice(0, 10);
}

async function readMonth(tenantId: string, period: string): Promise<FoundMonth> {
  const files = await bundle(tenantId, period);
  const measured = Object.entries(files).filter(([name]) => name !== "manifest.json");
  return {
    where: `${tenantId}/${period}`,
    folder: { tenant: tenantId, month: period },
    manifestText: files["manifest.json"] ?? "",
    files: await Promise.all(
      measured.map(async ([name, text]) => {
        const bytes = name.endsWith(".xlsx")
          ? Uint8Array.from(text, (character) => character.charCodeAt(0))
          : new TextEncoder().encode(text);
        return { name, bytes: bytes.byteLength, sha256: await sha256Hex(bytes) };
      }),
    ),
    events: async function* () {
      yield* (files["events.jsonl"] ?? "").split("\n").filter((line) => line !== "");
    },
  };
}

/**
 * Months of three tenants, with D1 restored at random points: each is closed once, is verified as an auditor does it, and
 * never changes. Fails with the seed in what it prints; YEAR_SEED plays it again.
 */
export async function closeMonthsWithRestores(count: number): Promise<void> {
  const { TEST_YEAR_SEED: given } = env as unknown as { TEST_YEAR_SEED: string };
  const seed = Number(given) || Math.floor(performance.now() * 1000) + 1;
  console.log(`months_with_restores seed ${seed}`);
  vi.useFakeTimers({ toFake: ["Date"] });
  const next = random(seed);
  const draw = (most: number) => Math.floor(next() * (most + 1));
  let { period, startMs } = month("2049-01");
  setClock(startMs + 1000);
  const tenants: TestTenant[] = [
    await newTenant({
      plan: {
        tiers: [
          { upTo: 2, unitPriceMicros: 150_000 },
          { upTo: null, unitPriceMicros: 99_999 },
        ],
      },
    }),
    await newTenant({ plan: { name: "trial", tiers: undefined } }),
    await newTenant({ plan: { tiers: [{ upTo: null, unitPriceMicros: 4_999 }] } }),
  ];
  let onTrial = tenants[1]?.tenantId ?? null;
  const withdrawals: { tenantId: string; lookupId: string; inMonth: number }[] = [];
  const outcomes = new Set<number>();
  let taken = 0;
  const snapshots: D1Snapshot[] = [await takeSnapshot()];
  const closed = new Map<string, Record<string, string>>();
  const months: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const { endMs } = month(period);
    for (const { tenantId, key } of tenants) {
      for (let made = draw(4); made > 0; made -= 1) {
        setClock(startMs + 2000 + Math.floor(next() * (endMs - startMs - 4000)));
        const answer = await lookup(key, CPFS[draw(CPFS.length - 1)]);
        const { id, lookupId = id } = await answer.json<{ id?: string; lookupId?: string }>();
        outcomes.add(answer.status);
        // Sometimes the caller got no answer: what was charged is taken back, in the month or after it.
        if (lookupId !== undefined && (withdrawals.length === 0 || draw(3) === 0))
          withdrawals.push({ tenantId, lookupId, inMonth: withdrawals.length === 0 ? index : index + draw(1) });
      }
      for (const each of withdrawals.filter((due) => due.tenantId === tenantId && due.inMonth === index)) {
        const call = {
          lookupId: each.lookupId,
          sent: null,
          idempotency: null,
          outcome: "unknown",
          transactionId: null,
        };
        expect((await ledgerOf(tenantId).putRight(call as PutRightCall)).kind).toBe("put_right");
        taken += 1;
      }
      // A trial becomes a paying plan in the middle of a month, whenever it is.
      if (tenantId === onTrial && index > 2 && draw(3) === 0) {
        onTrial = null;
        const plan = { name: "pay-per-use", tiers: [{ upTo: null, unitPriceMicros: 123_456 }] };
        await adminJson(`/tenants/${tenantId}`, { method: "PATCH", body: { plan } });
      }
      const charged = (await manifestOf(tenantId, period)).counts.amountMicros;
      if (charged >= 10_000 && draw(1) === 1) {
        // Sometimes all that the month has cost, so that a later one is carried.
        const amount = `-${(Math.floor(charged / 10_000) / 100).toFixed(2)}`;
        await adminJson(`/tenants/${tenantId}/adjustments`, {
          body: { corrects: period, units: -1, amount, reason: "acerto" },
        });
      }
      await expectOneTruth(tenantId, period);
      if (draw(1) === 1) await ledgerOf(tenantId).flush();
    }
    snapshots.push(await takeSnapshot());
    setClock(endMs + DAY_MS);
    await closeDuePeriods(testServices());
    months.push(period);
    await expectSameForAll(period);
    for (const { tenantId } of tenants) {
      await expectOneTruth(tenantId, period);
      closed.set(`${tenantId}/${period}`, await bundle(tenantId, period));
    }
    if (draw(1) === 1) await archiveStatements(testServices());
    snapshots.push(await takeSnapshot());
    if (draw(2) > 0) {
      // Back to any point since the tenants were made: before this close, or months before it.
      await restoreSnapshot(snapshots[draw(snapshots.length - 1)] ?? new Map());
      for (const place of closed.keys()) {
        const [tenantId = "", closedPeriod = ""] = place.split("/");
        expect(await bundle(tenantId, closedPeriod)).toEqual(closed.get(place));
      }
      setClock(endMs + DAY_MS + HOUR_MS);
      await closeDuePeriods(testServices());
      await archiveStatements(testServices());
    }
    for (const place of closed.keys()) {
      const [tenantId = "", closedPeriod = ""] = place.split("/");
      expect(await bundle(tenantId, closedPeriod)).toEqual(closed.get(place));
    }
    ({ period, startMs } = month(nextPeriod(period)));
  }

  const { keys } = await (
    await call("/.well-known/claro-score-gateway/export-keys.json")
  ).json<{ keys: TrustedKey[] }>();
  const found = await Promise.all(tenants.flatMap(({ tenantId }) => months.map((each) => readMonth(tenantId, each))));
  expect(taken).toBeGreaterThan(0);
  expect(outcomes.size).toBeGreaterThan(1);
  const audited = await auditMonths(found, { keys });
  expect(audited).toHaveLength(3 * count);
  expect(audited.flatMap(({ problems, where }) => problems.map((problem) => ({ where, ...problem })))).toEqual([]);
  expect(audited.filter(({ chain }) => chain === "checked")).toHaveLength(3 * (count - 1));
  for (const { tenantId } of tenants) {
    const { objects } = await env.STATEMENTS.list({ prefix: `statements/${tenantId}/` });
    expect(objects.filter(({ key }) => key.endsWith("/manifest.json"))).toHaveLength(count);
  }
}
