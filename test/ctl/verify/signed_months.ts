import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EventPage } from "../../../src/domain/export/event_page.ts";
import { EXPORT_FILES } from "../../../src/domain/export/export_files.ts";
import { exportedEvent } from "../../../src/domain/export/exported_event.ts";
import type { MeterEvent } from "../../../src/domain/meter_event.ts";
import { nextPeriod, parsePeriod, type Period, periodBounds } from "../../../src/domain/period.ts";
import {
  buildManifest,
  carriedOut,
  type ExportPrivateKey,
  type Manifest,
  manifestText,
  sha256Hex,
  signManifest,
} from "../../../src/domain/statement.ts";
import type { TrustedKey } from "../../../src/domain/statement_audit.ts";
import { SAMPLE_EVENTS } from "../../domain/export/samples.ts";
import { StatementAccumulator } from "../../../src/domain/statement_totals.ts";

/** The key pair of RFC 8037, appendix A, and another made for these tests. */
export const KEY: ExportPrivateKey = {
  kty: "OKP",
  crv: "Ed25519",
  kid: "export-one",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};
export const OTHER_KEY: ExportPrivateKey = {
  kty: "OKP",
  crv: "Ed25519",
  kid: "export-two",
  d: "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs",
  x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
};

export function publicKey({ kty, crv, x, kid }: ExportPrivateKey, validity: Partial<TrustedKey> = {}): TrustedKey {
  return { kty, crv, x, kid, ...validity };
}

export type SignedMonth = { readonly tenantId: string; readonly period: Period; readonly files: Map<string, Buffer> };

/** What a month is made of: prices of its billed lookups, and adjustments, in micros. */
export type Contents = { readonly prices: readonly number[]; readonly adjustments?: readonly number[] };

/** Months as the gateway closes them, one after another, with all their files. `change` spoils a manifest before it is signed. */
export async function signedMonths(
  tenantId: string,
  contents: readonly Contents[],
  options: {
    readonly first?: string;
    readonly keyOf?: (index: number) => ExportPrivateKey;
    readonly change?: (manifest: Manifest, index: number) => Manifest;
    readonly changeEvents?: (events: readonly MeterEvent[], index: number) => readonly MeterEvent[];
  } = {},
): Promise<SignedMonth[]> {
  const { first = "2026-01", keyOf = () => KEY, change = (manifest) => manifest } = options;
  const parsed = parsePeriod(first);
  if (!parsed.ok) throw new Error(first);
  let period = parsed.value;
  let firstSeq = 1;
  let previous: { text: string; manifest: Manifest } | null = null;
  const months: SignedMonth[] = [];
  for (const [index, { prices, adjustments = [] }] of contents.entries()) {
    const events = eventsOf(tenantId, { period, firstSeq, prices, adjustments });
    const carriedIn = previous === null ? null : carriedOut(previous.manifest);
    const accumulator = new StatementAccumulator(period, { tenantId, firstSeq, carriedIn });
    for (const event of events) accumulator.add(event);
    const totals = accumulator.finish();
    if (!totals.ok) throw new Error(totals.failure.name);
    const files = new Map<string, Buffer>();
    const party = { name: "Loja São João", legalName: null, document: "12ABC34501DE35", address: null };
    const context = {
      period,
      tenantId,
      tenant: party,
      issuer: party,
      keyLabels: new Map<string, string>(),
      carriedIn,
      status: "closed",
      issuedAtMs: periodBounds(period).endMs,
    } as const;
    const exported = (options.changeEvents?.(events, index) ?? events).map((event) => exportedEvent(event, context));
    const page = new EventPage(exported);
    for (const file of EXPORT_FILES) {
      const encoder = file.encode(context);
      const chunks = [encoder.header(), encoder.rows(page), encoder.footer()];
      files.set(file.name, Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
    }
    const key = keyOf(index);
    const manifest: Manifest = change(
      buildManifest(totals.value, {
        tenant: { id: tenantId, name: "Loja São João", document: "12ABC34501DE35" },
        plan: { name: "pay-per-use", version: 1, tiers: [{ upTo: null, unitPriceMicros: 150_000 }] },
        period,
        files: [...files].map(([name, bytes]) => {
          return { name, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
        }),
        previousManifestSha256: previous === null ? null : await sha256Hex(previous.text),
        closed: { atMs: periodBounds(period).endMs + 86_400_000, keyId: key.kid },
      }),
      index,
    );
    const text = manifestText(await signManifest(manifest, key));
    files.set("manifest.json", Buffer.from(text));
    months.push({ tenantId, period, files });
    previous = { text, manifest };
    firstSeq += events.length;
    period = nextPeriod(period);
  }
  return months;
}

function eventsOf(
  tenantId: string,
  month: { period: Period; firstSeq: number; prices: readonly number[]; adjustments: readonly number[] },
): MeterEvent[] {
  const { startMs } = periodBounds(month.period);
  const [sample] = SAMPLE_EVENTS;
  if (sample === undefined) throw new Error("no sample");
  const shared = { ...sample, tenantId, reference: null, transactionId: null, corrects: null, period: null, day: null };
  const lookups = month.prices.map((price, index): MeterEvent => {
    const seq = month.firstSeq + index;
    return {
      ...shared,
      seq,
      id: `lkp_${seq}`,
      occurredAtMs: startMs + seq,
      keyId: "csg_live_abcdefghij",
      outcome: "delivered",
      billed: true,
      units: 1,
      unitPriceMicros: price,
      amountMicros: price,
      cpfReference: "v1:00",
      kind: "lookup",
    };
  });
  const adjustments = month.adjustments.map((amountMicros, index): MeterEvent => {
    const seq = month.firstSeq + lookups.length + index;
    return {
      ...shared,
      seq,
      id: `adj_${seq}`,
      occurredAtMs: startMs + seq,
      keyId: null,
      outcome: null,
      billed: true,
      units: amountMicros < 0 ? -1 : 1,
      unitPriceMicros: null,
      amountMicros,
      cpfReference: null,
      kind: "adjustment",
    };
  });
  return [...lookups, ...adjustments];
}

/** Writes months into `dir/<tenant>/<month>/`. */
export function writeMonths(dir: string, months: readonly SignedMonth[]): void {
  for (const { tenantId, period, files } of months) {
    const folder = join(dir, tenantId, period);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
  }
}
