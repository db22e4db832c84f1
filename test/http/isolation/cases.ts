import { CPF, month, SHARED_KEY, type Party, type World } from "./world.ts";

/** One call that an intruder makes, and the only statuses that it may end with. */
export type Attempt = {
  readonly what: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
  readonly statuses: readonly number[];
};

const RECONCILIATION = "rec_0123456789abcdef0123";

/** Every route and method with what an intruder tries there. A route that is not here fails the test. */
export const CASES: Readonly<Record<string, (world: World) => readonly Attempt[]>> = {
  "GET /metrics": (world) => operatorOnly("GET", () => "")(world).map((attempt) => ({ ...attempt, path: "/metrics" })),
  "GET /healthz": () => [{ what: "anyone", path: "/healthz", method: "GET", headers: {}, statuses: [200] }],
  "GET /.well-known/claro-score-gateway/export-keys.json": () => [
    {
      what: "anyone",
      path: "/.well-known/claro-score-gateway/export-keys.json",
      method: "GET",
      headers: {},
      statuses: [200],
    },
  ],

  "POST /v1/scores": ({ victim, intruder }) => {
    const base = { path: "/v1/scores", method: "POST" };
    const body = { cpf: CPF, reference: "referencia-intruso" };
    const smuggled = smuggle(victim);
    return [
      { ...base, what: "the same idempotency key", headers: key(intruder, SHARED_KEY), body, statuses: [200] },
      {
        ...base,
        what: "the victim's ids in headers",
        headers: { ...key(intruder), ...smuggled },
        body,
        statuses: [200],
      },
      {
        ...base,
        what: "the victim's ids in the body",
        headers: key(intruder),
        body: { ...body, ...ids(victim) },
        statuses: [400],
      },
      { ...base, what: "the victim's key id for a key", headers: bearer(victim.live.keyId), body, statuses: [401] },
      {
        ...base,
        what: "the victim's key id, one's own secret",
        headers: bearer(mixedKey(victim, intruder)),
        body,
        statuses: [401],
      },
      { ...base, what: "a test key", headers: bearer(intruder.test.key), body, statuses: [200] },
    ];
  },

  "GET /v1/usage": ({ victim, intruder }) => [
    ...reading("/v1/usage", { victim, intruder }),
    read("the live data with a test key", "/v1/usage?mode=live", intruder.test.key, [403]),
    read("one's own test data with a live key", "/v1/usage?mode=test", intruder.live.key, [200]),
    read("all modes", "/v1/usage?mode=all", intruder.live.key, [400]),
  ],
  "GET /v1/statements": (world) => [
    ...reading("/v1/statements", world),
    read("a test key beside live data", "/v1/statements", world.intruder.test.key, [200]),
    read(
      "a cursor that names the victim",
      `/v1/statements?cursor=${cursorOf(world.victim)}`,
      world.intruder.live.key,
      [200, 400],
    ),
  ],
  "GET /v1/statements/:period": (world) => [
    ...reading(`/v1/statements/${month()}`, world),
    read("a test key beside live data", `/v1/statements/${month()}`, world.intruder.test.key, [200]),
    read("the victim for a period", `/v1/statements/${world.victim.tenantId}`, world.intruder.live.key, [404]),
    read("a path out of the period", `/v1/statements/..%2F${world.victim.tenantId}`, world.intruder.live.key, [404]),
  ],
  "GET /v1/statements/:period/:file": (world) => [
    ...["events.jsonl", "events.csv", "events.pt-br.csv", "focus.csv", "manifest.json"].flatMap((file) => [
      ...reading(`/v1/statements/${month()}/${file}`, world),
      read(`a test key beside live data: ${file}`, `/v1/statements/${month()}/${file}`, world.intruder.test.key, [200]),
    ]),
    read(
      "a path out of the month",
      `/v1/statements/${month()}/..%2F..%2F${world.victim.tenantId}`,
      world.intruder.live.key,
      [404],
    ),
  ],

  "GET /v1/lookups": (world) => [
    ...["id=lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e", "reference=x", "requestId=pedido-1"].map((query) =>
      read(query, `/v1/lookups?${query}`, world.intruder.live.key, [200]),
    ),
    read(
      "the victim for a tenant",
      `/v1/lookups?reference=x&tenant=${world.victim.tenantId}`,
      world.intruder.live.key,
      [400],
    ),
    read("the victim's key id for a key", "/v1/lookups?reference=x", world.victim.live.keyId, [401]),
    read("an issued token", "/v1/lookups?reference=x", world.intruder.live.token, [401]),
  ],
  "GET /v1/keys": (world) => [
    ...reading("/v1/keys", world),
    read("a cursor that names the victim", `/v1/keys?cursor=${cursorOf(world.victim)}`, world.intruder.live.key, [400]),
  ],
  "POST /v1/keys": ({ victim, intruder }) => [
    {
      what: "for the victim",
      path: "/v1/keys",
      method: "POST",
      headers: { ...key(intruder), ...smuggle(victim) },
      body: { mode: "test", ...ids(victim) },
      statuses: [400],
    },
    {
      what: "the victim's key id for a key",
      path: "/v1/keys",
      method: "POST",
      headers: bearer(victim.live.keyId),
      body: { mode: "test" },
      statuses: [401],
    },
  ],
  "POST /v1/keys/:keyId/rotate": ({ victim, intruder }) =>
    [victim.live.keyId, victim.test.keyId].map((keyId) => ({
      what: `the victim's ${keyId}`,
      path: `/v1/keys/${keyId}/rotate`,
      method: "POST",
      headers: key(intruder),
      statuses: [404],
    })),
  "POST /v1/keys/:keyId/revoke": ({ victim, intruder }) =>
    [victim.live.keyId, victim.test.keyId].map((keyId) => ({
      what: `the victim's ${keyId}`,
      path: `/v1/keys/${keyId}/revoke`,
      method: "POST",
      headers: key(intruder),
      statuses: [404],
    })),

  "POST /oauth2/v1/token": ({ victim, intruder }) => {
    const tokenCall = (what: string, keyId: string, secret: string, statuses: readonly number[]): Attempt => ({
      what,
      path: "/oauth2/v1/token",
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`${keyId}:${secret}`)}`,
        "content-type": "application/x-www-form-urlencoded",
        ...smuggle(victim),
      },
      body: "grant_type=client_credentials",
      statuses,
    });
    return [
      tokenCall("one's own", intruder.live.keyId, secretOf(intruder.live), [200]),
      tokenCall("the victim's id, one's own secret", victim.live.keyId, secretOf(intruder.live), [401]),
      tokenCall("one's live id, one's test secret", intruder.live.keyId, secretOf(intruder.test), [401]),
    ];
  },
  "POST /customers/v1/scores": ({ victim, intruder }) => {
    const base = { path: "/customers/v1/scores", method: "POST", body: { data: { customer: { idCpf: CPF } } } };
    return [
      {
        ...base,
        what: "the victim's ids in headers",
        headers: { ...bearer(intruder.live.token), ...smuggle(victim) },
        statuses: [200],
      },
      {
        ...base,
        what: "the same idempotency key",
        headers: { ...bearer(intruder.live.token), "idempotency-key": SHARED_KEY },
        statuses: [422],
      },
      {
        ...base,
        what: "a token rewritten to the victim",
        headers: bearer(rewritten(intruder.live.token, victim)),
        statuses: [401],
      },
      { ...base, what: "an API key for a token", headers: bearer(intruder.live.key), statuses: [401] },
      { ...base, what: "a test key's token", headers: bearer(intruder.test.token), statuses: [200] },
    ];
  },

  "GET /admin/v1/tenants": operatorOnly("GET", () => "/tenants"),
  "POST /admin/v1/tenants": operatorOnly("POST", () => "/tenants", {
    name: "x",
    document: "12ABC34501DE35",
    allowDuplicate: true,
    customerId: "x",
    plan: "trial",
  }),
  "GET /admin/v1/tenants/:tenantId": operatorOnly("GET", (party) => `/tenants/${party.tenantId}`),
  "PATCH /admin/v1/tenants/:tenantId": operatorOnly("PATCH", (party) => `/tenants/${party.tenantId}`, {
    status: "suspended",
  }),
  "GET /admin/v1/tenants/:tenantId/usage": (world) => [
    ...operatorOnly("GET", (party) => `/tenants/${party.tenantId}/usage`)(world),
    operatorReads("one tenant's usage", `/tenants/${world.intruder.tenantId}/usage?tenantId=${world.victim.tenantId}`),
  ],
  "GET /admin/v1/tenants/:tenantId/statements": (world) => [
    ...operatorOnly("GET", (party) => `/tenants/${party.tenantId}/statements`)(world),
    operatorReads("one tenant's months", `/tenants/${world.intruder.tenantId}/statements`),
  ],
  "GET /admin/v1/tenants/:tenantId/statements/:period": (world) => [
    ...operatorOnly("GET", (party) => `/tenants/${party.tenantId}/statements/${month()}`)(world),
    operatorReads("one tenant's month", `/tenants/${world.intruder.tenantId}/statements/${month()}`),
  ],
  "GET /admin/v1/tenants/:tenantId/statements/:period/:file": (world) => [
    ...operatorOnly("GET", (party) => `/tenants/${party.tenantId}/statements/${month()}/events.csv`)(world),
    operatorReads("one tenant's events", `/tenants/${world.intruder.tenantId}/statements/${month()}/events.jsonl`),
  ],
  "GET /admin/v1/tenants/:tenantId/keys": (world) => [
    ...operatorOnly("GET", (party) => `/tenants/${party.tenantId}/keys`)(world),
    operatorReads("one tenant's keys", `/tenants/${world.intruder.tenantId}/keys?cursor=${cursorOf(world.victim)}`),
  ],
  "POST /admin/v1/tenants/:tenantId/keys": operatorOnly("POST", (party) => `/tenants/${party.tenantId}/keys`, {
    mode: "live",
  }),
  "PATCH /admin/v1/keys/:keyId": operatorOnly("PATCH", (party) => `/keys/${party.live.keyId}`, { limits: null }),
  "POST /admin/v1/keys/:keyId/rotate": operatorOnly("POST", (party) => `/keys/${party.live.keyId}/rotate`, {}),
  "POST /admin/v1/keys/:keyId/revoke": operatorOnly("POST", (party) => `/keys/${party.live.keyId}/revoke`, {}),
  "GET /admin/v1/tenants/:tenantId/adjustments": operatorOnly(
    "GET",
    (party) => `/tenants/${party.tenantId}/adjustments`,
  ),
  "POST /admin/v1/tenants/:tenantId/keys/:keyId/revoke-now": operatorOnly(
    "POST",
    (party) => `/tenants/${party.tenantId}/keys/${party.live.keyId}/revoke-now`,
    {},
  ),
  "POST /admin/v1/tenants/:tenantId/adjustments": (world) => [
    ...operatorOnly("POST", (party) => `/tenants/${party.tenantId}/adjustments`, adjustment("credito-1"))(world),
    {
      what: "another tenant's adjustment under the same id",
      path: `/admin/v1/tenants/${world.intruder.tenantId}/adjustments`,
      method: "POST",
      headers: OPERATOR,
      body: adjustment("credito-1"),
      statuses: [422],
    },
  ],
  "GET /admin/v1/lookups": (world) => [
    ...operatorOnly("GET", (party) => `/lookups?tenant=${party.tenantId}&reference=x`)(world),
    operatorReads(
      "one tenant's lookups",
      `/lookups?tenant=${world.intruder.tenantId}&reference=${world.victim.customerId}`,
    ),
  ],
  "POST /admin/v1/periods/:period/close": operatorOnly("POST", () => `/periods/2020-01/close`, {}),
  "GET /admin/v1/overview": operatorOnly("GET", () => "/overview"),
  "GET /admin/v1/health": operatorOnly("GET", () => "/health"),
  "POST /admin/v1/ledger/rebuild": operatorOnly("POST", () => "/ledger/rebuild", {}),
  "GET /admin/v1/tenants/:tenantId/ledger/verify": operatorOnly(
    "GET",
    ({ tenantId }) => `/tenants/${tenantId}/ledger/verify`,
  ),
  "POST /admin/v1/tenants/:tenantId/ledger/restore": operatorOnly(
    "POST",
    ({ tenantId }) => `/tenants/${tenantId}/ledger/restore`,
  ),
  "POST /admin/v1/export-keys/:kid/revoke": operatorOnly("POST", () => "/export-keys/nobody/revoke"),
  "GET /admin/v1/periods/:periodFile": operatorOnly("GET", () => "/periods/2020-01"),
  "PUT /admin/v1/upstream-prices/:period": operatorOnly("PUT", () => "/upstream-prices/2020-01", {
    tiers: [{ upTo: null, unitPriceMicros: 1 }],
  }),
  "POST /admin/v1/reconciliations/:reconciliationId": operatorOnly("POST", () => `/reconciliations/${RECONCILIATION}`),
  "GET /admin/v1/reconciliations/:reconciliationId": operatorOnly("GET", () => `/reconciliations/${RECONCILIATION}`),
  "GET /admin/v1/reconciliations/:reconciliationId/:differencesFile": operatorOnly(
    "GET",
    () => `/reconciliations/${RECONCILIATION}/differences.csv`,
  ),
  "GET /admin/v1/reconciliations": operatorOnly("GET", () => "/reconciliations"),
  "POST /admin/v1/reconciliations": operatorOnly("POST", () => `/reconciliations?period=${month()}`, "x"),
  "GET /admin/v1/audit": operatorOnly("GET", () => "/audit"),
  "GET /admin/v1/audit.jsonl": operatorOnly("GET", () => "/audit.jsonl"),
  "GET /admin/v1/audit/heads": operatorOnly("GET", () => "/audit/heads"),
  "POST /admin/v1/tenants/:tenantId/portal-links": operatorOnly(
    "POST",
    ({ tenantId }) => `/tenants/${tenantId}/portal-links`,
    {},
  ),
  "POST /admin/v1/tenants/:tenantId/portal-links/revoke": operatorOnly(
    "POST",
    ({ tenantId }) => `/tenants/${tenantId}/portal-links/revoke`,
    {},
  ),
  "GET /admin/v1/operators": operatorOnly("GET", () => "/operators"),
  "POST /admin/v1/operators": operatorOnly("POST", () => "/operators", { name: "x", roles: ["admin"] }),
  "PATCH /admin/v1/operators/:operatorId": operatorOnly("PATCH", () => "/operators/csg_op_0000000000", {
    roles: ["admin"],
  }),
  "POST /admin/v1/operators/:operatorId/revoke": operatorOnly("POST", () => "/operators/csg_op_0000000000/revoke", {}),
  "POST /admin/v1/subjects/access": operatorOnly("POST", () => "/subjects/access", { cpf: CPF, reason: "x" }),
  "POST /admin/v1/subjects/restrictions": operatorOnly("POST", () => "/subjects/restrictions", {
    cpf: CPF,
    reason: "x",
  }),
  "GET /admin/v1/subjects/restrictions": operatorOnly("GET", () => "/subjects/restrictions"),
  "DELETE /admin/v1/subjects/restrictions/:restrictionId": operatorOnly(
    "DELETE",
    () => "/subjects/restrictions/rst_0123456789abcdef0123",
  ),
  "GET /admin/v1/privacy/references": operatorOnly("GET", () => "/privacy/references"),
};

const OPERATOR = { authorization: "Bearer test-admin-token-0123456789-abcdef" };

/** Whatever a tenant holds, it opens nothing of the operator's: neither on the victim nor on itself. */
function operatorOnly(method: string, pathOf: (party: Party) => string, body?: unknown): (world: World) => Attempt[] {
  return ({ victim, intruder }) =>
    [victim, intruder].flatMap((target) =>
      Object.entries({
        "a live key": bearer(intruder.live.key),
        "a test key": bearer(intruder.test.key),
        "a live key as x-api-key": { "x-api-key": intruder.live.key },
        "a token": bearer(intruder.live.token),
        "a token for an assertion of Access": { "cf-access-jwt-assertion": intruder.live.token },
        nothing: {},
      }).map(([what, headers]) => ({
        what: `${what}, on ${target === victim ? "the victim" : "itself"}`,
        path: `/admin/v1${pathOf(target)}`,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        statuses: [401],
      })),
    );
}

function operatorReads(what: string, path: string): Attempt {
  return { what, path: `/admin/v1${path}`, method: "GET", headers: OPERATOR, statuses: [200, 400] };
}

/** A tenant's reading with the victim's ids wherever they can be put. */
function reading(path: string, { victim, intruder }: World): Attempt[] {
  const query = `tenantId=${victim.tenantId}&tenant=${victim.tenantId}&keyId=${victim.live.keyId}`;
  return [
    read("one's own", path, intruder.live.key, [200]),
    read("the victim in the query", `${path}?${query}`, intruder.live.key, [400]),
    {
      ...read("the victim in headers", path, intruder.live.key, [200]),
      headers: { ...bearer(intruder.live.key), ...smuggle(victim) },
    },
    read("the victim's key id for a key", path, victim.live.keyId, [401]),
    read("the victim's key id, one's own secret", path, mixedKey(victim, intruder), [401]),
    read("an issued token", path, intruder.live.token, [401]),
  ];
}

function read(what: string, path: string, credential: string, statuses: readonly number[]): Attempt {
  return { what, path, method: "GET", headers: bearer(credential), statuses };
}

function bearer(credential: string): Record<string, string> {
  return { authorization: `Bearer ${credential}` };
}

function key(party: Party, idempotencyKey?: string): Record<string, string> {
  return { ...bearer(party.live.key), ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }) };
}

function smuggle(victim: Party): Record<string, string> {
  const { tenantId, customerId } = victim;
  return {
    "x-customerid": customerId,
    "x-tenant-id": tenantId,
    "x-key-id": victim.live.keyId,
    cookie: `tenant=${tenantId}`,
  };
}

function ids(victim: Party): Record<string, string> {
  return { tenantId: victim.tenantId, customerId: victim.customerId };
}

function secretOf({ keyId, key: text }: Party["live"]): string {
  return text.slice(keyId.length + 1);
}

function mixedKey(victim: Party, intruder: Party): string {
  return `${victim.live.keyId}_${secretOf(intruder.live)}`;
}

/** The token with the victim in its claims, under its old signature. */
function rewritten(token: string, victim: Party): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
  const changed = { ...claims, tenantId: victim.tenantId, sub: victim.live.keyId };
  return `${header}.${btoa(JSON.stringify(changed)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_")}.${signature}`;
}

function cursorOf(victim: Party): string {
  return encodeURIComponent(btoa(JSON.stringify([0, victim.tenantId])));
}

function adjustment(id: string) {
  return { id, units: 0, amount: "-5.00", reason: "outro" };
}
