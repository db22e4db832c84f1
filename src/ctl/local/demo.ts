import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

type Demo = { readonly tenantId: string; readonly testKey: string };

/**
 * A tenant with a test key, so that the first lookup is one paste away. Kept with the state that knows the key; `null` where it
 * is not there and nobody may make it.
 */
export async function ensureDemo(
  url: string,
  options: { adminToken: string | null; stateDir: string },
): Promise<Demo | null> {
  const file = join(options.stateDir, "demo.json");
  if (existsSync(file)) {
    const demo = JSON.parse(readFileSync(file, "utf8")) as Demo;
    const usage = await fetch(`${url}/v1/usage`, { headers: { authorization: `Bearer ${demo.testKey}` } });
    await usage.body?.cancel();
    if (usage.status !== 401) return demo;
  }
  if (options.adminToken === null) return null;
  const headers = { authorization: `Bearer ${options.adminToken}`, "content-type": "application/json" };
  const about = { name: "Demo", document: "DEM00000000124", customerId: "claro_exemplo", plan: "trial" };
  // Where the file with the key is gone, the tenant of an earlier start is still there.
  const tenant = { ...about, allowDuplicate: true };
  const { id: tenantId } = await post<{ id: string }>(`${url}/admin/v1/tenants`, headers, tenant);
  const newKey = { mode: "test", label: "demo" };
  const { key } = await post<{ key: string }>(`${url}/admin/v1/tenants/${tenantId}/keys`, headers, newKey);
  const demo = { tenantId, testKey: key };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(demo), { mode: 0o600 });
  return demo;
}

async function post<Answer>(url: string, headers: Record<string, string>, body: unknown): Promise<Answer> {
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}
