import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { spellCanonically } from "../../../src/domain/canonical_json.ts";
import { signHead, type SignedAuditHead, verifyAudit } from "../../../src/domain/audit_chain.ts";
import { verifyManifest } from "../../../src/domain/statement.ts";
import { sealAudit } from "../../../src/gateway/seal_audit.ts";
import { AuditChain } from "../../../src/platform/audit_chain.ts";
import type { Services } from "../../../src/platform/services.ts";
import { admin, adminJson, call, newTenant, testServices } from "../../support/gateway.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2041, 0, 5, 10);

beforeEach(async () => {
  const { objects } = await env.STATEMENTS.list({ prefix: "audit/" });
  await env.STATEMENTS.delete(objects.map(({ key }) => key));
});

afterEach(() => {
  vi.restoreAllMocks();
});

function servicesAt(nowMs: number): Services {
  const made = testServices();
  return { ...made, clock: { nowMs: () => nowMs } };
}

async function lines(after = 0): Promise<string[]> {
  const response = await admin(`/audit.jsonl?after=${after}`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/jsonl"]);
  return (await response.text()).trimEnd().split("\n");
}

async function heads(): Promise<SignedAuditHead[]> {
  return (await adminJson<{ data: SignedAuditHead[] }>("/audit/heads?limit=200")).data;
}

async function publicKeys() {
  const response = await call("/.well-known/claro-score-gateway/export-keys.json");
  return (await response.json<{ keys: never[] }>()).keys;
}

async function problemsOf(audit: readonly string[], kept?: readonly SignedAuditHead[]): Promise<string[]> {
  const verdict = await verifyAudit(audit, { heads: kept ?? (await heads()), publicKeys: await publicKeys() });
  return verdict.problems.map(({ where, what }) => `${where} ${what}`);
}

/** Some entries, and a head after each of two hours. */
async function twoHours(): Promise<void> {
  for (const hour of [0, 1]) {
    await newTenant();
    await sealAudit(servicesAt(START_MS + hour * HOUR_MS));
  }
  await newTenant();
}

describe("the audit's chain", () => {
  test("holds all entries in order, those of before it too, and is verified with nothing but files", async () => {
    await twoHours();
    const audit = await lines();
    const entries = audit.map((line) => JSON.parse(line) as { n: number; prev: string | null; action: string });
    expect(entries.map(({ n }) => n)).toEqual(entries.map((_, index) => index + 1));
    expect(entries[0]?.prev).toBeNull();
    expect(entries.at(-1)?.action).toBe("audit.export");
    expect((await heads()).map(({ hour }) => hour)).toEqual(["2041-01-05T10", "2041-01-05T11"]);
    expect(await problemsOf(audit)).toEqual([]);
    expect(await lines(audit.length - 1)).toEqual([expect.stringContaining(`"n":${audit.length}`), expect.any(String)]);
  });

  test.each<[string, (audit: string[]) => string[], string | RegExp]>([
    [
      "an entry that was changed",
      (audit) => audit.with(1, audit[1]!.replace(/"actor":"[^"]+"/, '"actor":"nobody"')),
      /^entry 2 has another content/,
    ],
    ["an entry that was taken out", (audit) => audit.toSpliced(1, 1), /^entry 3 does not follow entry 1/],
    ["two that changed places", (audit) => [audit[1]!, audit[0]!, ...audit.slice(2)], /^entry 2 does not begin/],
    ["a beginning that was cut off", (audit) => audit.slice(1), /^entry 2 does not begin/],
    ["an end that was cut off", (audit) => audit.slice(0, 1), /^entry \d+ was there at 2041-01-05T1\d and is missing/],
    ["a line that is none", (audit) => [...audit, "{}"], /is no line of an audit/],
  ])("shows %s", async (_case, tamper, told) => {
    await twoHours();
    expect((await problemsOf(tamper(await lines()))).join("\n")).toMatch(new RegExp(told, "m"));
  });

  test("shows an audit that was written anew, with a chain that is right in itself, by its heads", async () => {
    await twoHours();
    const entries = (await lines()).map((line) => JSON.parse(line) as Record<string, unknown>);
    const { chainEntry, auditLine } = await import("../../../src/domain/audit_chain.ts");
    const forged: string[] = [];
    let prev: string | null = null;
    for (const entry of entries) {
      const chained = await chainEntry({ ...entry, actor: "nobody" } as never, prev);
      forged.push(auditLine(chained));
      prev = chained.hash;
    }
    expect(await problemsOf(forged, [])).toEqual([]);
    expect(await problemsOf(forged)).toEqual([
      expect.stringMatching(/^entry \d+ is not what it was at 2041-01-05T10$/),
      expect.stringMatching(/^entry \d+ is not what it was at 2041-01-05T11$/),
    ]);
  });

  test("shows heads that nobody trusted has signed", async () => {
    await twoHours();
    const [audit, [head]] = [await lines(), await heads()];
    const changed = { ...head!, at: "2041-01-05T10:30:00.000Z" };
    expect(await problemsOf(audit, [changed])).toEqual(["head 2041-01-05T10 is not what was signed"]);
    expect(await problemsOf(audit, [{ ...head!, keyId: "another" }])).toEqual([
      "head 2041-01-05T10 is signed by a key that is not trusted",
    ]);
    expect(await problemsOf(audit, [{ ...head!, keyId: null, signature: null }])).toEqual([
      "head 2041-01-05T10 is not signed",
    ]);
  });

  test("has one head an hour, which nobody writes again", async () => {
    await newTenant();
    await sealAudit(servicesAt(START_MS));
    const [first] = await heads();
    await newTenant();
    await sealAudit(servicesAt(START_MS + HOUR_MS - 1));
    const chain = new AuditChain(env.DB, env.STATEMENTS);
    expect(await chain.keepHead({ n: 1, hash: "0".repeat(64) }, { atMs: START_MS, key: null })).toBe(false);
    expect(await heads()).toEqual([first]);
  });

  test("tells in the log that entries were rewritten since the hour before", async () => {
    await newTenant();
    await sealAudit(servicesAt(START_MS));
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    await sealAudit(servicesAt(START_MS + HOUR_MS));
    expect(log.mock.calls.join()).not.toContain("audit_rewritten");
    const name = "audit/heads/2041-01-05T11.json";
    const head = await (await env.STATEMENTS.get(name))!.json<SignedAuditHead>();
    await env.STATEMENTS.put(name, JSON.stringify({ ...head, hash: "0".repeat(64) }));
    await sealAudit(servicesAt(START_MS + 2 * HOUR_MS));
    expect(log.mock.calls.join()).toContain("audit_rewritten");
  });

  test("does not fork when many append and seal at once", async () => {
    const chain = () => new AuditChain(env.DB, env.STATEMENTS);
    await Promise.all(
      Array.from({ length: 6 }, async () => await Promise.all([newTenant(), chain().seal(), chain().seal()])),
    );
    expect(await problemsOf(await lines(), [])).toEqual([]);
  });

  test("goes over any number of entries and any values", async () => {
    const insert = `INSERT INTO audit (at, actor, action, target, before, after)
      WITH RECURSIVE counted (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < 1200)
      SELECT i, 'ação', 'test', i, json_object('rate', 0.01 * i, 'b', json('[1,null,true]'), 'a', 'é"\\'), NULL FROM counted`;
    await env.DB.prepare(insert).run();
    const audit = await lines();
    expect(audit.length).toBeGreaterThan(1200);
    expect(await problemsOf(audit, [])).toEqual([]);
    await newTenant();
    expect(await problemsOf(await lines(), [])).toEqual([]);
  });

  test("is append-only in SQL", async () => {
    await lines();
    for (const sql of ["UPDATE audit_chain SET hash = hash", "DELETE FROM audit_chain"]) {
      await expect(env.DB.prepare(sql).run()).rejects.toThrow(/append-only/);
    }
  });

  test("names a signing key whose halves do not belong together, and keeps no head that nobody could verify", async () => {
    await newTenant();
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const services = servicesAt(START_MS);
    const key = { ...services.settings.exportSigningKey!, x: "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik" };
    await sealAudit({ ...services, settings: { ...services.settings, exportSigningKey: key } });
    expect(log.mock.calls.join()).toContain("EXPORT_SIGNING_KEY");
    expect(await heads()).toEqual([]);
  });

  test("a head is never read as a signed statement", async () => {
    const key = JSON.parse((env as unknown as { EXPORT_SIGNING_KEY: string }).EXPORT_SIGNING_KEY) as never;
    const head = await signHead(
      { version: 1, hour: "2041-01-05T10", n: 1, hash: "0".repeat(64), at: "2041-01-05T10:00:00.000Z" },
      key,
    );
    const text = `${spellCanonically(head)}\n`;
    expect(await verifyManifest(text, await publicKeys())).toMatchObject({ ok: false });
  });
});
