import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { call, lookup, type TestTenant } from "./gateway.ts";

/** A lookup in each of the two shapes that partners speak. */
export type Shape = {
  readonly name: string;
  readonly path: string;
  readonly lookup: (tenant: TestTenant, cpf: unknown, headers?: Record<string, string>) => Promise<Response>;
  /** A body as text, with `cpf` as JSON in its place. */
  readonly body: (cpf: string) => string;
  /** What authenticates the tenant: the key itself, or a token for it. */
  readonly credentials: (tenant: TestTenant) => Promise<Record<string, string>>;
};

export const SHAPES: readonly Shape[] = [
  {
    name: "the gateway's shape",
    path: "/v1/scores",
    lookup: (tenant, cpf, headers) => lookup(tenant.key, cpf, headers),
    body: (cpf) => `{"cpf":${cpf}}`,
    credentials: async (tenant) => ({ authorization: `Bearer ${tenant.key}` }),
  },
  {
    name: "Claro's shape",
    path: "/customers/v1/scores",
    lookup: async (tenant, cpf, headers) =>
      await claroLookup(await tokenFor(tenant), { data: { customer: { idCpf: cpf } } }, headers),
    body: (cpf) => `{"data":{"customer":{"idCpf":${cpf}}}}`,
    credentials: async (tenant) => ({ "x-client-auth": `Bearer ${await tokenFor(tenant)}` }),
  },
];

/** Asks for an access token as Claro's partners do; `credentials` is `key id:secret`. */
export async function requestToken(credentials: string, headers: Record<string, string> = {}): Promise<Response> {
  return await call("/oauth2/v1/token", {
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-client-auth": `Basic ${btoa(credentials)}`,
      ...headers,
    },
    body: "grant_type=client_credentials",
  });
}

export async function tokenFor(tenant: TestTenant): Promise<string> {
  const response = await requestToken(`${tenant.keyId}:${tenant.key.slice(tenant.keyId.length + 1)}`);
  return (await response.json<{ access_token: string }>()).access_token;
}

export async function claroLookup(
  token: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await call("/customers/v1/scores", { headers: { "x-client-auth": `Bearer ${token}`, ...headers }, body });
}

/** What a failure is called, in either shape. */
export async function failureCode(response: Response): Promise<string | undefined> {
  const body = await response.json<{ code?: string; error?: { code: string } }>();
  return body.code ?? body.error?.code;
}

export type Totals = Record<
  "requests" | "delivered" | "notFound" | "rejected" | "failed" | "unknown" | "billed",
  number
>;

/** A tenant's counts, without those that are zero. */
export async function usageOf(tenant: TestTenant, query = ""): Promise<Partial<Totals>> {
  const response = await call(`/v1/usage${query}`, { headers: { "x-api-key": tenant.key } });
  const { totals } = await response.json<{ totals: Totals & { amount: string; currency: string } }>();
  const { amount: _amount, currency: _currency, ...counts } = totals;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

/** The Worker with other settings than the tests'; its objects keep theirs. */
export async function fetchWith(settings: Record<string, string | undefined>, request: Request): Promise<Response> {
  return await isolateWith(settings)(request);
}

/** The same, with what an isolate keeps from one request to the next. */
export function isolateWith(settings: Record<string, string | undefined>): (request: Request) => Promise<Response> {
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} } as unknown as ExecutionContext;
  const isolateEnv = { ...env, ...settings };
  return async (request) => await app.fetch(request, isolateEnv, context);
}

export function scoreRequest(key: string, cpf = "52998224725"): Request {
  return new Request("https://gateway.test/v1/scores", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ cpf }),
  });
}
