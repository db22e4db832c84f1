import { describe, expect, test } from "vitest";
import { call, lookup, newTenant, sandbox } from "../support/gateway.ts";

describe("POST /v1/scores", () => {
  test("gives the score that Claro gives, and meters it", async () => {
    const tenant = await newTenant();
    const response = await lookup(tenant.key, "529.982.247-25");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ score: 540, mode: "live", billed: true });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("ratelimit-policy")).toMatch(/^"rate";q=\d+;w=\d+/);
    const usage = await call("/v1/usage", { headers: { "x-api-key": tenant.key } });
    expect(await usage.json()).toMatchObject({ totals: { requests: 1, delivered: 1, billed: 1, amount: "0.1500" } });
  });

  test("is timed and never stored, also where nobody is known to call", async () => {
    const { key } = await newTenant();
    for (const [given, cpf] of [
      [key, "11144477735"],
      [key, "no cpf"],
      ["no key", "11144477735"],
    ] as const) {
      const response = await lookup(given, cpf);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("server-timing")).toMatch(/^auth;dur=\d+/);
    }
  });

  test("sends Claro the tenant's own customer id and nothing of the caller's headers", async () => {
    const tenant = await newTenant();
    await sandbox("reset");
    const smuggled = {
      "x-customerid": "evil",
      "x-client-auth": "Bearer evil",
      cookie: "a=evil",
      "x-forwarded-for": "evil",
    };
    expect((await lookup(tenant.key, "11144477735", smuggled)).status).toBe(200);
    const { entries } = await sandbox<{ entries: { customerId: string; headers: unknown }[] }>("journal");
    const scores = entries.filter((entry) => entry.customerId !== undefined);
    expect(scores.map((entry) => entry.customerId)).toEqual(["loja sao joao"]);
    expect(JSON.stringify(scores)).not.toContain("evil");
  });
});
