import { formatCentavos, formatMicros, roundToCentavos } from "./money.ts";
import type { Manifest, ExportPublicKey, FileDigest, SignatureFailure } from "./statement.ts";
import { carriedOut, sha256Hex, verifyManifest } from "./statement.ts";
import type { StatementLine } from "./statement_totals.ts";

/** What is wrong with a downloaded statement. `subject` is a file's name, or the number that does not hold. */
export type BundleProblem = {
  readonly name:
    | SignatureFailure
    | `previous_${SignatureFailure}`
    | "file_missing"
    | "file_unlisted"
    | "file_size_mismatch"
    | "file_hash_mismatch"
    | "lines_mismatch"
    | "line_wrong"
    | "events_unreadable"
    | "events_mismatch"
    | "sequence_mismatch"
    | "chain_broken"
    | "key_not_valid_then"
    | "key_revoked"
    | "folder_mismatch"
    | "duplicate_month"
    | "month_missing";
  readonly subject: string;
};

export type VerifyBundleOptions = {
  readonly publicKeys: readonly ExportPublicKey[];
  /** The text of the `manifest.json` before. Without it the link to the month before is not looked at. */
  readonly previousManifestText?: string;
};

/**
 * Checks a downloaded statement without asking anyone: `files` as measured by the reader (all but `manifest.json`), the
 * text of `manifest.json`, keys that are already trusted. An empty list means that everything holds. When the signature
 * does not hold, that is the only problem named: nothing else in such a manifest is worth comparing with.
 */
export async function verifyBundle(
  files: readonly FileDigest[],
  manifestText: string,
  options: VerifyBundleOptions,
): Promise<BundleProblem[]> {
  const verified = await verifyManifest(manifestText, options.publicKeys);
  if (!verified.ok) return [{ name: verified.failure, subject: "manifest.json" }];
  const manifest = verified.value;
  return [...fileProblems(files, manifest), ...sumProblems(manifest), ...(await chainProblems(manifest, options))];
}

function fileProblems(files: readonly FileDigest[], manifest: Manifest): BundleProblem[] {
  const measured = new Map(files.map((file) => [file.name, file]));
  const listed = new Set(manifest.files.map(({ name }) => name));
  const unlisted = files.filter(({ name }) => !listed.has(name));
  return [
    ...manifest.files.flatMap((file) => compareFile(file, measured.get(file.name))),
    ...unlisted.map(({ name }): BundleProblem => ({ name: "file_unlisted", subject: name })),
  ];
}

function compareFile(listed: FileDigest, measured: FileDigest | undefined): BundleProblem[] {
  if (measured === undefined) return [{ name: "file_missing", subject: listed.name }];
  if (measured.bytes !== listed.bytes) return [{ name: "file_size_mismatch", subject: listed.name }];
  return measured.sha256 === listed.sha256 ? [] : [{ name: "file_hash_mismatch", subject: listed.name }];
}

function sumProblems({ lines, seq, totals }: Manifest): BundleProblem[] {
  const { carriedOutCentavos = 0 } = totals;
  const amountMicros = lines.reduce((sum, line) => sum + (line.kind === "carried" ? 0 : line.amountMicros), 0);
  const amountCentavos = lines.reduce((sum, line) => sum + line.amountCentavos, 0);
  const holds: [boolean, BundleProblem["name"], string][] = [
    [amountMicros === totals.amountMicros, "lines_mismatch", "totals.amountMicros"],
    [amountCentavos === totals.amountCentavos + carriedOutCentavos, "lines_mismatch", "totals.amountCentavos"],
    [isCarriedRightly(totals), "lines_mismatch", "totals.carriedOut"],
    [isWrittenRightly(totals), "lines_mismatch", "totals.amount"],
    ...lines.map((line, index): [boolean, BundleProblem["name"], string] => [
      isLineRight(line),
      "line_wrong",
      `lines[${index}]`,
    ]),
    [seq.count === seq.last - seq.first + 1, "sequence_mismatch", "seq.count"],
  ];
  return holds.filter(([isRight]) => !isRight).map(([, name, subject]) => ({ name, subject }));
}

/** Months of before nothing was carried may have been due less than nothing. */
function isCarriedRightly({ amountCentavos, carriedOutCentavos }: Manifest["totals"]): boolean {
  if (carriedOutCentavos === undefined) return true;
  return carriedOutCentavos <= 0 && amountCentavos >= 0 && (carriedOutCentavos === 0 || amountCentavos === 0);
}

function isWrittenRightly({ amount, amountCentavos, exactAmount, amountMicros, ...carried }: Manifest["totals"]) {
  const { carriedOut: text = null, carriedOutCentavos: centavos = 0 } = carried;
  const isCarriedWritten = text === (centavos === 0 ? null : formatCentavos(centavos));
  return amount === formatCentavos(amountCentavos) && exactAmount === formatMicros(amountMicros) && isCarriedWritten;
}

/** A line is its units at their price, and rounded once, half up, to the centavo. */
function isLineRight({ kind, quantity, unitPriceMicros, amountMicros, amountCentavos }: StatementLine): boolean {
  if (amountCentavos !== roundToCentavos(amountMicros)) return false;
  return kind !== "lookups" || (unitPriceMicros !== null && amountMicros === quantity * unitPriceMicros);
}

async function chainProblems(manifest: Manifest, options: VerifyBundleOptions): Promise<BundleProblem[]> {
  const { previousManifestText, publicKeys } = options;
  if (previousManifestText === undefined) return [];
  const verified = await verifyManifest(previousManifestText, publicKeys);
  if (!verified.ok) return [{ name: `previous_${verified.failure}`, subject: "manifest.json" }];
  const previous = verified.value;
  const links: [holds: boolean, subject: string][] = [
    [manifest.previousManifestSha256 === (await sha256Hex(previousManifestText)), "previousManifestSha256"],
    [manifest.tenantId === previous.tenantId, "tenantId"],
    [manifest.period > previous.period, "period"],
    [manifest.seq.first === previous.seq.last + 1, "seq.first"],
    [isCarriedOn(manifest, previous), "lines.carried"],
  ];
  return links.filter(([holds]) => !holds).map(([, subject]) => ({ name: "chain_broken", subject }));
}

/** What a month could not give back is the next one's line, whole and with the month's name, and nothing else is. */
function isCarriedOn({ lines }: Manifest, previous: Manifest): boolean {
  const carried = lines.filter(({ kind }) => kind === "carried");
  const expected = carriedOut(previous);
  if (expected === null) return carried.length === 0;
  const [line] = carried;
  return carried.length === 1 && line?.amountCentavos === expected.centavos && line.carriedFrom === expected.from;
}
