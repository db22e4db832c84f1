import { describe, expect, test } from "vitest";
import { issueToken, readIssuedToken } from "../../src/gateway/issued_token.ts";
import { tendReferenceKeys } from "../../src/gateway/reference_keys.ts";
import type { Services } from "../../src/platform/services.ts";
import { disturbedGateway, type Disturbance } from "../support/disturbed.ts";
import { adminJson, newTenant, sandbox, type TestTenant, testServices } from "../support/gateway.ts";

/** The steps of `docs/operations.md`, *Rotating a secret*: each is a deployment, and two of them run side by side. */
function stepsOf(name: string, before: string, after: string): readonly [string, Disturbance][] {
  const previous = `${name}_PREVIOUS`;
  return [
    ["as it was", { [name]: before }],
    ["1: the new one is known", { [name]: before, [previous]: after }],
    ["2: the new one is in use", { [name]: after, [previous]: before }],
    ["3: the old one is gone", { [name]: after }],
  ];
}

/** Gateways of neighbouring steps, which a request and its repeat may meet in either order. */
function neighbours(name: string, before: string, after: string): [string, Disturbance, Disturbance][] {
  const steps = stepsOf(name, before, after);
  return steps.slice(0, 2).flatMap(([what, vars], index) => {
    const [nextWhat, nextVars] = steps[index + 1] ?? ["", {}];
    return [
      [`${what}, then ${nextWhat}`, vars, nextVars],
      [`${nextWhat}, then ${what}`, nextVars, vars],
    ] as [string, Disturbance, Disturbance][];
  });
}

const NEW = "brand-new-secret-0123456789-abcdefghij";
const CPF = "52998224725";

function servicesWith(vars: Disturbance): Services {
  return testServices(disturbedGateway(vars).env);
}

async function ask(vars: Disturbance, tenant: TestTenant, key: string): Promise<Response> {
  return await disturbedGateway(vars).call("/v1/scores", {
    method: "POST",
    headers: { "x-api-key": tenant.key, "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify({ cpf: CPF }),
  });
}

async function billed(tenant: TestTenant): Promise<number> {
  const { totals } = await adminJson<{ totals: { billed: number } }>(`/tenants/${tenant.tenantId}/usage`);
  return totals.billed;
}

describe("rotating IDEMPOTENCY_SECRET", () => {
  const OLD = "test-idempotency-secret-0123456789";

  test.each(neighbours("IDEMPOTENCY_SECRET", OLD, NEW))(
    "a key is charged once, and replays: %s",
    async (_case, first, then) => {
      await sandbox("reset");
      const tenant = await newTenant();
      const answer = await ask(first, tenant, "order-1");
      expect(answer.status).toBe(200);
      const again = await ask(then, tenant, "order-1");
      expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
      expect(await again.text()).toBe(await answer.text());
      expect(await billed(tenant)).toBe(1);
    },
  );

  test("a key is in progress, and refused with another body, under either secret", async () => {
    await sandbox("reset");
    const [, [, known], [, inUse]] = stepsOf("IDEMPOTENCY_SECRET", OLD, NEW) as [
      unknown,
      [string, Disturbance],
      [string, Disturbance],
    ];
    const tenant = await newTenant();
    await sandbox("faults", [{ target: "score", kind: "delay", delayMs: 700, times: 1 }]);
    const first = ask(known, tenant, "order-2");
    await expect.poll(async () => (await sandbox<{ scoreCalls: number }>("counts")).scoreCalls).toBe(1);
    expect((await ask(inUse, tenant, "order-2")).status).toBe(409);
    expect((await first).status).toBe(200);
    const other = await disturbedGateway(inUse).call("/v1/scores", {
      method: "POST",
      headers: { "x-api-key": tenant.key, "content-type": "application/json", "idempotency-key": "order-2" },
      body: JSON.stringify({ cpf: "11144477735" }),
    });
    expect(other.status).toBe(422);
    expect(await billed(tenant)).toBe(1);
  });

  test("a key that was made with the new secret goes on when the old one is gone", async () => {
    const [, , [, inUse], [, done]] = stepsOf("IDEMPOTENCY_SECRET", OLD, NEW) as [
      unknown,
      unknown,
      [string, Disturbance],
      [string, Disturbance],
    ];
    const tenant = await newTenant();
    expect((await ask(inUse, tenant, "order-3")).status).toBe(200);
    expect((await ask(done, tenant, "order-3")).headers.get("idempotency-replayed")).toBe("true");
  });
});

test("a kept answer replays after its API key was rotated", async () => {
  const tenant = await newTenant();
  const first = await ask({}, tenant, "order-4");
  const { key } = await adminJson<{ key: string }>(`/keys/${tenant.keyId}/rotate`, { body: {} });
  const again = await ask({}, { ...tenant, key }, "order-4");
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
  expect(await again.text()).toBe(await first.text());
});

describe("rotating ACCESS_TOKEN_SECRET", () => {
  const OLD = "test-access-token-secret-0123456789";
  const CALLER = { tenantId: "ten_1", keyId: "csg_live_0123456789", mode: "live" } as const;

  test.each(neighbours("ACCESS_TOKEN_SECRET", OLD, NEW))(
    "a token works until it ends: %s",
    async (_case, first, then) => {
      const token = await issueToken(servicesWith(first), CALLER);
      expect(await readIssuedToken(servicesWith(then), token)).toEqual(CALLER);
      const later = { ...servicesWith(then), clock: { nowMs: () => Date.now() + 3_601_000 } };
      expect(await readIssuedToken(later, token)).toBeNull();
    },
  );

  test("a token of the old secret is nobody's when that is gone", async () => {
    const token = await issueToken(servicesWith({ ACCESS_TOKEN_SECRET: OLD }), CALLER);
    expect(await readIssuedToken(servicesWith({ ACCESS_TOKEN_SECRET: NEW }), token)).toBeNull();
  });
});

describe("rotating ADMIN_TOKEN", () => {
  const OLD = "test-admin-token-0123456789-abcdef";

  test.each(stepsOf("ADMIN_TOKEN", OLD, NEW))("%s: every token that is set comes in, no other", async (_step, vars) => {
    const given = vars as Record<string, unknown>;
    const set = new Set([given["ADMIN_TOKEN"], given["ADMIN_TOKEN_PREVIOUS"]]);
    for (const token of [OLD, NEW]) {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await disturbedGateway(vars).call("/admin/v1/tenants?limit=1", { headers });
      expect([token, status]).toEqual([token, set.has(token) ? 200 : 401]);
    }
  });
});

describe("rotating EXPORT_SIGNING_KEY", () => {
  const FIRST = "before";
  const jwk = (kid: string, x: string) =>
    JSON.stringify({ kty: "OKP", crv: "Ed25519", kid, x: x.repeat(43), d: "d".repeat(43) });

  test.each(stepsOf("EXPORT_SIGNING_KEY", jwk(FIRST, "a"), jwk("after", "b")))(
    "%s: what signs, signed or will sign is published, and never its private half",
    async (_step, vars) => {
      const response = await disturbedGateway(vars).call("/.well-known/claro-score-gateway/export-keys.json");
      const { keys } = await response.json<{ keys: { kid: string; d?: string }[] }>();
      const set = (Object.values(vars) as string[]).map((text) => (JSON.parse(text) as { kid: string }).kid);
      expect(keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining(set));
      expect(keys.every(({ d }) => d === undefined)).toBe(true);
    },
  );
});

describe("rotating CPF_HMAC_SECRET", () => {
  const OLD = "test-cpf-hmac-secret-0123456789-abcdef";

  test("the same CPF has the same reference at every step", async () => {
    const found: unknown[] = [];
    for (const [, vars] of stepsOf("CPF_HMAC_SECRET", OLD, NEW)) {
      const services = servicesWith(vars);
      found.push(await services.references.reference("2026", { tenantId: "ten_1", cpf: CPF }));
      // What the cron does in the five minutes after a deployment.
      await tendReferenceKeys(services);
    }
    expect(new Set(found.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(found[0]).toMatchObject({ ok: true });
    for (const [, vars] of stepsOf("CPF_HMAC_SECRET", NEW, OLD)) await tendReferenceKeys(servicesWith(vars));
  });
});
