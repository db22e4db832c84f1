import { env } from "cloudflare:workers";
import { SCOPES } from "../../../src/domain/api_key.ts";
import { periodOf } from "../../../src/domain/period.ts";
import { adminJson, call, lookup, newKey, newTenant } from "../../support/gateway.ts";
import { tokenFor } from "../../support/shapes.ts";

export const CPF = "52998224725";
/** The idempotency key that both tenants happen to use. */
export const SHARED_KEY = "pedido-1";

/** A tenant with a live and a test key, and lookups made with both. */
export type Party = {
  readonly tenantId: string;
  readonly customerId: string;
  readonly live: { readonly keyId: string; readonly key: string; readonly token: string };
  readonly test: { readonly keyId: string; readonly key: string; readonly token: string };
  /** What only this party may be shown. */
  readonly marks: readonly string[];
};

/** Whose data it is, and who tries to get at it. */
export type World = { readonly victim: Party; readonly intruder: Party };

export async function makeWorld(): Promise<World> {
  return { victim: await makeParty("vitima"), intruder: await makeParty("intruso") };
}

async function makeParty(name: string): Promise<Party> {
  const tenant = await newTenant({ key: { label: `${name}-live`, scopes: [...SCOPES] } });
  const customerId = `${name} na claro`;
  const { tenantId } = tenant;
  const change = { name: `Loja ${name}`, customerId };
  await adminJson(`/tenants/${tenantId}`, { method: "PATCH", body: change });
  const testKey = await newKey(tenantId, { mode: "test", label: `${name}-test` });
  const live = { keyId: tenant.keyId, key: tenant.key, token: await tokenFor(tenant) };
  const asTest = { tenantId, keyId: testKey.id, key: testKey.key };
  const test = { keyId: testKey.id, key: testKey.key, token: await tokenFor(asTest) };
  const shown: string[] = [];
  for (const { key } of [live, test]) {
    const body = { cpf: CPF, reference: `referencia-${name}` };
    const headers = { authorization: `Bearer ${key}`, "idempotency-key": SHARED_KEY };
    const answer = await call("/v1/scores", { headers, body });
    const { id, transactionId } = await answer.json<{ id: string; transactionId: string }>();
    shown.push(id, transactionId);
  }
  await lookup(live.key, CPF);
  await adminJson(`/tenants/${tenantId}/adjustments`, {
    body: { id: "credito-1", units: 0, amount: "-0.01", reason: `acerto-${name}` },
  });
  const marks = [
    tenantId,
    customerId,
    `Loja ${name}`,
    `referencia-${name}`,
    `acerto-${name}`,
    `${name}-live`,
    ...shown,
  ];
  return { tenantId, customerId, live, test, marks: [...marks, `${name}-test`, live.keyId, test.keyId] };
}

/** Everything that the victim has, as the operator and the tables see it; without the time of asking. */
export async function stateOf({ tenantId }: Party): Promise<string> {
  const parts: unknown[] = [
    await adminJson(`/tenants/${tenantId}`),
    await adminJson(`/tenants/${tenantId}/keys`),
    await adminJson<object>(`/tenants/${tenantId}/usage`).then((usage) => ({ ...usage, asOf: null })),
    await adminJson<object>(`/tenants/${tenantId}/usage?mode=test`).then((usage) => ({ ...usage, asOf: null })),
    await call(`/admin/v1/tenants/${tenantId}/statements/${month()}/events.jsonl`, {
      headers: { authorization: "Bearer test-admin-token-0123456789-abcdef" },
    }).then(textOf),
    await rowsOf(
      `SELECT * FROM audit WHERE (target = ?1 OR target LIKE ?1 || '/%') AND action <> 'statement.read'`,
      tenantId,
    ),
    await rowsOf(`SELECT * FROM adjustments WHERE tenant_id = ?1`, tenantId),
  ];
  return JSON.stringify(parts);
}

async function rowsOf(query: string, tenantId: string): Promise<unknown[]> {
  return (await env.DB.prepare(query).bind(tenantId).all()).results;
}

/** The open month in São Paulo. */
export function month(): string {
  return periodOf(Date.now());
}

/** A body as text, whatever type it has: workerd warns of types that it does not know as text. */
export async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}
