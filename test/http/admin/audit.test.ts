import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { admin, adminJson, newTenant } from "../../support/gateway.ts";

type Entry = { n: number; at: string; actor: string; action: string; target: string; before: unknown; after: unknown };
type Page = { data: Entry[]; nextCursor: string | null };

describe("GET /admin/v1/audit", () => {
  test("tells who did what to what, with the values before and after, and no secret", async () => {
    const tenant = await newTenant();
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { status: "suspended" } });
    await adminJson(`/keys/${tenant.keyId}/revoke`, { body: {} });
    const { data } = await adminJson<Page>("/audit?limit=200");
    const ours = data.filter((entry) => [tenant.tenantId, tenant.keyId].includes(entry.target));
    expect(ours.map((entry) => entry.action)).toEqual(["tenant.create", "key.create", "tenant.update", "key.revoke"]);
    expect(ours[2]).toMatchObject({
      before: { status: "active" },
      after: { status: "suspended" },
      actor: "admin-token",
    });
    expect(JSON.stringify(data)).not.toContain(tenant.key.slice(-32));
    const { results } = await env.DB.prepare("SELECT secret_hash FROM api_keys").all<{ secret_hash: string }>();
    for (const { secret_hash: hash } of results) expect(JSON.stringify(data)).not.toContain(hash);
  });

  test("pages through all of it, each entry once, and goes on after a number", async () => {
    for (let made = 0; made < 3; made += 1) await newTenant();
    const all = (await adminJson<Page>("/audit?limit=200")).data;
    const seen: number[] = [];
    for (let cursor = ""; ;) {
      const page = await adminJson<Page>(`/audit?limit=2${cursor}`);
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data.map((entry) => entry.n));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
    expect(seen).toEqual(all.map((entry) => entry.n));
    const later = await adminJson<Page>(`/audit?after=${all.at(-3)?.n}`);
    expect(later.data).toEqual(all.slice(-2));
  });

  test.each(["after=x", "after=-1", "limit=0", "limit=201", "cursor=nonsense"])("refuses ?%s", async (query) => {
    expect((await admin(`/audit?${query}`)).status).toBe(400);
  });

  test("is append-only in SQL", async () => {
    await newTenant();
    const copied = "SELECT n, at, 'nobody', action, target FROM audit";
    const attempts = [
      "UPDATE audit SET actor = 'nobody'",
      "DELETE FROM audit",
      `REPLACE INTO audit (n, at, actor, action, target) ${copied}`,
      `INSERT INTO audit (n, at, actor, action, target) ${copied} WHERE true ON CONFLICT (n) DO UPDATE SET actor = 'nobody'`,
    ];
    for (const statement of attempts) await expect(env.DB.prepare(statement).run()).rejects.toThrow(/append-only/);
    expect(await env.DB.prepare("SELECT n FROM audit WHERE actor = 'nobody'").first()).toBeNull();
    expect((await adminJson<Page>("/audit")).data.length).toBeGreaterThan(0);
  });
});
