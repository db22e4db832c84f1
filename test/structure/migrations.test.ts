import { globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const dir = fileURLToPath(new URL("../../src/platform/migrations/", import.meta.url).href);
const migrations = globSync("*.sql", { cwd: dir }).toSorted();

test("events that had a row each are in batches of one afterwards, the same to whoever reads them", () => {
  const database = new DatabaseSync(":memory:");
  const apply = (name: string) => database.exec(readFileSync(dir + name, "utf8"));
  const events = () => database.prepare("SELECT * FROM events ORDER BY tenant_id, mode, seq").all();
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
