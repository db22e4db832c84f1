import { nextPeriod, parsePeriod, type Period } from "./period.ts";
import { type FileDigest, type ListedExportKey, type SignedManifest, verifyManifest } from "./statement.ts";
import { type BundleProblem, verifyBundle } from "./statement_bundle.ts";
import { Recount } from "./statement_recount.ts";

/** A key that the reader trusts. Lists of before there was a validity have none. */
export type TrustedKey = Pick<ListedExportKey, "kty" | "crv" | "x" | "kid"> & Partial<ListedExportKey>;

/** A month as it lies in a folder `<tenant>/<month>`. */
export type FoundMonth = {
  /** Where it is, for the reader. */
  readonly where: string;
  readonly folder: { readonly tenant: string; readonly month: string };
  /** Null where there is none. */
  readonly manifestText: string | null;
  /** Every file of the folder but the manifest, as measured. */
  readonly files: readonly FileDigest[];
  /** The lines of `events.jsonl`; null where there is none. */
  readonly events: (() => AsyncIterable<string>) | null;
};

export type AuditedMonth = {
  readonly where: string;
  readonly tenantId: string | null;
  readonly period: string | null;
  readonly amount: string | null;
  readonly closedAt: string | null;
  readonly keyId: string | null;
  /** Whether the month before was there to compare the chain with; a tenant's first month has none. */
  readonly chain: "checked" | "first" | "previous month not here";
  readonly problems: readonly BundleProblem[];
};

export type AuditOptions = {
  readonly keys: readonly TrustedKey[];
  /** A month that every tenant's months must reach. */
  readonly through?: Period | undefined;
};

type Signed = {
  readonly found: FoundMonth;
  readonly manifest: SignedManifest;
  readonly manifestText: string;
  readonly problems: BundleProblem[];
};

/**
 * Checks downloaded months without asking anyone: signatures by keys that are trusted already, every file, the sums from
 * the events, the folders' names, and for each tenant that no month is missing, there twice, or out of the chain.
 */
export async function auditMonths(months: readonly FoundMonth[], options: AuditOptions): Promise<AuditedMonth[]> {
  const signed: Signed[] = [];
  const unsigned: AuditedMonth[] = [];
  for (const found of months) {
    const { manifestText } = found;
    if (manifestText === null) {
      unsigned.push(notSigned(found, { name: "file_missing", subject: "manifest.json" }));
      continue;
    }
    const verified = await verifyManifest(manifestText, options.keys);
    if (verified.ok) signed.push({ found, manifest: verified.value, manifestText, problems: [] });
    else unsigned.push(notSigned(found, { name: verified.failure, subject: "manifest.json" }));
  }
  const inOrder = signed.toSorted((left, right) => compare(placeOf(left), placeOf(right)));
  const audited: AuditedMonth[] = [];
  for (const [index, month] of inOrder.entries()) {
    const before = inOrder[index - 1];
    const previous = before !== undefined && isMonthBefore(before.manifest, month.manifest) ? before : null;
    month.problems.push(
      ...folderProblems(month),
      ...(await verifyBundle(month.found.files, month.manifestText, {
        publicKeys: options.keys,
        ...(previous === null ? {} : { previousManifestText: previous.manifestText }),
      })),
      ...(await recountProblems(month)),
      ...gapProblems(month, before ?? null),
    );
    const { tenantId, period, totals, closedAt, keyId } = month.manifest;
    const isFirst = month.manifest.previousManifestSha256 === null;
    const chain = previous === null ? (isFirst ? "first" : "previous month not here") : "checked";
    const { where } = month.found;
    audited.push({ where, tenantId, period, amount: totals.amount, closedAt, keyId, chain, problems: month.problems });
  }
  addKeyProblems(inOrder, options.keys);
  addEndProblems(inOrder, options.through);
  return [...unsigned, ...audited];
}

function notSigned({ where }: FoundMonth, problem: BundleProblem): AuditedMonth {
  const unknown = { tenantId: null, period: null, amount: null, closedAt: null, keyId: null };
  return { where, ...unknown, chain: "previous month not here", problems: [problem] };
}

function folderProblems({ found: { folder }, manifest: { tenantId, period } }: Signed): BundleProblem[] {
  const holds: [boolean, string][] = [
    [folder.tenant === tenantId, `${folder.tenant} holds ${tenantId}`],
    [folder.month === period, `${folder.month} holds ${period}`],
  ];
  return holds.filter(([isRight]) => !isRight).map(([, subject]) => ({ name: "folder_mismatch", subject }));
}

async function recountProblems({ found: { events }, manifest }: Signed): Promise<BundleProblem[]> {
  // That the file is missing, the list of files says.
  if (events === null || !parsePeriod(manifest.period).ok) return [];
  const recount = new Recount(manifest);
  for await (const line of events()) recount.add(line);
  return recount.problems();
}

/** Between the first and the last month of a tenant there is every month, once. */
function gapProblems({ manifest }: Signed, before: Signed | null): BundleProblem[] {
  if (before === null || before.manifest.tenantId !== manifest.tenantId) return [];
  if (before.manifest.period === manifest.period) return [{ name: "duplicate_month", subject: before.found.where }];
  const missing: BundleProblem[] = [];
  for (let period = nextPeriod(before.manifest.period); period < manifest.period; period = nextPeriod(period)) {
    missing.push({ name: "month_missing", subject: period });
  }
  return missing;
}

/**
 * A signature counts within its key's validity. One of a key that was disowned counts where the next month, whose own
 * signature counts, names this very manifest: whoever stole the key could not make that.
 */
function addKeyProblems(inOrder: readonly Signed[], keys: readonly TrustedKey[]): void {
  let vouched: Signed | null = null;
  for (const month of inOrder.toReversed()) {
    const { manifest } = month;
    const key = keys.find(({ kid }) => kid === manifest.keyId);
    const isVouchedFor: boolean =
      vouched !== null &&
      isMonthBefore(manifest, vouched.manifest) &&
      !vouched.problems.some(({ name }) => name === "chain_broken");
    const problem: BundleProblem["name"] | null = key === undefined || isVouchedFor ? null : keyProblem(key, manifest);
    if (problem !== null) month.problems.push({ name: problem, subject: manifest.keyId ?? "" });
    vouched = problem === null ? month : null;
  }
}

function keyProblem(key: TrustedKey, { closedAt }: SignedManifest): "key_revoked" | "key_not_valid_then" | null {
  if (typeof key.revokedAt === "string") return "key_revoked";
  const atMs = Date.parse(closedAt ?? "");
  const fromMs = typeof key.validFrom === "string" ? Date.parse(key.validFrom) : Number.NEGATIVE_INFINITY;
  const untilMs = typeof key.validUntil === "string" ? Date.parse(key.validUntil) : Number.POSITIVE_INFINITY;
  return atMs >= fromMs && atMs <= untilMs ? null : "key_not_valid_then";
}

function addEndProblems(inOrder: readonly Signed[], through: Period | undefined): void {
  if (through === undefined) return;
  for (const [index, { manifest, problems }] of inOrder.entries()) {
    if (inOrder[index + 1]?.manifest.tenantId === manifest.tenantId) continue;
    for (let period = nextPeriod(manifest.period); period <= through; period = nextPeriod(period)) {
      problems.push({ name: "month_missing", subject: period });
    }
  }
}

function isMonthBefore(before: SignedManifest, manifest: SignedManifest): boolean {
  return before.tenantId === manifest.tenantId && nextPeriod(before.period) === manifest.period;
}

function placeOf({ manifest: { tenantId, period } }: Signed): string {
  return `${tenantId}\n${period}`;
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
