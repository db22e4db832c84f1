import type { ConfigureReply } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Configured, KeyRevoked } from "./entries.ts";
import { lastGrantEndMs } from "./grants.ts";
import { LEDGER_SCHEMA_VERSION as schema } from "./schema_version.ts";
import type { LedgerState } from "./state.ts";
import { breaksGrants, saysTheSame, type LedgerTerms } from "./terms.ts";
import { GRANT_MS } from "./times.ts";
import type { PriceTier } from "../plan.ts";

/** Well below the platform's 2 MB a row; some thousand keys. */
const LARGEST_TERMS_BYTES = 900_000;

/**
 * Takes the register's terms, which hold from now on for all that is admitted. Terms that are older than the ledger's, or
 * others under the same version, are `stale`: the register was restored to an earlier point and has to go above it.
 */
export function decideConfigure(state: LedgerState, terms: LedgerTerms, nowMs: number): Decision<ConfigureReply> {
  const own = state.terms;
  if (JSON.stringify(terms).length > LARGEST_TERMS_BYTES) return { entries: [], reply: { kind: "too_large", schema } };
  if (own !== null && terms.version < own.version) return stale(own);
  const kept = keepRevocations(terms, own);
  const isKnown = own !== null && terms.version === own.version;
  if (isKnown && !saysTheSame(own, kept.terms, nowMs)) return stale(own);
  if (isKnown && (terms.knownSeq ?? 0) <= (own.knownSeq ?? 0)) {
    return {
      entries: [],
      reply: { kind: "configured", schema, waitMs: waitMs(state, nowMs), revokedKeys: kept.keyIds },
    };
  }
  const grantsEndMs = own !== null && breaksGrants(own, kept.terms) ? lastGrantEndMs(state.grants, nowMs) : null;
  const entry: Configured = {
    type: "configured",
    v: 1,
    atMs: nowMs,
    terms: kept.terms,
    ...priceVersions(state, kept.terms),
    grantsEndMs,
  };
  const endMs = Math.max(state.revokedGrantsEndMs, grantsEndMs ?? 0);
  return {
    entries: [entry],
    reply: { kind: "configured", schema, waitMs: waitUntil(endMs, nowMs), revokedKeys: kept.keyIds },
  };
}

/** Revokes a key without the register, which follows. Null when the ledger does not know the key. */
export function decideRevokeNow(
  state: LedgerState,
  keyId: string,
  nowMs: number,
): Decision<{ readonly waitMs: number } | null> {
  const key = state.terms?.keys.find((candidate) => candidate.keyId === keyId);
  if (key === undefined) return { entries: [], reply: null };
  if (key.revokedAtMs !== null) return { entries: [], reply: { waitMs: waitMs(state, nowMs) } };
  const grantsEndMs = lastGrantEndMs(state.grants, nowMs);
  const entry: KeyRevoked = { type: "key_revoked", v: 1, atMs: nowMs, keyId, grantsEndMs };
  const endMs = Math.max(state.revokedGrantsEndMs, grantsEndMs ?? 0);
  return { entries: [entry], reply: { waitMs: waitUntil(endMs, nowMs) } };
}

/** Also after an eviction and for a repeat: the end of the last grant is in the state. */
function waitMs(state: LedgerState, nowMs: number): number {
  return waitUntil(state.revokedGrantsEndMs, nowMs);
}

/** A clock that jumped back after a grant must not make a change wait for hours: no grant lives longer than this. */
function waitUntil(endMs: number, nowMs: number): number {
  return Math.min(Math.max(endMs - nowMs, 0), GRANT_MS);
}

function stale({ version }: LedgerTerms): Decision<ConfigureReply> {
  return { entries: [], reply: { kind: "stale", schema, version } };
}

/** A key that was revoked here stays so, whatever a restored register says. */
function keepRevocations(terms: LedgerTerms, own: LedgerTerms | null): { terms: LedgerTerms; keyIds: string[] } {
  const revoked = new Map(own?.keys.filter(({ revokedAtMs }) => revokedAtMs !== null).map((key) => [key.keyId, key]));
  const keyIds = terms.keys.filter((key) => key.revokedAtMs === null && revoked.has(key.keyId)).map((key) => key.keyId);
  if (keyIds.length === 0) return { terms, keyIds };
  const keys = terms.keys.map((key) => ({
    ...key,
    revokedAtMs: key.revokedAtMs ?? revoked.get(key.keyId)?.revokedAtMs ?? null,
  }));
  return { terms: { ...terms, keys }, keyIds };
}

/** Tiers that are known keep their version. */
function priceVersions(state: LedgerState, terms: LedgerTerms): Pick<Configured, "priceVersion" | "nextPriceVersion"> {
  let highest = state.highestPriceVersion;
  const known = new Map<string, number>();
  for (const version of [state.nextPriceVersion, state.terms === null ? null : state.priceVersion]) {
    const tiers = version === null ? undefined : state.prices.get(version);
    if (version !== null && tiers !== undefined) known.set(JSON.stringify(tiers), version);
  }
  const versionOf = (tiers: readonly PriceTier[]) => {
    const text = JSON.stringify(tiers);
    const version = known.get(text) ?? ++highest;
    known.set(text, version);
    return version;
  };
  const priceVersion = versionOf(terms.plan.tiers);
  const { nextPlan } = terms;
  return {
    priceVersion,
    nextPriceVersion: nextPlan === undefined || nextPlan === null ? null : versionOf(nextPlan.plan.tiers),
  };
}
