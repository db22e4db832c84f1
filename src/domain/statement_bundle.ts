import type { Manifest, ExportPublicKey, FileDigest, SignatureFailure } from "./statement.ts";
import { sha256Hex, verifyManifest } from "./statement.ts";

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
    | "sequence_mismatch"
    | "chain_broken";
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
  const problems: BundleProblem[] = [];
  const amountMicros = lines.reduce((sum, line) => sum + line.amountMicros, 0);
  const amountCentavos = lines.reduce((sum, line) => sum + line.amountCentavos, 0);
  if (amountMicros !== totals.amountMicros) problems.push({ name: "lines_mismatch", subject: "totals.amountMicros" });
  if (amountCentavos !== totals.amountCentavos)
    problems.push({ name: "lines_mismatch", subject: "totals.amountCentavos" });
  if (seq.count !== seq.last - seq.first + 1) problems.push({ name: "sequence_mismatch", subject: "seq.count" });
  return problems;
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
  ];
  return links.filter(([holds]) => !holds).map(([, subject]) => ({ name: "chain_broken", subject }));
}
