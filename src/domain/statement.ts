import { spellCanonically, type Json } from "./canonical_json.ts";
import { isSignedBy, ownBytes, sign } from "./ed25519.ts";
import { isoTime } from "./instant.ts";
import type { UsageCounts } from "./meter_event.ts";
import { CURRENCY, formatCentavos, formatMicros } from "./money.ts";
import { TIME_ZONE, type Period } from "./period.ts";
import type { PriceTier } from "./plan.ts";
import { fail, ok, type Result } from "./result.ts";
import type { CarriedCredit, StatementLine, StatementTotals } from "./statement_totals.ts";

/** A file's name, length and SHA-256 (lower-case hex): what a manifest says of it, and what a reader measures. */
export type FileDigest = { readonly name: string; readonly bytes: number; readonly sha256: string };

/** Who is billed, as the register had it when the month was closed. */
type BilledTenant = { readonly id: string; readonly name: string; readonly document: string };

/** The terms that the tenant had when the month was closed; `version` grows with every change of the tenant. */
export type BilledPlan = { readonly name: string; readonly version: number; readonly tiers: readonly PriceTier[] };

/**
 * What a statement says of itself. A closed one is signed and never changes; an open one has no signer and no time of
 * closing. Months closed under version 1 keep it: they have neither `tenant` nor `plan`, carry nothing over, and say what
 * Claro may charge the operator, which is nothing that a partner should see.
 */
export type Manifest = {
  readonly version: 1 | 2;
  readonly status: "open" | "closed";
  readonly tenantId: string;
  readonly tenant?: Omit<BilledTenant, "id">;
  readonly plan?: BilledPlan;
  readonly period: Period;
  readonly timeZone: string;
  readonly seq: StatementTotals["seq"];
  readonly counts: UsageCounts;
  readonly adjustments: number;
  readonly lines: readonly StatementLine[];
  /**
   * `amount` is due, in reais: the sum of the lines' rounded amounts, or 0.00 where that is below zero; `carriedOut` is
   * what it is below zero then. `exactAmount` is the sum of the events.
   */
  readonly totals: {
    readonly currency: string;
    readonly amount: string;
    readonly amountCentavos: number;
    readonly exactAmount: string;
    readonly amountMicros: number;
    readonly carriedOut?: string | null;
    readonly carriedOutCentavos?: number;
  };
  readonly files: readonly FileDigest[];
  /** SHA-256 of the `manifest.json` before this one, as it was downloaded; null for a tenant's first. */
  readonly previousManifestSha256: string | null;
  readonly closedAt: string | null;
  readonly keyId: string | null;
};

/** `signature`: Ed25519 over the canonical JSON of all other fields, base64url without padding. */
export type SignedManifest = Manifest & { readonly signature: string };

/** An Ed25519 public key as `export-keys.json` lists it (RFC 8037); `kid` is the manifest's `keyId`. */
/** Where a gateway lists its keys: an address that signed documents name, so it is never changed. */
export const EXPORT_KEYS_PATH = "/.well-known/claro-score-gateway/export-keys.json";

export type ExportPublicKey = {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
};

/** A public key with what its signatures are worth: months closed from `validFrom` up to `validUntil`, none once revoked. */
export type ListedExportKey = ExportPublicKey & {
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly revokedAt: string | null;
};
export type ExportPrivateKey = ExportPublicKey & { readonly d: string };

export type SignatureFailure = "unreadable_manifest" | "not_signed" | "unknown_key" | "bad_signature";

export type ManifestOptions = {
  readonly tenant: BilledTenant;
  readonly plan: BilledPlan;
  readonly period: Period;
  readonly files: readonly FileDigest[];
  readonly previousManifestSha256: string | null;
  /** Null for an open period, whose manifest is not signed. */
  readonly closed: { readonly atMs: number; readonly keyId: string } | null;
};

/** The manifest of a period that adds up to `totals`. */
export function buildManifest(totals: StatementTotals, options: ManifestOptions): Manifest {
  const { closed, files, period, previousManifestSha256, tenant, plan } = options;
  return {
    version: 2,
    status: closed === null ? "open" : "closed",
    tenantId: tenant.id,
    tenant: { name: tenant.name, document: tenant.document },
    plan: { name: plan.name, version: plan.version, tiers: plan.tiers },
    period,
    timeZone: TIME_ZONE,
    seq: totals.seq,
    counts: totals.counts,
    adjustments: totals.adjustments,
    lines: totals.lines,
    totals: {
      currency: CURRENCY,
      amount: formatCentavos(totals.amountCentavos),
      amountCentavos: totals.amountCentavos,
      exactAmount: formatMicros(totals.amountMicros),
      amountMicros: totals.amountMicros,
      carriedOut: totals.carriedOutCentavos === 0 ? null : formatCentavos(totals.carriedOutCentavos),
      carriedOutCentavos: totals.carriedOutCentavos,
    },
    files,
    previousManifestSha256,
    closedAt: closed === null ? null : isoTime(closed.atMs),
    keyId: closed?.keyId ?? null,
  };
}

/** What a closed month hands on to the next, or null. */
export function carriedOut({ period, totals }: Manifest): CarriedCredit | null {
  const { carriedOutCentavos = 0 } = totals;
  return carriedOutCentavos === 0 ? null : { from: period, centavos: carriedOutCentavos };
}

/**
 * JSON with one spelling (RFC 8785 for what occurs here): no blanks, keys in UTF-16 order, numbers and strings as
 * `JSON.stringify` writes them. Throws `RangeError` for a number that is no safe integer: manifests hold no other.
 */
export function canonicalJson(value: Json): string {
  return spellCanonically(value, Number.isSafeInteger);
}

/** The text of `manifest.json`, always the same for the same manifest. */
export function manifestText(manifest: Manifest | SignedManifest): string {
  return `${canonicalJson(manifest)}\n`;
}

/** Signs a closed manifest. Throws when the key is not the one that the manifest names: that would never verify. */
export async function signManifest(manifest: Manifest, key: ExportPrivateKey): Promise<SignedManifest> {
  if (manifest.keyId !== key.kid) throw new RangeError(`the manifest names key ${manifest.keyId}, not ${key.kid}`);
  return { ...manifest, signature: await sign(key, signedBytes(manifest)) };
}

/** Reads the text of a `manifest.json` and gives the manifest only if one of the keys signed exactly this text. */
export async function verifyManifest(
  text: string,
  publicKeys: readonly ExportPublicKey[],
): Promise<Result<SignedManifest, SignatureFailure>> {
  const parsed = parseObject(text);
  if (parsed === null || !isCanonical(parsed, text)) return fail("unreadable_manifest");
  const { signature, ...unsigned } = parsed;
  if (typeof signature !== "string") return fail("not_signed");
  const key = publicKeys.find(({ kid }) => kid === unsigned["keyId"]);
  if (key === undefined) return fail("unknown_key");
  const isSigned = await isSignedBy(key, signedBytes(unsigned), signature);
  // Only our own signer makes this signature, and it signs nothing but manifests: the shape is known with it.
  return isSigned ? ok(parsed as unknown as SignedManifest) : fail("bad_signature");
}

/** SHA-256 in lower-case hex, as manifests write it. */
export async function sha256Hex(data: string | Uint8Array): Promise<string> {
  const bytes = ownBytes(typeof data === "string" ? new TextEncoder().encode(data) : data);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function signedBytes(unsigned: Json): Uint8Array {
  return new TextEncoder().encode(canonicalJson(unsigned));
}

function parseObject(text: string): { readonly [key: string]: Json } | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as { readonly [key: string]: Json }) : null;
  } catch {
    return null;
  }
}

function isCanonical(value: Json, text: string): boolean {
  try {
    return `${canonicalJson(value)}\n` === text;
  } catch {
    return false;
  }
}
