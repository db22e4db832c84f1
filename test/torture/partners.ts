import { cnpjCheckDigits } from "../../src/domain/cnpj.ts";
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

export type TorturedPartner = Partner & {
  readonly allowance: number | null;
  /** An operator suspends it again and again. */
  readonly isSuspended: boolean;
};

/** Tenants of the kinds that the invariants speak of: who pays, repeats with keys, has an allowance, is suspended. */
export async function createPartners(url: string, { seconds }: { seconds: number }): Promise<TorturedPartner[]> {
  const allowance = Math.max(seconds, 1) * ALLOWANCE_A_SECOND;
  const kinds = [
    { name: "payer", share: 4 },
    { name: "occasional", share: 2, isOccasional: true },
    { name: "repeater", share: 4, usesIdempotency: true },
    { name: "limited", share: 3, allowance },
    { name: "limited repeater", share: 1, usesIdempotency: true, allowance },
    // Its lookups are its operator's: any other, refused just before the suspension's answer, would end the grants.
    { name: "suspended", share: 0, isSuspended: true },
  ];
  const partners: TorturedPartner[] = [];
  for (const [index, kind] of kinds.entries()) {
    partners.push(await createPartner(url, { ...ORDINARY, ...kind, document: cnpjOf(index) }));
  }
  return partners;
}

const ORDINARY = { usesIdempotency: false, isOccasional: false, isSuspended: false, allowance: null };

function cnpjOf(index: number): string {
  const firstTwelve = `12ABC345${String(index).padStart(4, "0")}`;
  return `${firstTwelve}${cnpjCheckDigits(firstTwelve)}`;
}

async function createPartner(
  url: string,
  kind: Omit<TorturedPartner, "tenantId" | "customerId" | "key"> & { readonly name: string; readonly document: string },
): Promise<TorturedPartner> {
  const allowance = kind.allowance === null ? null : { requests: kind.allowance, endsAt: null };
  const plan = { name: "pay-per-use", tiers: TIERS, ratePerSecond: 10_000, burst: 100_000, allowance };
  const { name, document, ...traits } = kind;
  const customerId = `torture ${name}`;
  const body = { name, document, customerId, plan };
  const { id: tenantId } = await admin<{ id: string }>(`${url}/admin/v1/tenants`, body);
  const { key } = await admin<{ key: string }>(`${url}/admin/v1/tenants/${tenantId}/keys`, { mode: "live" });
  return { ...traits, tenantId, customerId, key };
}

/** Calls the admin API; without a body it asks, with one it posts. */
export async function admin<Answer>(url: string, body?: unknown): Promise<Answer> {
  const response = await callAdmin(url, body === undefined ? "GET" : "POST", body);
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
  return await response.json<Answer>();
}

/** Whether the change is in force; a gateway that is killed meanwhile does not say. */
export async function changeTenant(url: string, tenantId: string, change: { status: string }): Promise<boolean> {
  try {
    const response = await callAdmin(`${url}/admin/v1/tenants/${tenantId}`, "PATCH", change);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function callAdmin(url: string, method: string, body: unknown): Promise<Response> {
  return await fetch(url, {
    method,
    headers: { authorization: `Bearer ${SECRETS.ADMIN_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
