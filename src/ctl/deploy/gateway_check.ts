import { setTimeout as pause } from "node:timers/promises";
import { AdminApi } from "../api/admin_api.ts";
import { networkFailure } from "../api/network_failure.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import type { EnvironmentFile } from "./environment.ts";

/** One call of a deployed gateway: whether it went well, and which version says to have answered it. */
export type Probe = { readonly ok: boolean; readonly versionId: string | null; readonly reason: string };

/** A deployed gateway. `worker` names it where a call is for one of two versions. */
export type DeployedGateway = { readonly url: string; readonly worker: string };

/** A test key for a few minutes, and what ends it. */
export type CheckKey = { readonly key: string; readonly revoke: () => Promise<void> };

const CALL_TIMEOUT_MS = 20_000;
const REPEAT_PAUSE_MS = 1000;
/** Longer than a canary is watched. A key that a broken run leaves behind ends by itself. */
const KEY_MARGIN_SECONDS = 900;
/** The sandbox answers it with a score; it is nobody's. */
const SANDBOX_CPF = "529.982.247-25";
/** A made-up CNPJ with right check digits. */
const CHECK_DOCUMENT = "CHECK000000124";

/** `GET /healthz`, by one version where two answer. */
export async function probeHealth(gateway: DeployedGateway, versionId: string | null): Promise<Probe> {
  const { status, body, reason } = await callGateway(gateway, "/healthz", { versionId });
  const answeredBy = typeof body?.["versionId"] === "string" ? body["versionId"] : null;
  return { ok: status === 200 && body?.["status"] === "ok", versionId: answeredBy, reason };
}

/** A lookup that the sandbox answers. Which version answered it, the answer does not say. */
export async function probeLookup(gateway: DeployedGateway, versionId: string | null, key: string): Promise<Probe> {
  const request = { versionId, key, json: { cpf: SANDBOX_CPF } };
  const { status, body, reason } = await callGateway(gateway, "/v1/scores", request);
  return { ok: status === 200 && typeof body?.["score"] === "number", versionId, reason };
}

/** Waits until a version answers for itself. Throws what it said last, when it does not in time. */
export async function waitForVersion(gateway: DeployedGateway, versionId: string, waitSeconds: number): Promise<void> {
  await repeat(waitSeconds, async () => {
    const { ok, versionId: answeredBy, reason } = await probeHealth(gateway, null);
    if (!ok) throw new Error(reason);
    if (answeredBy !== versionId)
      throw new Error(`another version answers: ${answeredBy ?? "one that does not say which"}`);
  });
}

/** A test key of the tenant that is there for checks: it has no live key, and sandbox lookups cost nothing. */
export async function makeCheckKey(
  gateway: DeployedGateway,
  {
    adminToken,
    file,
    seconds,
    waitSeconds,
  }: { adminToken: string; file: EnvironmentFile; seconds: number; waitSeconds: number },
): Promise<CheckKey> {
  const api = new AdminApi({ url: gateway.url, adminToken, tokenHint: "Is ADMIN_TOKEN the deployed one?" });
  return await repeat(waitSeconds, async () => {
    const tenantId = file.record.checkTenantId ?? (await findCheckTenant(api)) ?? (await makeCheckTenant(api));
    file.update({ checkTenantId: tenantId });
    const expiresAt = new Date(Date.now() + (seconds + KEY_MARGIN_SECONDS) * 1000).toISOString();
    const made = { mode: "test", label: "deploy", expiresAt };
    const { id, key } = await api.post<{ id: string; key: string }>(`/tenants/${tenantId}/keys`, made);
    return { key, revoke: async () => void (await api.post(`/keys/${id}/revoke`)) };
  });
}

/** A sandbox lookup, repeated while a new key has not come to where the call arrives. */
export async function checkLookup(gateway: DeployedGateway, key: string, waitSeconds: number): Promise<void> {
  await repeat(waitSeconds, async () => {
    const { ok, reason } = await probeLookup(gateway, null, key);
    if (!ok) throw new Error(`a sandbox lookup: ${reason}`);
  });
}

async function findCheckTenant(api: AdminApi): Promise<string | null> {
  const { data } = await api.list<{ id: string; document: string }>("/tenants", { most: 10_000 });
  return data.find(({ document }) => document === CHECK_DOCUMENT)?.id ?? null;
}

async function makeCheckTenant(api: AdminApi): Promise<string> {
  const plan = { name: "pay-per-use", tiers: [{ upTo: null, unitPriceMicros: 0 }], monthlySpendCapMicros: 0 };
  const tenant = { name: "Deployment checks", document: CHECK_DOCUMENT, customerId: "deployment-checks", plan };
  const { id } = await api.post<{ id: string }>("/tenants", tenant);
  return id;
}

async function repeat<Value>(waitSeconds: number, work: () => Promise<Value>): Promise<Value> {
  const endsAt = Date.now() + waitSeconds * 1000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() + REPEAT_PAUSE_MS > endsAt) throw new CtlError(EXIT.refused, (error as Error).message);
    }
    await pause(REPEAT_PAUSE_MS);
  }
}

async function callGateway(
  gateway: DeployedGateway,
  path: string,
  { versionId, key, json }: { versionId: string | null; key?: string; json?: unknown },
): Promise<{ status: number; body: Record<string, unknown> | null; reason: string }> {
  const headers: Record<string, string> = {};
  if (versionId !== null) headers["cloudflare-workers-version-overrides"] = `${gateway.worker}="${versionId}"`;
  if (key !== undefined) headers["authorization"] = `Bearer ${key}`;
  if (json !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(`${gateway.url}${path}`, {
      method: json === undefined ? "GET" : "POST",
      headers,
      body: json === undefined ? null : JSON.stringify(json),
      redirect: "error",
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const body = (await response.json().catch(() => null)) as Record<string, unknown> | null;
    const code = typeof body?.["code"] === "string" ? ` ${body["code"]}` : "";
    return { status: response.status, body, reason: `${path} answered ${response.status}${code}` };
  } catch (error) {
    return { status: 0, body: null, reason: `${path} cannot be reached (${networkFailure(error).reason})` };
  }
}
