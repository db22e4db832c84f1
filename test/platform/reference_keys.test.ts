import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { referenceToPerson, referenceKeyStatus, tendReferenceKeys } from "../../src/gateway/reference_keys.ts";
import { ReferenceKeys } from "../../src/platform/reference_keys.ts";
import type { Services } from "../../src/platform/services.ts";
import { testServices } from "../support/gateway.ts";

type Secrets = readonly [string, ...string[]];

const SECRETS: Secrets = ["first-secret-of-references-0123456789"];
const PERSON = { tenantId: "ten_1", cpf: "52998224725" };
const DAY_MS = 24 * 3_600_000;
/** The first instant of a year in São Paulo. */
const startOf = (year: number) => Date.UTC(year, 0, 1, 3);

beforeEach(async () => {
  const { objects } = await env.STATEMENTS.list();
  await env.STATEMENTS.delete(objects.map(({ key }) => key));
  await env.DB.exec("DELETE FROM reference_keys");
});

afterEach(() => {
  vi.restoreAllMocks();
});

function keys(secrets = SECRETS, stores: Partial<{ bucket: unknown; db: unknown }> = {}): ReferenceKeys {
  return new ReferenceKeys({ bucket: env.STATEMENTS, db: env.DB, ...stores } as never, secrets);
}

/** The services at a time, by the isolate's clock and by R2's. */
function servicesAt(isolateMs: number, { storeMs = isolateMs, references = keys(), years = 5 } = {}): Services {
  const made = testServices();
  return {
    ...made,
    references,
    settings: { ...made.settings, cpfReferenceYears: years },
    clock: { nowMs: () => isolateMs },
    storeClock: { nowMs: () => Promise.resolve(storeMs) },
  };
}

async function referenceAt(ms: number, references = keys()): Promise<string> {
  const reference = await referenceToPerson(servicesAt(ms, { references }), PERSON);
  if (!reference.ok) throw new Error(reference.failure.code);
  return reference.value;
}

async function referencesOf(references: ReferenceKeys): Promise<readonly string[]> {
  const found = await references.referencesOf(PERSON.cpf);
  if (!found.ok) throw new Error(found.failure);
  return await found.value(PERSON.tenantId);
}

async function rows(): Promise<Record<string, unknown>[]> {
  return (await env.DB.prepare("SELECT name, sealed FROM reference_keys ORDER BY name").all()).results;
}

async function destroyed(): Promise<string[]> {
  return (await referenceKeyStatus(servicesAt(0)))
    .filter(({ destroyedAtMs }) => destroyedAtMs !== null)
    .map(({ name }) => name);
}

const BROKEN = new Proxy(
  {},
  {
    get: () => () => {
      throw new Error("cannot be reached");
    },
  },
);

describe("a reference to a person", () => {
  test("is under the key of São Paulo's year, the same all year, and tells nothing of another year's or tenant's", async () => {
    const references = keys();
    const last = await referenceAt(startOf(2027) - 1, references);
    const first = await referenceAt(startOf(2027), references);
    expect(last).toMatch(/^2026:[0-9a-f]{32}$/);
    expect(first).toMatch(/^2027:[0-9a-f]{32}$/);
    expect(first.slice(5)).not.toBe(last.slice(5));
    expect(await referenceAt(startOf(2026), keys())).toBe(last);
    const other = await references.reference("2026", { ...PERSON, tenantId: "ten_2" });
    expect(other.ok && other.value).not.toBe(last);
  });

  test("is one for two isolates that make the year's key at the same time", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => referenceAt(startOf(2026), keys())));
    expect(new Set(all).size).toBe(1);
    expect((await rows()).map(({ name }) => name)).toEqual(["2026"]);
  });

  test("costs an isolate one read of R2 and no D1 once the key is there, and then nothing", async () => {
    await referenceAt(startOf(2026));
    const references = keys();
    const reads = vi.spyOn(env.STATEMENTS, "get");
    const queries = vi.spyOn(env.DB, "prepare");
    for (let n = 0; n < 5; n += 1) await referenceAt(startOf(2026), references);
    expect([reads.mock.calls.length, queries.mock.calls.length]).toEqual([1, 0]);
  });

  test("can be made by a cold isolate while D1 is down, and while R2 is", async () => {
    const known = await referenceAt(startOf(2026));
    expect(await referenceAt(startOf(2026), keys(SECRETS, { db: BROKEN }))).toBe(known);
    expect(await referenceAt(startOf(2026), keys(SECRETS, { bucket: BROKEN }))).toBe(known);
    const hanging = { get: () => new Promise(() => {}) };
    expect(await referenceAt(startOf(2026), keys(SECRETS, { bucket: hanging }))).toBe(known);
    const none = await referenceToPerson(
      servicesAt(startOf(2026), { references: keys(SECRETS, { bucket: BROKEN, db: BROKEN }) }),
      PERSON,
    );
    expect(none).toEqual({ ok: false, failure: { code: "ledger_unavailable", retryAfterSeconds: 1 } });
  });

  test("survives the loss of D1's rows, and of R2's object", async () => {
    const known = await referenceAt(startOf(2026));
    await env.DB.exec("DELETE FROM reference_keys");
    expect(await referenceAt(startOf(2026))).toBe(known);
    await tendReferenceKeys(servicesAt(startOf(2026)));
    expect((await rows()).map(({ name }) => name)).toEqual(["2026", "2027", "restrictions"]);
    await env.STATEMENTS.delete("reference-keys/2026.json");
    expect(await referenceAt(startOf(2026))).toBe(known);
    expect(await env.STATEMENTS.head("reference-keys/2026.json")).not.toBeNull();
  });

  test("goes on through a rotation of CPF_HMAC_SECRET, which seals the keys again", async () => {
    const known = await referenceAt(startOf(2026));
    const rotated: Secrets = ["second-secret-of-references-0123456789", ...SECRETS];
    // Isolates with the settings of before and after run side by side.
    const before: Secrets = [...SECRETS, "second-secret-of-references-0123456789"];
    expect(await referenceAt(startOf(2026), keys(rotated))).toBe(known);
    await tendReferenceKeys(servicesAt(startOf(2026), { references: keys(rotated) }));
    expect(await referenceAt(startOf(2026), keys(before))).toBe(known);
    const alone: Secrets = [rotated[0]];
    expect(await referenceAt(startOf(2026), keys(alone))).toBe(known);
    expect(await referenceAt(startOf(2026), keys(alone, { bucket: BROKEN }))).toBe(known);
    const statuses = await keys(alone).all();
    expect(statuses.map(({ sealedUnder }) => sealedUnder)).toEqual(["current", "current", "current"]);
  });

  test("is refused, and no second key is made, where the secret was changed without the one before", async () => {
    await referenceAt(startOf(2026));
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const references = keys(["another-secret-of-references-0123456789"]);
    const refused = await referenceToPerson(servicesAt(startOf(2026), { references }), PERSON);
    expect(refused).toEqual({ ok: false, failure: { code: "misconfigured" } });
    expect(lines.mock.calls.join()).toContain("CPF_HMAC_SECRET_PREVIOUS");
    expect((await rows()).length).toBe(1);
  });

  test("of before years had keys is found under the secret of that time, also after a rotation", async () => {
    await env.DB.prepare("INSERT INTO reference_keys (name, sealed, made_at) VALUES ('v1', NULL, ?)")
      .bind(startOf(2026))
      .run();
    await tendReferenceKeys(servicesAt(startOf(2026)));
    const hmac = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(SECRETS[0]),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const text = new TextEncoder().encode(`${PERSON.tenantId}\n${PERSON.cpf}`);
    const old = `v1:${new Uint8Array(await crypto.subtle.sign("HMAC", hmac, text)).toHex().slice(0, 32)}`;
    const rotated: Secrets = ["second-secret-of-references-0123456789", ...SECRETS];
    await tendReferenceKeys(servicesAt(startOf(2026), { references: keys(rotated) }));
    const found = await referencesOf(keys([rotated[0]]));
    expect(found).toContain(old);
  });
});

describe("the end of a year's key", () => {
  const END_MS = startOf(2032);

  test("is its year's end and five years, or as many as are set, and comes with two readings of two clocks a day apart", async () => {
    const known = await referenceAt(startOf(2026));
    await tendReferenceKeys(servicesAt(END_MS - 1));
    await tendReferenceKeys(servicesAt(END_MS - 1 + DAY_MS - 1, { years: 6 }));
    expect(await env.STATEMENTS.head("reference-key-ends/2026.json")).toBeNull();
    await tendReferenceKeys(servicesAt(END_MS));
    await tendReferenceKeys(servicesAt(END_MS + DAY_MS - 1));
    expect(await destroyed()).toEqual([]);
    await tendReferenceKeys(servicesAt(END_MS + DAY_MS));
    expect(await destroyed()).toEqual(["2026"]);
    const candidates = await referencesOf(keys());
    expect(candidates.every((reference) => !reference.startsWith("2026:"))).toBe(true);
    expect(known).toMatch(/^2026:/);
    const line = await env.DB.prepare("SELECT actor, target FROM audit WHERE action = 'reference_key.destroy'").first();
    expect(line).toEqual({ actor: "cron", target: "2026" });
  });

  test.each<[string, (end: number) => [number, number][]]>([
    [
      "the isolate's clock is years ahead, for days",
      (end) => [
        [end, end - 9 * DAY_MS],
        [end + 9 * DAY_MS, end - DAY_MS],
      ],
    ],
    [
      "R2's clock is years ahead, for days",
      (end) => [
        [end - 9 * DAY_MS, end],
        [end - DAY_MS, end + 9 * DAY_MS],
      ],
    ],
    [
      "both were ahead once",
      (end) => [
        [end, end],
        [end - 9 * DAY_MS, end - 9 * DAY_MS],
      ],
    ],
    [
      "both were ahead at two times on one day",
      (end) => [
        [end, end],
        [end + 1, end + 1],
        [end + 2, end + 2],
      ],
    ],
    [
      "the isolate's was ahead when first seen",
      (end) => [
        [end, end - 2 * DAY_MS],
        [end, end],
        [end + 1, end + 1],
      ],
    ],
  ])("does not come early when %s", async (_case, readings) => {
    await referenceAt(startOf(2026));
    for (const [isolateMs, storeMs] of readings(END_MS)) await tendReferenceKeys(servicesAt(isolateMs, { storeMs }));
    expect(await destroyed()).toEqual([]);
    expect(await referenceAt(startOf(2026))).toMatch(/^2026:/);
  });

  test("counts a key that a wrong clock asked for as of the year in which it was made", async () => {
    await referenceAt(startOf(2001));
    const made = (await referenceKeyStatus(servicesAt(0))).find(({ name }) => name === "2001");
    expect(made?.endsAtMs).toBe(startOf(new Date().getUTCFullYear() + 6));
  });

  test("is for good: neither a restore of D1 nor a lookup makes the key again", async () => {
    await referenceAt(startOf(2026));
    const [row] = await rows();
    for (const ms of [END_MS, END_MS + DAY_MS]) await tendReferenceKeys(servicesAt(ms));
    const restore = env.DB.prepare("INSERT INTO reference_keys (name, sealed, made_at) VALUES (?, ?, 0)");
    await restore.bind(row?.["name"], row?.["sealed"]).run();
    expect(await keys().reference("2026", PERSON)).toEqual({ ok: false, failure: "destroyed" });
    const found = await referencesOf(keys());
    expect(found.some((reference) => reference.startsWith("2026:"))).toBe(false);
    await tendReferenceKeys(servicesAt(END_MS + 2 * DAY_MS));
    expect((await rows()).map(({ name }) => name)).not.toContain("2026");
    const lines = await env.DB.prepare(
      "SELECT n FROM audit WHERE action = 'reference_key.destroy' AND target = '2026'",
    ).all();
    expect(lines.results.length).toBe(3);
  });

  test("is completed when it was interrupted between R2 and D1", async () => {
    await referenceAt(startOf(2026));
    await tendReferenceKeys(servicesAt(END_MS));
    const db = new Proxy(env.DB, {
      get: (target, name) =>
        name === "batch"
          ? () => Promise.reject(new Error("D1 is down"))
          : Reflect.get(target, name, target).bind(target),
    });
    await expect(tendReferenceKeys(servicesAt(END_MS + DAY_MS, { references: keys(SECRETS, { db }) }))).rejects.toThrow(
      "D1 is down",
    );
    expect(await keys().reference("2026", PERSON)).toEqual({ ok: false, failure: "destroyed" });
    await tendReferenceKeys(servicesAt(END_MS + DAY_MS));
    expect((await rows()).map(({ name }) => name)).not.toContain("2026");
  });

  test("of what was made before years had keys comes with the year of the change", async () => {
    await env.DB.prepare("INSERT INTO reference_keys (name, sealed, made_at) VALUES ('v1', NULL, ?)")
      .bind(startOf(2026))
      .run();
    await tendReferenceKeys(servicesAt(startOf(2026)));
    for (const ms of [END_MS, END_MS + DAY_MS]) await tendReferenceKeys(servicesAt(ms));
    expect(await destroyed()).toEqual(["2026", "v1"]);
  });
});
