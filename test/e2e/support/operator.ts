import { ADMIN_TOKEN } from "./gateway_process.ts";

export type Key = {
  readonly tenantId: string;
  readonly id: string;
  readonly key: string;
  readonly clientSecret: string;
};

/** A new tenant of a started gateway, with a live key. */
export async function newLiveTenant(url: string, options: { plan: unknown; customerId: string }): Promise<Key> {
  const { plan, customerId } = options;
  const tenant = { name: "Loja São João", document: "12ABC34501DE35", allowDuplicate: true, customerId, plan };
  const { id } = await post<{ id: string }>(`${url}/admin/v1/tenants`, tenant);
  return await post<Key>(`${url}/admin/v1/tenants/${id}/keys`, { mode: "live" });
}

/** An operator's token. */
export async function newOperator(url: string, operator: { name: string; roles: readonly string[] }): Promise<string> {
  return (await post<{ token: string }>(`${url}/admin/v1/operators`, operator)).token;
}

/** Posts as the operator; `body` may be none. */
export async function post<Answer>(url: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> = { authorization: `Bearer ${ADMIN_TOKEN}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) ?? null });
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
  return await response.json<Answer>();
}
