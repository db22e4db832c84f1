import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { apply } from "../../../src/domain/ledger/apply.ts";
import { lookupsOfDay } from "../../../src/domain/ledger/day_counts.ts";
import type { Entry } from "../../../src/domain/ledger/entries.ts";
import { LEDGER_SCHEMA_VERSION } from "../../../src/domain/ledger/schema_version.ts";
import { emptyState, parseState, serializeState } from "../../../src/domain/ledger/state.ts";

/**
 * The entries and the checkpoints of the same calls, as each version of the ledger's schema wrote them: keys with and without
 * limits, open lookups, waiting events, grants, an adjustment and a revocation. What reads them must go on reading them.
 */
type Written = { readonly entries: readonly Entry[]; readonly state: unknown };
type File = { readonly live: Written; readonly test: Written };

const PRESENT = `schema_${LEDGER_SCHEMA_VERSION}`;
const EARLIER = ["schema_2_one_day", "schema_2_two_days"];
const MODES = ["live", "test"] as const;

function read(name: string): File {
  return JSON.parse(readFileSync(join(import.meta.dirname, "checkpoints", `${name}.json`), "utf8")) as File;
}

function stateOf({ state }: Written) {
  return parseState(JSON.stringify(state));
}

function replayed({ entries }: Written) {
  const state = emptyState();
  for (const entry of entries) apply(state, structuredClone(entry));
  return state;
}

/** Every path of a value with the kind of what stands there; the names of a map's or a list's members do not matter. */
function shapeOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return [`${path}[]`, ...value.flatMap((each) => shapeOf(each, `${path}[]`))];
  if (typeof value !== "object" || value === null) return [`${path}: ${value === null ? "null" : typeof value}`];
  return Object.entries(value).flatMap(([name, each]) => shapeOf(each, `${path}.${name}`));
}

/**
 * The schema since which each type of entry is known. Code of before stops at a type that it does not know: one more is
 * another `LEDGER_SCHEMA_VERSION`.
 */
const KNOWN_SINCE: Readonly<Record<Entry["type"], number>> = {
  configured: 2,
  key_revoked: 2,
  accessed: 2,
  streamed: 3,
  admitted: 2,
  refused_after_sending: 2,
  replayed: 2,
  ended: 2,
  adjusted: 2,
  period_closed: 2,
  cut: 2,
  stopped: 2,
};

test("every type of entry is of this schema or one before: else raise LEDGER_SCHEMA_VERSION", () => {
  expect(Math.max(...Object.values(KNOWN_SINCE))).toBeLessThanOrEqual(LEDGER_SCHEMA_VERSION);
});

test("an entry of a type that nobody here knows stops the ledger: it is never left out", () => {
  const later = { type: "refunded", v: 1, atMs: 1 } as unknown as Entry;
  expect(() => apply(emptyState(), later)).toThrow("does not know");
});

describe.each(MODES)("in mode %s", (mode) => {
  test("a checkpoint of this schema has all that it had, as it was: else raise LEDGER_SCHEMA_VERSION", () => {
    const written = read(PRESENT)[mode];
    const shape = new Set(shapeOf(JSON.parse(serializeState(replayed(written)))));
    expect([...new Set(shapeOf(written.state))].filter((path) => !shape.has(path))).toEqual([]);
  });

  test.each([PRESENT, ...EARLIER])("the entries of %s give the state of today", (name) => {
    const state = serializeState(replayed(read(name)[mode]));
    expect(JSON.parse(state)).toEqual(JSON.parse(serializeState(stateOf(read(PRESENT)[mode]))));
  });

  test.each(EARLIER)("the checkpoint of %s is read as today's", (name) => {
    const state = stateOf(read(name)[mode]);
    const today = stateOf(read(PRESENT)[mode]);
    // The first ones knew nothing of the day before.
    const days = name === "schema_2_one_day" ? 1 : 3;
    today.testDays = today.testDays.slice(0, days);
    for (const counts of today.keys.values()) counts.days = counts.days.slice(0, days);
    expect(JSON.parse(serializeState(state))).toEqual(JSON.parse(serializeState(today)));
    const [, limited] = [...state.keys.values()];
    expect(lookupsOfDay(limited?.days ?? [], "2026-11-21")).toBe(2);
  });
});
