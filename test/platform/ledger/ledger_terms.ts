import type { PriceTier } from "../../../src/domain/plan.ts";
import type { LedgerTerms } from "../../../src/domain/ledger/terms.ts";

/** The terms of a tenant whose rate never stands in the way. */
export function ledgerTerms(asked: {
  tenantId: string;
  version: number;
  tiers: readonly PriceTier[];
  allowance: number | null;
  keyIds: readonly string[];
  revoked: ReadonlySet<string>;
}): LedgerTerms {
  const { tenantId, version, tiers, allowance, keyIds, revoked } = asked;
  return {
    tenantId,
    mode: "live",
    version,
    status: "active",
    customerId: "a customer",
    plan: {
      name: "pay-per-use",
      allowance: allowance === null ? null : { requests: allowance, endsAt: null },
      tiers,
      ratePerSecond: 1_000_000,
      burst: 1_000_000,
      monthlySpendCapMicros: null,
    },
    keys: keyIds.map((keyId) => ({
      keyId,
      scopes: ["scores:read"],
      expiresAtMs: null,
      revokedAtMs: revoked.has(keyId) ? 0 : null,
      allowedIps: [],
    })),
  };
}
