import fc from "fast-check";
import { checkGateway } from "../../src/ctl/deploy/check_gateway.ts";
import type { Options } from "../../src/ctl/deploy/options.ts";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { judgeCanary } from "../../src/ctl/deploy/canary_verdict.ts";
import { readOptions } from "../../src/ctl/deploy/options.ts";
import { describeMigrations, isReplacing } from "../../src/ctl/deploy/schema.ts";
import { reasonsApart, type Sides } from "../../src/ctl/deploy/side_by_side.ts";

const tally = fc
  .record({ calls: fc.nat(400), part: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ calls, part }) => ({ calls, failures: Math.round(calls * part) }));

describe("a canary", () => {
  test.each([
    ["answers everything", [200, 0], [200, 0], true, "promote"],
    ["fails twice, as a network does", [200, 2], [200, 0], true, "promote"],
    ["fails three times in a hundred", [100, 3], [100, 0], false, "return"],
    ["fails at once", [3, 3], [3, 0], false, "return"],
    ["fails no more than the version before", [100, 50], [100, 50], false, "watch"],
    ["fails as the version before, to the end", [200, 100], [200, 100], true, "return"],
    ["was hardly ever called", [19, 0], [200, 0], true, "return"],
    ["goes well so far", [100, 0], [100, 0], false, "watch"],
  ] as const)("that %s", (_what, canary, before, isOver, verdict) => {
    const [[calls, failures], [callsBefore, failuresBefore]] = [canary, before];
    expect(judgeCanary({ calls, failures }, { calls: callsBefore, failures: failuresBefore }, { isOver })).toBe(
      verdict,
    );
  });

  test("is promoted only at the end, and never with more than two percent of failures and more than two of them", () => {
    fc.assert(
      fc.property(tally, tally, fc.boolean(), (canary, before, isOver) => {
        const verdict = judgeCanary(canary, before, { isOver });
        if (isOver) expect(verdict).not.toBe("watch");
        else expect(verdict).not.toBe("promote");
        if (verdict === "promote") expect(canary.failures <= 2 || canary.failures <= 0.02 * canary.calls).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("two versions", () => {
  const release = {
    version: "0.1.0",
    commit: "abc",
    environment: "production",
    ledgerSchema: 2,
    databaseSchema: "0005.sql",
  };
  const side: Sides = { release, classNames: ["A", "B"] };

  test.each([
    ["that differ in nothing that is stored", side, { ...side, release: { ...release, commit: "def" } }, [], 0],
    ["with two schemas of the ledgers", side, { ...side, release: { ...release, ledgerSchema: 3 } }, [], 1],
    ["of which one does not say", { ...side, release: null }, side, [], 1],
    ["with one class more", side, { ...side, classNames: ["A", "B", "C"] }, [], 1],
    ["with another class in place of one", side, { ...side, classNames: ["A", "C"] }, [], 2],
    ["with a migration between that takes away", side, side, ["0006_drop.sql"], 1],
  ])("%s", (_what, older, newer, replacing, reasons) => {
    expect(reasonsApart(older, newer, { replacing }).length).toBe(reasons);
  });
});

describe("a migration", () => {
  test.each([
    ["CREATE TABLE a (b TEXT); CREATE INDEX c ON a (b);", false],
    ["ALTER TABLE a ADD COLUMN c TEXT;", false],
    ["CREATE TRIGGER a BEFORE UPDATE ON b BEGIN SELECT RAISE(ABORT, 'DROP TABLE b'); END;", false],
    ["-- once there was a DROP TABLE here\nDROP INDEX a;", false],
    ["/* RENAME */ DROP TRIGGER a;", false],
    ["ALTER TABLE a RENAME TO b;", true],
    ["alter table a rename column b to c;", true],
    ["ALTER TABLE a DROP COLUMN b;", true],
    ["ALTER TABLE a DROP b;", true],
    ["DROP TABLE IF EXISTS a;", true],
    ["DROP VIEW a;", true],
  ])("%s takes something away: %s", (sql, expected) => {
    expect(isReplacing(sql)).toBe(expected);
  });

  test("of this project that replaced events by a view is one of those", () => {
    const dir = fileURLToPath(new URL("../../src/platform/migrations/", import.meta.url).href);
    const found = readdirSync(dir).filter((name) => isReplacing(readFileSync(dir + name, "utf8")));
    expect(found).toContain("0005_event_batches.sql");
    expect(found).not.toContain("0001_register_and_events.sql");
  });
});

describe("the command line", () => {
  test.each([
    ["an environment's name that is none", ["--env", "Staging!"], /--env takes/],
    ["a name that would end in a hyphen", ["--env", "staging-"], /--env takes/],
    ["an unknown option", ["--force"], /--force/],
    ["something that is no option", ["staging"], /staging/],
    ["an address without https", ["--check-url", "http://scores.example.com"], /--check-url takes an https URL/],
    ["an address that is none", ["--check-url", "scores"], /--check-url takes an https URL/],
    ["a canary of everything", ["--canary", "100"], /--canary takes a number from 1 to 99/],
    ["a canary of nothing", ["--canary", "0"], /--canary takes/],
    ["a part of a percent", ["--canary", "1.5"], /--canary takes/],
    ["no time to watch", ["--canary", "5", "--watch", "0"], /--watch takes/],
    ["canary and rollback at once", ["--canary", "10", "--rollback"], /do not go together/],
    ["a rollback with a new token", ["--rollback", "--new-admin-token"], /do not go together/],
    ["a canary that nobody asks", ["--canary", "10", "--no-check"], /do not go together/],
    ["a check that is none", ["--check-url", "https://a.example", "--no-check"], /do not go together/],
  ])("refuses %s", (_what, args, reason) => {
    expect(() => readOptions(args)).toThrow(reason);
  });

  test("takes an address on this machine without https, and keeps its origin only", () => {
    expect(readOptions(["--check-url", "http://127.0.0.1:8787/healthz"]).checkUrl).toBe("http://127.0.0.1:8787");
    expect(readOptions(["--check-url", "https://user:secret@scores.example.com/x"]).checkUrl).toBe(
      "https://scores.example.com",
    );
  });
});

test("migrations are named while they are few, and counted when they are many", () => {
  expect(describeMigrations(["0001_a.sql", "0002_b.sql"])).toBe("0001_a.sql, 0002_b.sql");
  const many = ["0001_a.sql", "0002_b.sql", "0003_c.sql", "0004_d.sql"];
  expect(describeMigrations(many)).toBe("4 migrations, 0001_a.sql to 0004_d.sql");
});

test.each([
  [true, /deploy a repair, or return to the version before with --rollback/],
  [false, /, and deploy a repair\.$/],
])("a check that fails leads back where that is possible: %s", async (canReturn, words) => {
  const gateway = { url: "http://127.0.0.1:9", worker: "w" };
  const options = { checkWaitSeconds: 0 } as Options;
  const checking = checkGateway(gateway, { versionId: "v", adminToken: null, file: {} as never, options, canReturn });
  await expect(checking).rejects.toThrow(words);
});
