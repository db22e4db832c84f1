import { globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { EVENT_FIELDS, STORED_ONLY_FIELDS } from "../../src/domain/event_fields.ts";
import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS } from "../../src/domain/ledger/day_sums.ts";
import { USAGE_SQL } from "../../src/platform/usage_sums_sql.ts";

const dir = fileURLToPath(new URL("../../src/platform/migrations/", import.meta.url).href);
const migrations = globSync("*.sql", { cwd: dir }).toSorted();

test("events that had a row each are in batches of one afterwards, the same to whoever reads them", () => {
  const database = new DatabaseSync(":memory:");
  const apply = (name: string) => database.exec(readFileSync(dir + name, "utf8"));
  const columns = `tenant_id, mode, seq, id, occurred_at, key_id, reference, outcome, billed, units, unit_price_micros,
    amount_micros, transaction_id, cpf_reference, kind, corrects`;
  const events = () => database.prepare(`SELECT ${columns} FROM events ORDER BY tenant_id, mode, seq`).all();
  const before = migrations.filter((name) => name < "0005");
  for (const name of before) apply(name);
  const insert = database.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const tail = ["tx_1", "v1:0", "lookup", null];
  insert.run(
    "ten_1",
    "live",
    1,
    "lkp_1",
    1_790_000_000_123,
    "csg_live_1",
    "pão",
    "delivered",
    1,
    1,
    150_000,
    150_000,
    ...tail,
  );
  insert.run(
    "ten_1",
    "live",
    2,
    "lkp_2",
    1_790_000_000_124,
    "csg_live_1",
    null,
    "unknown",
    0,
    0,
    0,
    0,
    null,
    "v1:0",
    "lookup",
    null,
  );
  insert.run(
    "ten_1",
    "live",
    3,
    "adj_1",
    1_790_000_000_125,
    null,
    "reason",
    null,
    1,
    -1,
    null,
    -150_000,
    null,
    null,
    "adjustment",
    "lkp_1",
  );
  insert.run("ten_1", "test", 1, "lkp_3", 1_790_000_000_126, "csg_test_1", null, "not_found", 0, 0, 0, 0, ...tail);
  const rows = events();
  expect(rows.length).toBe(4);
  for (const name of migrations.filter((name) => !before.includes(name))) apply(name);
  expect(events()).toEqual(rows);
  expect(database.prepare("SELECT count(*) AS n FROM event_batches").get()).toEqual({ n: 4 });
});

describe("D1's view of the events", () => {
  const stored = [...EVENT_FIELDS, ...STORED_ONLY_FIELDS].filter(
    ({ stored }) => stored === "first" || stored === "later",
  );

  function viewOf(row: object): Record<string, unknown> {
    const database = new DatabaseSync(":memory:");
    for (const name of migrations) database.exec(readFileSync(dir + name, "utf8"));
    database.prepare("INSERT INTO event_batches VALUES ('ten_1', 'live', 1, 1, ?)").run(JSON.stringify([row]));
    return { ...database.prepare("SELECT * FROM events").get() };
  }

  test("has the columns of the list of fields, in its order, and each its own value", () => {
    const row = Object.fromEntries(stored.map(({ column }, index) => [column, index]));
    const view = viewOf({ ...row, seq: 1 });
    expect(view).toEqual({ tenant_id: "ten_1", mode: "live", ...row, seq: 1 });
    expect(Object.keys(view)).toEqual(["tenant_id", "mode", ...stored.map(({ column }) => column)]);
  });

  test("has null where an event was recorded before a field existed", () => {
    const first = stored.filter((field) => field.stored === "first");
    const view = viewOf({ ...Object.fromEntries(first.map(({ column }) => [column, 7])), seq: 1 });
    const later = stored.filter((field) => field.stored === "later").map(({ column }) => column);
    expect(later.length).toBeGreaterThan(10);
    for (const column of later) expect(view[column], column).toBeNull();
  });
});

test.each([
  ["no tenant", 0, []],
  ["tenants", 1, ["v1"]],
])("references of before years had keys may exist where there are %s", (_case, tenants, names) => {
  const database = new DatabaseSync(":memory:");
  const apply = (name: string) => database.exec(readFileSync(dir + name, "utf8"));
  for (const name of migrations.filter((other) => other < "0015")) apply(name);
  for (let n = 0; n < tenants; n += 1) {
    database.exec(`INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
      VALUES ('ten_${n}', 'Loja', '12ABC34501DE35', 'loja', '{}', 'active', 1)`);
  }
  for (const name of migrations.filter((other) => other >= "0015")) apply(name);
  const rows = database.prepare("SELECT name FROM reference_keys WHERE sealed IS NULL").all();
  expect(rows.map(({ name }) => name)).toEqual(names);
});

describe("the sums of days", () => {
  const day = (n: number) =>
    JSON.stringify({
      counts: [n, 1, 2, 3, 4],
      billed: n,
      amountMicros: 150_000 * n,
      adjustments: 1,
      adjustmentMicros: -5,
      claroMs: Array.from({ length: CLARO_MS_BOUNDS.length + 1 }, (_, bucket) => bucket),
      // Days of before admissions were counted have none.
      ...(n % 2 === 0
        ? { claroMsTotal: 7, admitMs: Array.from({ length: ADMIT_MS_BOUNDS.length + 1 }, () => n), admitMsTotal: n }
        : {}),
    });

  const bindings = (date: string) => ({ "1": date });
  const insertDays = (database: DatabaseSync, month: string, values: readonly number[]) => {
    const statement = database.prepare("INSERT INTO usage_days VALUES (?, ?, 'live', 1, ?)");
    for (const [n, value] of values.entries()) statement.run(`${month}-0${n + 1}`, `ten_${n % 2}`, day(value));
  };
  const read = (database: DatabaseSync) => ({
    totals: { ...database.prepare(USAGE_SQL.totals).get(bindings("9999-99-99")) },
    months: ["2026-01", "2026-02"].map((period) => {
      return { ...database.prepare(USAGE_SQL.month).get({ "1": "9999-99-99", "2": period }) };
    }),
  });
  const moveTo = (database: DatabaseSync, date: string) => {
    for (const statement of [USAGE_SQL.moveMonths, USAGE_SQL.moveTotals])
      database.prepare(statement).run(bindings(date));
  };

  test.each(["", "2026-01-02", "2026-02-02", "2026-03-01"])(
    "are the same whichever days were summed by %s, came, changed and left since",
    (date) => {
      const database = new DatabaseSync(":memory:");
      for (const name of migrations) database.exec(readFileSync(dir + name, "utf8"));
      insertDays(database, "2026-01", [9, 2]);
      moveTo(database, date);
      // Twice is once.
      moveTo(database, date);
      insertDays(database, "2026-02", [1, 9, 3, 4]);
      database.prepare("INSERT INTO usage_days VALUES ('2026-01-03', 'ten_0', 'live', 1, ?)").run(day(3));
      const change = database.prepare("UPDATE usage_days SET sums = ? WHERE date = ?");
      change.run(day(1), "2026-01-01");
      change.run(day(2), "2026-02-02");
      database.exec("DELETE FROM usage_days WHERE date = '2026-02-04'");
      const { totals, months } = read(database);
      expect(totals).toMatchObject({ billed: 12, amount_micros: 1_800_000, adjustments: 6, adjustment_micros: -30 });
      expect(totals["counts"]).toBe("[12,6,12,18,24]");
      expect(totals["claro_ms"]).toBe(
        `[${Array.from({ length: CLARO_MS_BOUNDS.length + 1 }, (_, bucket) => 6 * bucket)}]`,
      );
      expect(totals["admit_ms"]).toBe(`[${Array.from({ length: ADMIT_MS_BOUNDS.length + 1 }, () => 4)}]`);
      expect([totals["claro_ms_total"], totals["admit_ms_total"]]).toEqual([14, 4]);
      expect(months).toEqual([
        { billed: 6, amount: 899_985, claro_units: 18 },
        { billed: 6, amount: 899_985, claro_units: 18 },
      ]);
    },
  );

  test("are written by no copy of a day that is recent", () => {
    const database = new DatabaseSync(":memory:");
    for (const name of migrations) database.exec(readFileSync(dir + name, "utf8"));
    moveTo(database, "2026-01-01");
    insertDays(database, "2026-01", [1, 2, 3]);
    expect({ ...database.prepare("SELECT billed FROM usage_totals").get() }).toEqual({ billed: 0 });
    expect(database.prepare("SELECT * FROM usage_months").all()).toEqual([]);
  });
});

test("a dump of D1, which makes tables with their rows, then triggers, then views, makes the same database again", () => {
  const database = new DatabaseSync(":memory:");
  for (const name of migrations) database.exec(readFileSync(dir + name, "utf8"));
  database.exec("UPDATE usage_totals SET before_date = '2026-02-01'");
  const sums = JSON.stringify({ counts: [2, 0, 0, 0, 1], billed: 2, amountMicros: 300_000 });
  database.prepare("INSERT INTO usage_days VALUES ('2026-01-05', 'ten_1', 'live', 1, ?)").run(sums);
  const made = (type: string) =>
    database
      .prepare("SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
      .all(type) as { name: string; sql: string }[];
  const again = new DatabaseSync(":memory:");
  for (const { name, sql } of made("table")) {
    again.exec(sql);
    for (const row of database.prepare(`SELECT * FROM "${name}"`).all()) {
      const columns = Object.keys(row);
      const places = columns.map(() => "?").join(", ");
      const insert = `INSERT INTO "${name}" (${columns.map((column) => `"${column}"`).join(", ")}) VALUES (${places})`;
      again.prepare(insert).run(...Object.values(row));
    }
  }
  for (const type of ["index", "trigger", "view"]) for (const { sql } of made(type)) again.exec(sql);
  const months = (of: DatabaseSync) =>
    of
      .prepare("SELECT * FROM usage_months")
      .all()
      .map((row) => ({ ...row }));
  expect(months(again)).toEqual(months(database));
  expect(months(again)).toHaveLength(1);
  again.exec("DELETE FROM usage_days");
  expect(months(again)).toMatchObject([{ billed: 0, amount_micros: 0, claro_units: 0 }]);
  expect(again.prepare("SELECT count(*) AS n FROM usage_changes").get()).toEqual({ n: 0 });
});
