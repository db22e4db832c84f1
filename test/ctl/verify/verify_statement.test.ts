import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { EXPORT_FILES } from "../../../src/domain/export/export_files.ts";
import { VERIFIER as SERVED } from "../../../src/http/pages/verifier_text.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TrustedKey } from "../../../src/domain/statement_audit.ts";
import { KEY, OTHER_KEY, publicKey, signedMonths, writeMonths } from "./signed_months.ts";

/** The file that partners download, run by Node alone in a folder that has nothing of the project. */
const root = mkdtempSync(join(tmpdir(), "verifier-"));
const VERIFIER = join(root, "verify_statement.mjs");
const CONTENTS = [
  { prices: [150_000, 150_000, 99_999], adjustments: [-10_000_000, 5000] },
  { prices: [150_000] },
  { prices: [] },
  { prices: Array.from({ length: 70 }, () => 150_000), adjustments: [-150_000] },
];
let dir = "";
let cases = 0;

beforeAll(() => cpSync(join(import.meta.dirname, "../../../docs/verify_statement.mjs"), VERIFIER));
afterAll(() => rmSync(root, { recursive: true }));

beforeEach(async () => {
  dir = join(root, `case-${(cases += 1)}`);
  mkdirSync(dir);
  writeMonths(join(dir, "months"), await signedMonths("ten_a", CONTENTS));
  writeKeys([publicKey(KEY)]);
});

function writeKeys(keys: readonly TrustedKey[]): void {
  writeFileSync(join(dir, "trusted.json"), JSON.stringify({ keys }));
}

type Run = { code: number; stdout: string; stderr: string };

function verify(...args: readonly string[]): Promise<Run> {
  const env = { PATH: process.env["PATH"], XDG_CONFIG_HOME: join(dir, "config") } as unknown as NodeJS.ProcessEnv;
  return new Promise((done) => {
    execFile(process.execPath, [VERIFIER, ...args], { cwd: root, env }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const verifyTrusted = (...more: readonly string[]) =>
  verify(join(dir, "months"), "--keys", join(dir, "trusted.json"), ...more);

const folder = (period: string, tenant = "ten_a") => join(dir, "months", tenant, period);

test("the file is what its sources make today (`npm run verifier` makes it anew)", async () => {
  const built = await build({
    entryPoints: [join(import.meta.dirname, "../../../src/ctl/verify_statement.ts")],
    absWorkingDir: join(import.meta.dirname, "../../.."),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    write: false,
  });
  expect(built.outputFiles[0]?.text).toBe(readFileSync(VERIFIER, "utf8"));
  expect(SERVED === readFileSync(VERIFIER, "utf8"), "what the gateway serves").toBe(true);
});

test("months as they were signed pass, one alone as well, and what is due is shown", async () => {
  const all = await verifyTrusted();
  expect([all.code, all.stderr]).toEqual([0, ""]);
  expect(all.stdout).toContain("4 months are as they were signed.");
  const shown = await verifyTrusted("--json");
  const { months } = JSON.parse(shown.stdout) as { months: { period: string; amount: string; chain: string }[] };
  expect(months.map(({ period, amount, chain }) => [period, amount, chain])).toEqual([
    ["2026-01", "0.00", "first"],
    ["2026-02", "0.00", "checked"],
    ["2026-03", "0.00", "checked"],
    ["2026-04", "0.91", "checked"],
  ]);
  expect((await verify(folder("2026-02"), "--keys", join(dir, "trusted.json"))).code).toBe(0);
});

describe("what was changed afterwards is named", () => {
  const edit = (period: string, name: string, from: string | RegExp, to: string) => {
    const path = join(folder(period), name);
    const text = readFileSync(path, "utf8");
    expect(text.replace(from, to)).not.toBe(text);
    writeFileSync(path, text.replace(from, to));
  };
  const move = (from: string, to: string) => {
    mkdirSync(join(to, ".."), { recursive: true });
    renameSync(from, to);
  };

  test.each<[string, () => void, RegExp]>([
    [
      "a byte of a file",
      () => edit("2026-01", "events.csv", "150000", "150001"),
      /2026-01: file_hash_mismatch \(events.csv\)/,
    ],
    ["a file cut", () => edit("2026-01", "focus.csv", /.{20}$/s, ""), /file_size_mismatch \(focus.csv\)/],
    ["a file gone", () => rmSync(join(folder("2026-02"), "events.jsonl")), /2026-02: file_missing \(events.jsonl\)/],
    ["a file more", () => writeFileSync(join(folder("2026-02"), "notes.txt"), "x"), /file_unlisted \(notes.txt\)/],
    ["a folder more", () => mkdirSync(join(folder("2026-02"), "more")), /file_unlisted \(more\)/],
    [
      "a link in a file's place",
      () => {
        rmSync(join(folder("2026-02"), "focus.csv"));
        symlinkSync(join(folder("2026-02"), "events.csv"), join(folder("2026-02"), "focus.csv"));
      },
      /file_size_mismatch \(focus.csv\)/,
    ],
    ["an amount", () => edit("2026-01", "manifest.json", '"amount":"0.00"', '"amount":"9.00"'), /bad_signature/],
    [
      "a manifest gone",
      () => rmSync(join(folder("2026-04"), "manifest.json")),
      /2026-04: file_missing \(manifest.json\)/,
    ],
    [
      "a manifest that is none",
      () => {
        rmSync(join(folder("2026-04"), "manifest.json"));
        mkdirSync(join(folder("2026-04"), "manifest.json"));
      },
      /2026-04: unreadable_manifest/,
    ],
    ["a link in a month's place", () => symlinkSync(dir, folder("2026-05")), /2026-05: file_missing \(manifest.json\)/],
    ["a link to nowhere", () => symlinkSync(join(dir, "none"), folder("2026-05")), /2026-05: file_missing/],
    ["a month that is empty", () => mkdirSync(folder("2026-05")), /2026-05: file_missing \(manifest.json\)/],
    ...[...EXPORT_FILES.map(({ name }) => name), "eventos-2.xlsx"].map((name): [string, () => void, RegExp] => [
      `${name} that nobody signed, beside the months`,
      () => cpSync(join(folder("2026-01"), "events.csv"), join(dir, "months/ten_a", name)),
      /months\/ten_a: file_missing \(manifest.json\)/,
    ]),
    [
      "a month missing between",
      () => rmSync(folder("2026-02"), { recursive: true }),
      /2026-03: month_missing \(2026-02\)/,
    ],
    [
      "a month there twice",
      () => cpSync(folder("2026-02"), join(dir, "months/copy/ten_a/2026-02"), { recursive: true }),
      /duplicate_month/,
    ],
    [
      "a month under another's name",
      () => move(folder("2026-04"), folder("2026-05")),
      /folder_mismatch \(2026-05 holds 2026-04\)/,
    ],
    [
      "a tenant under another's name",
      () => move(join(dir, "months/ten_a"), join(dir, "months/ten_b")),
      /folder_mismatch \(ten_b holds ten_a\)/,
    ],
  ])("%s", async (_, spoil, message) => {
    spoil();
    const { code, stderr } = await verifyTrusted();
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  test("a month missing at the end, when it was asked for", async () => {
    expect((await verifyTrusted("--through", "2026-04")).code).toBe(0);
    const { code, stderr } = await verifyTrusted("--through", "2026-05");
    expect([code, stderr]).toEqual([1, expect.stringContaining("month_missing (2026-05)")]);
  });
});

describe("what was signed and is wrong all the same is named: sums come from the events", () => {
  type Change = Parameters<typeof signedMonths>[2];
  test.each<[string, Change, RegExp]>([
    [
      "a price times a quantity",
      {
        change: (manifest) => ({
          ...manifest,
          lines: manifest.lines.map((line, index) => (index === 0 ? { ...line, quantity: 3 } : line)),
        }),
      },
      /line_wrong \(lines\[0\]\)/,
    ],
    [
      "a rounding",
      {
        change: (manifest) => ({
          ...manifest,
          lines: manifest.lines.map((line, index) => (index === 1 ? { ...line, amountCentavos: 9 } : line)),
        }),
      },
      /line_wrong \(lines\[1\]\)/,
    ],
    [
      "an event twice",
      { changeEvents: (events) => [...events, ...events.slice(-1)] },
      /events_mismatch \(events.jsonl:6\)/,
    ],
    ["an event lost", { changeEvents: (events) => events.slice(1) }, /events_mismatch \(events.jsonl:1\)/],
    ["the last event lost", { changeEvents: (events) => events.slice(0, -1) }, /events_mismatch \(seq\)/],
    [
      "another tenant's event",
      { changeEvents: (events) => events.map((event) => ({ ...event, tenantId: "ten_b" })) },
      /events_mismatch \(events.jsonl:1\)/,
    ],
    [
      "an event of another month",
      {
        changeEvents: (events) =>
          events.map((event) => ({ ...event, occurredAtMs: event.occurredAtMs + 40 * 86_400_000 })),
      },
      /events_mismatch \(events.jsonl:1\)/,
    ],
    [
      "a price of an event",
      {
        changeEvents: (events) =>
          events.map((event) =>
            event.seq === 1 ? { ...event, unitPriceMicros: 140_000, amountMicros: 140_000 } : event,
          ),
      },
      /events_mismatch \(totals.amountMicros\)/,
    ],
    [
      "an outcome",
      {
        changeEvents: (events) =>
          events.map((event) => (event.seq === 1 ? { ...event, outcome: "unknown" as const } : event)),
      },
      /events_mismatch \(counts.delivered\)/,
    ],
    [
      "a credit as a charge",
      {
        changeEvents: (events) =>
          events.map((event) => (event.seq === 4 ? { ...event, amountMicros: -event.amountMicros } : event)),
      },
      /events_mismatch \(lines.credits\)/,
    ],
    [
      "a carried credit that is lost",
      {
        change: (manifest, index) => {
          const lines = manifest.lines.filter(({ kind }) => kind !== "carried");
          const due = { amount: "0.15", amountCentavos: 15, carriedOut: null, carriedOutCentavos: 0 };
          return index === 1 ? { ...manifest, lines, totals: { ...manifest.totals, ...due } } : manifest;
        },
      },
      /chain_broken \(lines.carried\)/,
    ],
    [
      "a month below zero that is due",
      {
        change: (manifest, index) =>
          index === 0
            ? {
                ...manifest,
                totals: {
                  ...manifest.totals,
                  amount: "-9.58",
                  amountCentavos: -958,
                  carriedOutCentavos: 0,
                  carriedOut: null,
                },
              }
            : manifest,
      },
      /totals.carriedOut/,
    ],
    [
      "another month before",
      {
        change: (manifest, index) => (index === 1 ? { ...manifest, previousManifestSha256: "0".repeat(64) } : manifest),
      },
      /2026-02: chain_broken \(previousManifestSha256\)/,
    ],
  ])("%s", async (_, options, message) => {
    rmSync(join(dir, "months"), { recursive: true });
    writeMonths(join(dir, "months"), await signedMonths("ten_a", CONTENTS.slice(0, 2), options));
    const { code, stderr } = await verifyTrusted();
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  });
});

describe("keys", () => {
  test("that travel with the months prove nothing: a bundle forged as a whole is refused", async () => {
    rmSync(join(dir, "months"), { recursive: true });
    const forger = { ...OTHER_KEY, kid: KEY.kid };
    writeMonths(join(dir, "months"), await signedMonths("ten_a", CONTENTS, { keyOf: () => forger }));
    const travelling = JSON.stringify({ keys: [publicKey(forger)] });
    for (const place of [dir, join(dir, "months"), join(dir, "months/ten_a")]) {
      writeFileSync(join(place, "export-keys.json"), travelling);
    }
    expect(await verifyTrusted()).toMatchObject({ code: 1, stderr: expect.stringContaining("bad_signature") });
    const without = await verify(join(dir, "months"));
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("No keys are trusted here yet")]);
  });

  test("have a validity", async () => {
    writeKeys([publicKey(KEY, { validFrom: "2026-02-02T03:00:00.000Z", validUntil: "2026-03-02T03:00:00.000Z" })]);
    expect((await verifyTrusted()).code).toBe(1);
    writeKeys([publicKey(KEY, { validFrom: "2026-01-01T00:00:00.000Z", validUntil: "2026-06-01T00:00:00.000Z" })]);
    expect((await verifyTrusted()).code).toBe(0);
    writeKeys([publicKey(KEY, { validFrom: null, validUntil: null, revokedAt: null })]);
    expect((await verifyTrusted()).code).toBe(0);
  });

  test("that were disowned count only where a later month, signed by another, vouches", async () => {
    rmSync(join(dir, "months"), { recursive: true });
    const keyOf = (index: number) => (index < 2 ? KEY : OTHER_KEY);
    writeMonths(join(dir, "months"), await signedMonths("ten_a", CONTENTS, { keyOf }));
    const disowned = publicKey(KEY, { revokedAt: "2026-03-05T00:00:00.000Z" });
    writeKeys([disowned, publicKey(OTHER_KEY)]);
    expect((await verifyTrusted()).code).toBe(0);
    // Without the month that vouches for them, nobody knows who signed them.
    for (const period of ["2026-03", "2026-04"]) rmSync(folder(period), { recursive: true });
    const { code, stderr } = await verifyTrusted();
    expect([code, stderr]).toEqual([1, expect.stringContaining("2026-01: key_revoked (export-one)")]);
  });

  describe("of a gateway", () => {
    const servers: Server[] = [];
    let listed: TrustedKey[] = [];
    let url = "";

    beforeEach(async () => {
      listed = [publicKey(KEY, { validUntil: null, revokedAt: null })];
      const server = createServer((_, response) => response.end(JSON.stringify({ keys: listed })));
      servers.push(server);
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => servers.forEach((server) => server.close()));

    const verifyPinned = (...more: readonly string[]) => verify(join(dir, "months"), "--gateway", url, ...more);

    test("are pinned at first use, outside the bundle and for the user alone, and later verify offline", async () => {
      const first = await verifyPinned();
      expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("export-one SHA256:")]);
      const file = join(dir, "config/claro-score-gateway/trusted-keys.json");
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const second = await verifyPinned();
      expect([second.code, second.stderr]).toEqual([0, ""]);
      servers.at(-1)?.close();
      expect((await verify(join(dir, "months"))).code).toBe(0);
    });

    test.each<[string, () => TrustedKey[], string]>([
      ["another key under its name", () => [{ ...publicKey(OTHER_KEY), kid: KEY.kid }], "is another key"],
      ["none of its name", () => [publicKey(OTHER_KEY)], "export-one is gone"],
      ["a key more", () => [...listed, publicKey(OTHER_KEY)], "has a new key"],
    ])("are refused loudly when there is %s", async (_, change, message) => {
      expect((await verifyPinned()).code).toBe(0);
      const pins = readFileSync(join(dir, "config/claro-score-gateway/trusted-keys.json"), "utf8");
      listed = change();
      const { code, stderr } = await verifyPinned();
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
      expect(readFileSync(join(dir, "config/claro-score-gateway/trusted-keys.json"), "utf8")).toBe(pins);
    });

    test("may be more when the user says so, and never come to count for more", async () => {
      listed = [publicKey(KEY, { validUntil: "2027-01-01T00:00:00.000Z", revokedAt: null })];
      expect((await verifyPinned()).code).toBe(0);
      listed = [...listed, publicKey(OTHER_KEY)];
      expect((await verifyPinned("--trust-new-keys")).code).toBe(0);
      expect((await verifyPinned()).code).toBe(0);
      listed = [publicKey(KEY, { validUntil: "2028-01-01T00:00:00.000Z" }), publicKey(OTHER_KEY)];
      expect((await verifyPinned("--trust-new-keys")).stderr).toContain("is valid for longer than it was");
      listed = [
        publicKey(KEY, { validUntil: "2026-01-01T00:00:00.000Z", revokedAt: "2026-01-01T00:00:00.000Z" }),
        publicKey(OTHER_KEY),
      ];
      expect((await verifyPinned()).stderr).toContain("was disowned");
      listed = [publicKey(KEY, { validUntil: "2026-01-01T00:00:00.000Z", revokedAt: null }), publicKey(OTHER_KEY)];
      expect((await verifyPinned()).stderr).toContain("is no longer disowned");
    });
  });
});

test.each([
  ["no folder", []],
  ["two folders", ["a", "b"]],
  ["an option that is none", ["a", "--force"]],
  ["a month that is none", ["a", "--through", "2026-13"]],
  ["a folder without months", [tmpdir().concat("/nowhere-at-all"), "--keys", VERIFIER]],
])("%s is a wrong use", async (_, args) => {
  const { code, stdout } = await verify(...args);
  expect([code, stdout]).toEqual([2, ""]);
});
