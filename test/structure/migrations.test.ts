import { globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { EVENT_FIELDS, STORED_ONLY_FIELDS } from "../../src/domain/event_fields.ts";
import { ADMIT_MS_BOUNDS, CLARO_MS_BOUNDS } from "../../src/domain/ledger/day_sums.ts";

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

  function withDays(
    changes: (insert: (n: number, month: string, value: number) => void, database: DatabaseSync) => void,
    last: string,
  ) {
    const database = new DatabaseSync(":memory:");
    const apply = (name: string) => database.exec(readFileSync(dir + name, "utf8"));
    for (const name of migrations.filter((name) => name <= last)) apply(name);
    const statement = database.prepare("INSERT INTO usage_days VALUES (?, ?, 'live', 1, ?)");
    changes((n, month, value) => void statement.run(`${month}-0${n}`, `ten_${n % 2}`, day(value)), database);
    for (const name of migrations.filter((name) => name > last)) apply(name);
    return {
      totals: database
        .prepare("SELECT * FROM usage_totals")
        .all()
        .map((row) => ({ ...row })),
      months: database
        .prepare("SELECT * FROM usage_months WHERE billed != 0")
        .all()
        .map((row) => ({ ...row })),
    };
  }

  const insertAll = (insert: (n: number, month: string, value: number) => void) => {
    for (const month of ["2026-01", "2026-02"]) for (const n of [1, 2, 3]) insert(n, month, n);
  };

  test("are the same for days from before the sums were kept, and for days that came, changed and left since", () => {
    const before = withDays(insertAll, "0026");
    const since = withDays(
      (insert, database) => {
        insertAll((n, month) => insert(n, month, 9));
        insert(4, "2026-02", 4);
        for (const n of [1, 2, 3])
          database.prepare("UPDATE usage_days SET sums = ? WHERE date LIKE ?").run(day(n), `%-0${n}`);
        database.exec("DELETE FROM usage_days WHERE date LIKE '%-04'");
      },
      migrations.at(-1) ?? "",
    );
    expect(since).toEqual(before);
    expect(before.months).toHaveLength(4);
    const [live, sandboxed] = before.totals;
    expect(live).toMatchObject({
      mode: "live",
      billed: 12,
      amount_micros: 1_800_000,
      adjustments: 6,
      adjustment_micros: -30,
    });
    expect(live?.["counts"]).toBe("[12,6,12,18,24]");
    expect(live?.["claro_ms"]).toBe(
      `[${Array.from({ length: CLARO_MS_BOUNDS.length + 1 }, (_, bucket) => 6 * bucket)}]`,
    );
    expect(live?.["admit_ms"]).toBe(`[${Array.from({ length: ADMIT_MS_BOUNDS.length + 1 }, () => 4)}]`);
    expect([live?.["claro_ms_total"], live?.["admit_ms_total"]]).toEqual([14, 4]);
    expect(sandboxed).toMatchObject({ mode: "test", billed: 0 });
  });
});
