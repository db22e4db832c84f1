import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXPORT_FILES } from "../../src/domain/export/export_files.ts";
import { nextPeriod, periodBounds } from "../../src/domain/period.ts";
import {
  buildManifest,
  canonicalJson,
  type ExportPrivateKey,
  type FileDigest,
  type Manifest,
  manifestText,
  sha256Hex,
  type SignedManifest,
  signManifest,
  verifyManifest,
} from "../../src/domain/statement.ts";
import { type BundleProblem, verifyBundle } from "../../src/domain/statement_bundle.ts";
import { StatementAccumulator, type StatementTotals } from "../../src/domain/statement_totals.ts";
import { goldenFile, readGolden } from "../support/golden.ts";
import { FIRST_SEQ, PERIOD, periodNamed, SAMPLE_EVENTS, TENANT } from "./export/samples.ts";

/** The key pair of RFC 8037, appendix A: known to everyone, good for tests only. */
const KEY: ExportPrivateKey = {
  kty: "OKP",
  crv: "Ed25519",
  kid: "export-2026",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};
const { d: _, ...PUBLIC_KEY } = KEY;
const PUBLIC_KEYS = [{ ...PUBLIC_KEY, kid: "export-2025", x: "AAAA" }, PUBLIC_KEY];
const FILE_NAMES = EXPORT_FILES.map(({ name }) => name);

async function goldenDigests(): Promise<FileDigest[]> {
  return Promise.all(
    FILE_NAMES.map(async (name) => {
      const data = new Uint8Array(readGolden(name));
      return { name, bytes: data.byteLength, sha256: await sha256Hex(data) };
    }),
  );
}

function sampleTotals(): StatementTotals {
  const accumulator = new StatementAccumulator(PERIOD, { tenantId: TENANT, firstSeq: FIRST_SEQ });
  for (const event of SAMPLE_EVENTS) accumulator.add(event);
  const totals = accumulator.finish();
  if (!totals.ok) throw new Error(totals.failure.name);
  return totals.value;
}

const BILLED = { id: TENANT, name: "Loja São João", document: "12ABC34501DE35" };
const PLAN = { name: "pay-per-use", version: 3, tiers: [{ upTo: null, unitPriceMicros: 150_000 }] };

async function closedManifest(changes: Partial<Manifest> = {}): Promise<Manifest> {
  const manifest = buildManifest(sampleTotals(), {
    tenant: BILLED,
    plan: PLAN,
    period: PERIOD,
    files: await goldenDigests(),
    previousManifestSha256: null,
    closed: { atMs: Date.parse("2026-12-02T03:00:00Z"), keyId: KEY.kid },
  });
  return { ...manifest, ...changes };
}

async function signedText(changes: Partial<Manifest> = {}): Promise<string> {
  return manifestText(await signManifest(await closedManifest(changes), KEY));
}

describe("canonical JSON", () => {
  test("sorts keys, keeps lists, leaves no blanks", () => {
    expect(canonicalJson({ b: [2, "á\n", null, true], a: { d: -1, c: {} } })).toBe(
      '{"a":{"c":{},"d":-1},"b":[2,"á\\n",null,true]}',
    );
    expect(() => canonicalJson({ amount: 0.1 })).toThrow(RangeError);
    expect(() => canonicalJson(2 ** 53)).toThrow(RangeError);
  });

  test("is the same whatever order the keys were set in, and parses back", () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 4 }).filter((key) => key !== "__proto__");
    const objects = fc.dictionary(texts, fc.oneof(fc.maxSafeInteger(), texts, fc.array(fc.boolean())), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(objects, (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("signature", () => {
  test("the manifest of the golden files is the golden manifest, byte for byte", async () => {
    const text = await signedText();
    expect(text).toBe(goldenFile("manifest.json", text).toString());
  });

  test("what was signed verifies and says what the files hold", async () => {
    const verified = await verifyManifest(await signedText(), PUBLIC_KEYS);
    expect(verified).toMatchObject({
      ok: true,
      value: {
        status: "closed",
        timeZone: "America/Sao_Paulo",
        seq: { first: 501, last: 543, count: 43 },
        totals: { currency: "BRL", amount: "5.26", exactAmount: "5.2579", amountMicros: 5_257_900 },
        closedAt: "2026-12-02T03:00:00.000Z",
      },
    });
  });

  test.each<[string, (text: string) => string, string]>([
    ["an amount changed", (text) => text.replace('"amountMicros":5400123', '"amountMicros":5400124'), "bad_signature"],
    ["a field added", (text) => text.replace('{"adjustments"', '{"a":1,"adjustments"'), "bad_signature"],
    ["a broken signature", (text) => text.replace(/"signature":"./, '"signature":"*'), "bad_signature"],
    ["an empty signature", (text) => text.replace(/"signature":"[^"]*"/, '"signature":""'), "bad_signature"],
    ["no signature", (text) => text.replace(/,"signature":"[^"]*"/, ""), "not_signed"],
    [
      "a key that nobody knows",
      (text) => text.replace('"keyId":"export-2026"', '"keyId":"export-2024"'),
      "unknown_key",
    ],
    ["another spelling", (text) => text.replace(",", ", "), "unreadable_manifest"],
    [
      "a key given twice",
      (text) => text.replace('{"adjustments"', '{"adjustments":0,"adjustments"'),
      "unreadable_manifest",
    ],
    ["no end of line", (text) => text.trimEnd(), "unreadable_manifest"],
    ["a list", () => "[]\n", "unreadable_manifest"],
    ["no JSON", () => "<html>", "unreadable_manifest"],
    ["a fraction", (text) => text.replace('"version":2', '"version":2.5'), "unreadable_manifest"],
  ])("%s is refused", async (_, tamper, failure) => {
    const text = await signedText();
    expect(tamper(text)).not.toBe(text);
    expect(await verifyManifest(tamper(text), PUBLIC_KEYS)).toEqual({ ok: false, failure });
  });

  test("a signature of another key is refused, and signing with a key that is not named throws", async () => {
    const { privateKey } = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign"])) as CryptoKeyPair;
    const { d = "", x = "" } = (await crypto.subtle.exportKey("jwk", privateKey)) as { d?: string; x?: string };
    const forged = manifestText(await signManifest(await closedManifest(), { ...KEY, d, x }));
    expect(await verifyManifest(forged, PUBLIC_KEYS)).toEqual({ ok: false, failure: "bad_signature" });
    await expect(signManifest(await closedManifest(), { ...KEY, kid: "other" })).rejects.toThrow(RangeError);
  });

  test("an open period's manifest says so and is not signed", async () => {
    const open = buildManifest(sampleTotals(), {
      tenant: BILLED,
      plan: PLAN,
      period: PERIOD,
      files: [],
      previousManifestSha256: null,
      closed: null,
    });
    expect(open).toMatchObject({ status: "open", closedAt: null, keyId: null });
    expect(await verifyManifest(manifestText(open), PUBLIC_KEYS)).toEqual({ ok: false, failure: "not_signed" });
  });
});

describe("bundle", () => {
  const check = async (files: FileDigest[], text: string, previousManifestText?: string): Promise<BundleProblem[]> =>
    verifyBundle(files, text, {
      publicKeys: PUBLIC_KEYS,
      ...(previousManifestText === undefined ? {} : { previousManifestText }),
    });

  test("an untouched one has no problem", async () => {
    expect(await check(await goldenDigests(), await signedText())).toEqual([]);
  });

  test("files missing, added, cut and changed are each named", async () => {
    const [jsonl, csv, ptbr] = await goldenDigests();
    if (jsonl === undefined || csv === undefined || ptbr === undefined) throw new Error("no golden files");
    const files = [
      { ...jsonl, sha256: await sha256Hex("other") },
      { ...csv, bytes: csv.bytes - 1 },
      ptbr,
      { ...ptbr, name: "notes.txt" },
    ];
    expect(await check(files, await signedText())).toEqual([
      { name: "file_hash_mismatch", subject: "events.jsonl" },
      { name: "file_size_mismatch", subject: "events.csv" },
      { name: "file_missing", subject: "focus.csv" },
      { name: "file_missing", subject: "eventos.xlsx" },
      { name: "file_missing", subject: "demonstrativo.html" },
      { name: "file_unlisted", subject: "notes.txt" },
    ]);
  });

  test("a manifest that nobody signed is the only problem", async () => {
    expect(await check([], (await signedText()).replace('"version":2', '"version":3'))).toEqual([
      { name: "bad_signature", subject: "manifest.json" },
    ]);
  });

  test("sums and a range that do not hold are named even when signed", async () => {
    const { totals, seq } = await closedManifest();
    const text = await signedText({
      totals: { ...totals, amountCentavos: totals.amountCentavos + 1, amountMicros: totals.amountMicros + 1 },
      seq: { ...seq, count: seq.count - 1 },
    });
    expect(await check(await goldenDigests(), text)).toEqual([
      { name: "lines_mismatch", subject: "totals.amountMicros" },
      { name: "lines_mismatch", subject: "totals.amountCentavos" },
      { name: "lines_mismatch", subject: "totals.amount" },
      { name: "sequence_mismatch", subject: "seq.count" },
    ]);
  });

  test("a year of months closed one after another verifies link by link, and a link swapped does not", async () => {
    const texts: string[] = [];
    let period = periodNamed("2026-01");
    let firstSeq = 1;
    for (let month = 1; month <= 12; month += 1) {
      const accumulator = new StatementAccumulator(period, { tenantId: TENANT, firstSeq });
      // Two months in the year are without an event.
      const count = month % 6 === 0 ? 0 : month * 3;
      const { startMs, endMs } = periodBounds(period);
      for (let index = 0; index < count; index += 1) {
        const occurredAtMs = index === 0 ? startMs : endMs - 1;
        const at = { seq: firstSeq + index, occurredAtMs, period: null, day: null };
        accumulator.add({ ...SAMPLE_EVENTS[0], ...at } as (typeof SAMPLE_EVENTS)[number]);
      }
      const totals = accumulator.finish();
      if (!totals.ok) throw new Error(totals.failure.name);
      const previous = texts.at(-1);
      const manifest = buildManifest(totals.value, {
        tenant: BILLED,
        plan: PLAN,
        period,
        files: [],
        previousManifestSha256: previous === undefined ? null : await sha256Hex(previous),
        closed: { atMs: endMs + 86_400_000, keyId: KEY.kid },
      });
      texts.push(manifestText(await signManifest(manifest, KEY)));
      firstSeq += count;
      period = nextPeriod(period);
    }
    for (const [index, text] of texts.entries()) expect(await check([], text, texts[index - 1])).toEqual([]);

    const [first = "", second = "", third = ""] = texts;
    expect(await check([], third, first)).toEqual([
      { name: "chain_broken", subject: "previousManifestSha256" },
      { name: "chain_broken", subject: "seq.first" },
    ]);
    expect((await check([], first, second)).map(({ subject }) => subject)).toContain("period");
    expect(await check([], second, first.replace('"version":2', '"version":3'))).toEqual([
      { name: "previous_bad_signature", subject: "manifest.json" },
    ]);
    const stranger: SignedManifest = JSON.parse(first);
    const { signature: _signature, ...unsigned } = stranger;
    const others = manifestText(await signManifest({ ...unsigned, tenantId: "tnt_other" }, KEY));
    expect(await check([], second, others)).toEqual([
      { name: "chain_broken", subject: "previousManifestSha256" },
      { name: "chain_broken", subject: "tenantId" },
    ]);
  });
});
