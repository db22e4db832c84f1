import { UNIQUE, wireRequest, type Target } from "./load/load.ts";
import { startWorker, type RunningWorker, type WorkerOptions } from "./runtime/worker.ts";

/** A Worker under test with the load that it understands. */
export type Contender = Target & { readonly worker: RunningWorker };

/** What operators call with. */
export const ADMIN_TOKEN = "bench-admin-token-0123456789-abcdef";
const CPF_HMAC_SECRET = "bench-cpf-hmac-secret-0123456789-abcdef";
const CPFS = 500;

/** The gateway, as deployed, with tenants whose limits are far away. `repeatable` requests have idempotency keys. */
export async function startGateway(
  claroUrl: string,
  options: { tenants?: number; name?: string; vars?: Record<string, string> } & Partial<WorkerOptions> = {},
): Promise<Contender & { readonly keys: readonly string[]; readonly repeatable: readonly string[] }> {
  const { tenants = 1, name = "gateway", vars = {}, ...more } = options;
  const worker = await startWorker(name, {
    config: "wrangler.toml",
    ...more,
    vars: { ...gatewayVars(claroUrl), ...vars },
  });
  const keys: string[] = [];
  for (let made = 0; made < tenants; made += 1) keys.push((await newTenant(worker.url)).key);
  const repeatable = lookupsWith(keys, { "idempotency-key": UNIQUE });
  return { worker, url: worker.url, keys, requests: lookupsWith(keys), repeatable };
}

/** The gateway whose ledgers' part of a lookup is answered in the isolate. */
export async function startWithoutLedger(claroUrl: string): Promise<Contender> {
  return await startGateway(claroUrl, { name: "without-ledger", entry: "test/bench/isolate_ledger/worker.ts" });
}

/** The settings that the gateway cannot do without. */
export function gatewayVars(claroUrl: string): Record<string, string> {
  return {
    CLARO_BASE_URL: claroUrl,
    CLARO_CLIENT_ID: "bench",
    CLARO_CLIENT_SECRET: "bench-client-secret",
    ADMIN_TOKEN,
    CPF_HMAC_SECRET,
    ACCESS_TOKEN_SECRET: "bench-access-token-secret-0123456789",
    IDEMPOTENCY_SECRET: "bench-idempotency-secret-0123456789",
    LOCAL: "true",
  };
}

/** Lookups of many CPFs with some API keys, which take turns. */
export function lookupsWith(keys: readonly string[], headers: Readonly<Record<string, string>> = {}): string[] {
  return Array.from({ length: Math.max(CPFS, keys.length) }, (_, index) => {
    const authorization = `Bearer ${keys[index % keys.length]}`;
    return wireRequest("/v1/scores", { authorization, ...headers }, { cpf: cpfOf(index) });
  });
}

/** The bare Worker. Its clients bring Claro's own body and token, so that it has nothing to do. */
export async function startBare(claroUrl: string): Promise<Contender> {
  return await startForClarosClients("bare", claroUrl);
}

/** The Worker that makes a lookup's calls and does nothing else, for the same clients. */
export async function startCalls(claroUrl: string): Promise<Contender> {
  return await startForClarosClients("calls", claroUrl);
}

async function startForClarosClients(name: "bare" | "calls", claroUrl: string): Promise<Contender> {
  const config = `test/bench/${name}/wrangler.toml`;
  const worker = await startWorker(name, { config, vars: { CLARO_BASE_URL: claroUrl } });
  const token = await claroToken(claroUrl);
  const headers = { "x-client-auth": `Bearer ${token}`, "x-customerid": "bench" };
  const requests = Array.from({ length: CPFS }, (_, index) =>
    wireRequest("/customers/v1/scores", headers, { data: { customer: { idCpf: cpfOf(index) } } }),
  );
  return { worker, url: worker.url, requests };
}

/** The obvious implementation, with one key in its KV. */
export async function startObvious(claroUrl: string): Promise<Contender> {
  const config = "test/bench/obvious/wrangler.toml";
  const worker = await startWorker("obvious", { config, vars: { CLARO_BASE_URL: claroUrl, CPF_HMAC_SECRET } });
  const key = "csg_live_obviouskey_obvioussecret";
  const hash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(key))).toString("hex");
  const record = { tenantId: "ten_obvious", customerId: "bench", status: "active", unitPriceMicros: 150_000 };
  await (await worker.miniflare.getKVNamespace("KEYS")).put(`key:${hash}`, JSON.stringify(record));
  const requests = Array.from({ length: CPFS }, (_, index) =>
    wireRequest("/v1/scores", { authorization: `Bearer ${key}` }, { cpf: cpfOf(index) }),
  );
  return { worker, url: worker.url, requests };
}

export type BenchTenant = { readonly tenantId: string; readonly keyId: string; readonly key: string };

/** A tenant of a gateway under its address, with one key. */
export async function newTenant(url: string): Promise<BenchTenant> {
  const plan = { name: "pay-per-use", ratePerSecond: 10_000, burst: 100_000 };
  const tenant = { name: "Bench", document: "12ABC34501DE35", allowDuplicate: true, customerId: "bench", plan };
  const { id } = await post<{ id: string }>(`${url}/admin/v1/tenants`, tenant);
  const made = await post<{ id: string; key: string }>(`${url}/admin/v1/tenants/${id}/keys`, { mode: "live" });
  return { tenantId: id, keyId: made.id, key: made.key };
}

async function post<Answer>(url: string, body: unknown): Promise<Answer> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

async function claroToken(claroUrl: string): Promise<string> {
  const response = await fetch(`${claroUrl}/oauth2/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-client-auth": `Basic ${btoa("bench:bench")}` },
    body: "grant_type=client_credentials",
  });
  return (await response.json<{ access_token: string }>()).access_token;
}

/** The `index`-th of many valid CPFs, none of them one of the sandbox's magic ones. */
function cpfOf(index: number): string {
  const base = String(300_000_000 + index * 7919).padStart(9, "0");
  const first = checkDigit(base);
  return `${base}${first}${checkDigit(`${base}${first}`)}`;
}

function checkDigit(digits: string): number {
  const sum = Array.from(digits).reduce(
    (total, digit, index) => total + Number(digit) * (digits.length + 1 - index),
    0,
  );
  return sum % 11 < 2 ? 0 : 11 - (sum % 11);
}
