import type { PriceTier } from "../../src/domain/plan.ts";
import type { Partner } from "./clients.ts";

/** The tortured gateway's secrets. */
export const SECRETS = {
  CLARO_CLIENT_ID: "torture",
  CLARO_CLIENT_SECRET: "torture-client-secret",
  ADMIN_TOKEN: "torture-admin-token-0123456789-abcdef",
  ACCESS_TOKEN_SECRET: "torture-access-token-secret-0123456789-abcdef",
  CPF_HMAC_SECRET: "torture-cpf-hmac-secret-0123456789-abcdef",
  IDEMPOTENCY_SECRET: "torture-idempotency-secret-0123456789-abcdef",
} as const;

export const TIERS: readonly PriceTier[] = [
  { upTo: 200, unitPriceMicros: 150_000 },
  { upTo: 1000, unitPriceMicros: 120_000 },
  { upTo: null, unitPriceMicros: 99_500 },
];

/** Lookups a second that use up an allowance about half-way through a run. */
const ALLOWANCE_A_SECOND = 8;

export type TorturedPartner = Partner & { readonly allowance: number | null };

/** Tenants of the kinds that the invariants speak of: who pays, who repeats with keys, and who has an allowance. */
export async function createPartners(url: string, { seconds }: { seconds: number }): Promise<TorturedPartner[]> {
  const allowance = Math.max(seconds, 1) * ALLOWANCE_A_SECOND;
  return [
    await createPartner(url, { name: "payer", share: 4, usesIdempotency: false, isOccasional: false, allowance: null }),
    await createPartner(url, {
      name: "occasional",
      share: 2,
      usesIdempotency: false,
      isOccasional: true,
      allowance: null,
    }),
    await createPartner(url, {
      name: "repeater",
      share: 4,
      usesIdempotency: true,
      isOccasional: false,
      allowance: null,
    }),
    await createPartner(url, { name: "limited", share: 3, usesIdempotency: false, isOccasional: false, allowance }),
    await createPartner(url, {
      name: "limited repeater",
      share: 1,
      usesIdempotency: true,
      isOccasional: false,
      allowance,
    }),
  ];
}

async function createPartner(
  url: string,
  kind: Omit<TorturedPartner, "tenantId" | "customerId" | "key"> & { readonly name: string },
): Promise<TorturedPartner> {
  const allowance = kind.allowance === null ? null : { requests: kind.allowance, endsAt: null };
  const plan = { name: "pay-per-use", tiers: TIERS, ratePerSecond: 10_000, burst: 100_000, allowance };
  const { name, ...traits } = kind;
  const customerId = `torture ${name}`;
  const body = { name, document: "12ABC34501DE35", customerId, plan };
  const { id: tenantId } = await admin<{ id: string }>(`${url}/admin/v1/tenants`, body);
  const { key } = await admin<{ key: string }>(`${url}/admin/v1/tenants/${tenantId}/keys`, { mode: "live" });
  return { ...traits, tenantId, customerId, key };
}

/** Calls the admin API; without a body it asks, with one it posts. */
export async function admin<Answer>(url: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${SECRETS.ADMIN_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
  return await response.json<Answer>();
}
