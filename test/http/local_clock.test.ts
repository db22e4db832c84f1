import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import { rehearse } from "../../src/platform/rehearsal.ts";
import { ADMIN_TOKEN, adminJson, lookup, newTenant, sandbox } from "../support/gateway.ts";

const DAY_MS = 86_400_000;
const HEADERS = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };

afterEach(() => {
  rehearse(null);
});

async function move(
  offsetMs: unknown,
  { host = "127.0.0.1", headers = HEADERS, local = true } = {},
): Promise<Response> {
  const request = new Request(`http://${host}/admin/v1/local-clock`, {
    method: "POST",
    headers,
    body: JSON.stringify({ offsetMs }),
  });
  const context = {
    waitUntil: () => undefined,
    passThroughOnException: () => undefined,
    props: {},
  } as unknown as ExecutionContext;
  return await app.fetch(request, { ...env, LOCAL: String(local) }, context);
}

describe("the clock of a gateway on one's own machine", () => {
  test("is moved for objects and Worker alike, and live lookups ask nobody meanwhile", async () => {
    const tenant = await newTenant();
    await sandbox("reset");
    expect((await move(40 * DAY_MS)).status).toBe(200);
    expect((await lookup(tenant.key, "52998224725")).status).toBe(200);
    const { to, totals } = await adminJson<{ to: string; totals: { delivered: number } }>(
      `/tenants/${tenant.tenantId}/usage`,
    );
    expect([new Date(to).getTime() > Date.now() + 9 * DAY_MS, totals.delivered]).toEqual([true, 1]);
    expect(await sandbox("counts")).toMatchObject({ scoreCalls: 0, tokenCalls: 0 });
    expect((await move(null)).status).toBe(200);
    const now = await adminJson<{ totals: { delivered: number } }>(`/tenants/${tenant.tenantId}/usage`);
    expect(now.totals.delivered).toBe(0);
  });

  test("is nobody else's to move", async () => {
    expect((await move(1, { local: false })).status).toBe(404);
    expect((await move(1, { headers: { ...HEADERS, authorization: "Bearer x" } })).status).toBe(401);
    expect((await move(1, { host: "gateway.example" })).status).toBe(500);
    expect((await move("soon")).status).toBe(400);
    expect((await move(1e15)).status).toBe(400);
  });
});
