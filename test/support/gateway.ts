import { evictDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { cpfCheckDigits } from "../../src/domain/cpf.ts";
import { type Services, servicesOf } from "../../src/platform/services.ts";
import { expectDocumented } from "./documented.ts";

/** The gateway inside workerd, as a partner and an operator use it. */
export const ADMIN_TOKEN = "test-admin-token-0123456789-abcdef";

type Json = Record<string, unknown>;

/** What the Worker has of `bindings`, for a test that calls a use case itself. */
export function testServices(bindings: Env = env): Services {
  const made = servicesOf(bindings);
  if (!made.ok) throw new Error(`misconfigured: ${JSON.stringify(made.failure)}`);
  return made.value;
}

const underWay = new Set<Promise<Response>>();

/** A request as it stands to the Worker. */
export async function sendRequest(path: string, init: RequestInit): Promise<Response> {
  const answer = exports.default.fetch(`https://gateway.test${path}`, init);
  underWay.add(answer);
  try {
    return await answer;
  } finally {
    underWay.delete(answer);
  }
}

/** Waits for the requests that a test has left under way. */
export async function requestsEnded(): Promise<void> {
  await Promise.allSettled(underWay);
}

/**
 * Calls the Worker over HTTP. A body that is no string is sent as JSON. Whatever it answers, in whichever test, has to
 * be what `/openapi.json` says.
 */
export async function call(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Response> {
  const { body } = options;
  const isJson = body !== undefined && typeof body !== "string";
  const method = options.method ?? (body === undefined ? "GET" : "POST");
  const response = await sendRequest(path, {
    method,
    headers: { ...(isJson ? { "content-type": "application/json" } : {}), ...options.headers },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
  });
  await expectDocumented(method, path, response);
  return response;
}

export async function admin(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, ...options.headers };
  return await call(`/admin/v1${path}`, { ...options, headers });
}

export async function adminJson<Answer = Json>(
  path: string,
  options: { method?: string; body?: unknown } = {},
): Promise<Answer> {
  const response = await admin(path, options);
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return await response.json<Answer>();
}

export type TestTenant = { readonly tenantId: string; readonly keyId: string; readonly key: string };

/** A new tenant with one key. Its rate does not stand in the way unless a test asks for one. */
export async function newTenant(
  options: { mode?: "live" | "test"; plan?: Json; key?: Json } = {},
): Promise<TestTenant> {
  const plan = { name: "pay-per-use", ratePerSecond: 10_000, burst: 100_000, ...options.plan };
  const tenant = await adminJson<{ id: string }>("/tenants", {
    body: {
      name: "Loja São João",
      document: "12ABC34501DE35",
      allowDuplicate: true,
      customerId: "loja sao joao",
      plan,
    },
  });
  const key = await newKey(tenant.id, { mode: options.mode ?? "live", ...options.key });
  return { tenantId: tenant.id, keyId: key.id, key: key.key };
}

export async function newKey(tenantId: string, body: Json): Promise<{ id: string; key: string; clientSecret: string }> {
  return await adminJson(`/tenants/${tenantId}/keys`, { body });
}

/** One lookup; `cpf` is what the body says, of any type. */
export async function lookup(key: string, cpf: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await call("/v1/scores", { headers: { authorization: `Bearer ${key}`, ...headers }, body: { cpf } });
}

/** As many persons, always the same ones from `from` on. */
export function persons(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => {
    const firstNine = String(710_000_000 + from + n);
    return `${firstNine}${cpfCheckDigits(firstNine)}`;
  });
}

/** A ledger's object, to look into and to disturb. */
export function ledgerOf(tenantId: string, mode: "live" | "test" = "live") {
  return env.TENANT_LEDGER.getByName(`${tenantId}:${mode}`);
}

/** Lets 401s have Claro's token renewed as often as at first: the object keeps the number in memory. */
export async function forgetRenewals(): Promise<void> {
  const token = env.ACCESS_TOKEN.getByName("live");
  await token.status();
  await evictDurableObject(token);
}

/** The stand-alone sandbox's controls. */
export async function sandbox<Answer = Json>(path: string, body?: unknown): Promise<Answer> {
  const { TEST_SANDBOX_URL: url } = env as unknown as { TEST_SANDBOX_URL: string };
  const isGet = path === "journal" || path === "counts" || path.startsWith("journal?");
  const response = await fetch(`${url}/__sandbox/${path}`, {
    method: isGet ? "GET" : "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return (text === "" ? {} : JSON.parse(text)) as Answer;
}
