import { beforeAll, describe, expect, test } from "vitest";
import { SCOPES } from "../../src/domain/api_key.ts";
import { PORTAL } from "../../src/pages/portal/portal.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";
import { parseCpf } from "../../src/domain/cpf.ts";
import { periodOf } from "../../src/domain/period.ts";
import { adminJson, call, ledgerOf, lookup, newKey, newTenant } from "../support/gateway.ts";
import { Visit } from "./visit.ts";

const CPF = "52998224725";
const MANY_READS = { plan: { readsPerMinute: 10_000 } };

type Party = {
  tenantId: string;
  name: string;
  keyId: string;
  key: string;
  testKeyId: string;
  lookupId: string;
  marks: string[];
};

async function lookUp(key: string, reference: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  const { id } = await (await call("/v1/scores", { headers, body: { cpf: CPF, reference } })).json<{ id: string }>();
  return id;
}

async function newParty(name: string): Promise<Party> {
  const tenant = await newTenant({ ...MANY_READS, key: { scopes: [...SCOPES], label: `${name}-live` } });
  await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name } });
  const test = await newKey(tenant.tenantId, { mode: "test", label: `${name}-test` });
  const headers = { authorization: `Bearer ${tenant.key}`, "x-request-id": `rq-${name}` };
  const body = { cpf: CPF, reference: `ref-${name}` };
  const { id } = await (await call("/v1/scores", { headers, body })).json<{ id: string }>();
  const marks = [tenant.tenantId, tenant.keyId, test.id, id, name, `${name}-live`, `ref-${name}`];
  return {
    tenantId: tenant.tenantId,
    name,
    keyId: tenant.keyId,
    key: tenant.key,
    testKeyId: test.id,
    lookupId: id,
    marks,
  };
}

let victim: Party;
let intruder: Party;
const visit = new Visit();

beforeAll(async () => {
  [victim, intruder] = [await newParty("padaria-aurora"), await newParty("loja-boreal")];
  await visit.signIn("portal", intruder.key);
});

const month = periodOf(Date.now());
const VIEWS = [
  "/portal",
  "/portal/try",
  "/portal/keys",
  "/portal/usage",
  "/portal/usage?by=key",
  "/portal/usage.csv",
  "/portal/usage.csv?by=key",
  "/portal/statements",
  `/portal/statements/${month}`,
  `/portal/statements/${month}/events.jsonl`,
  `/portal/statements/${month}/manifest.json`,
  "/portal/lookups",
  "/portal/integrate",
];

describe("the portal", () => {
  test.each(VIEWS)("%s shows the tenant's own, and no CPF, secret or cost of the operator's", async (path) => {
    for (const language of ["pt-BR", "en"]) {
      const response = await visit.get(path, { "accept-language": language });
      const text = await response.text();
      expect(response.status, text.slice(0, 400)).toBe(200);
      expect(victim.marks.filter((mark) => text.includes(mark))).toEqual([]);
      expect(text).not.toContain(intruder.key);
      expect(text).not.toMatch(/claroPossibleCost|margin/);
      expect((text.match(/\d{3}\.?\d{3}\.?\d{3}-?\d{2}/g) ?? []).filter((digits) => parseCpf(digits).ok)).toEqual([]);
    }
  });

  test("is all of its pages here: a page that is added is looked at by these tests", () => {
    const views = PORTAL.pages
      .filter(({ method, path }) => method === "GET" && !/sign-in|link/.test(path))
      .map(({ path }) => path);
    const seen = [
      ...new Set(
        VIEWS.map((path) =>
          path
            .replace(/\?.*/, "")
            .replace(month, ":period")
            .replace(/:period\/.+/, ":period/:file"),
        ),
      ),
    ];
    expect(views.toSorted()).toEqual(seen.toSorted());
  });

  test("never shows or changes another tenant's, whatever is put into its addresses and forms", async () => {
    const before = await adminJson(`/tenants/${victim.tenantId}/keys`);
    const stolen = `tenant=${victim.tenantId}&tenantId=${victim.tenantId}&keyId=${victim.keyId}`;
    for (const path of VIEWS) {
      const text = await (await visit.get(`${path}${path.includes("?") ? "&" : "?"}${stolen}`)).text();
      // The frame's links to another language lead back to the address as it was typed.
      const own = text.replaceAll(stolen, "").replaceAll(stolen.replaceAll("&", "&amp;"), "");
      expect([path, victim.marks.filter((mark) => own.includes(mark))]).toEqual([path, []]);
    }
    for (const text of [victim.lookupId, `rq-${victim.name}`, `ref-${victim.name}`]) {
      const found = await visit.get(`/portal/lookups?text=${text}`);
      expect(await found.text()).not.toContain(victim.keyId);
    }
    for (const keyId of [victim.keyId, victim.testKeyId]) {
      const rotated = await visit.post(`/portal/keys/${keyId}/rotate`, { overlap: "0" });
      const revoked = await visit.post(`/portal/keys/${keyId}/revoke`, { confirm: keyId.slice(-4) });
      expect([rotated.status, revoked.status]).toEqual([404, 404]);
    }
    for (const path of [victim.tenantId, `${month}/../../${victim.tenantId}`]) {
      expect((await visit.get(`/portal/statements/${path}`)).status).toBe(404);
    }
    expect(await adminJson(`/tenants/${victim.tenantId}/keys`)).toEqual(before);
  });

  test.each([
    ["usage:read", ["/portal/keys", "/portal/usage", "/portal/usage.csv", "/portal/lookups"]],
    [
      "statements:read",
      ["/portal/statements", `/portal/statements/${month}`, `/portal/statements/${month}/events.csv`],
    ],
  ])("offers and shows nothing that asks for %s to a key without it", async (scope, paths) => {
    const other = new Visit();
    const key = await newKey(intruder.tenantId, { mode: "live", scopes: SCOPES.filter((one) => one !== scope) });
    await other.signIn("portal", key.key);
    const home = await (await other.get("/portal")).text();
    for (const path of paths) {
      expect([path, (await other.get(path)).status]).toEqual([path, 403]);
      expect(home).not.toContain(`href="${path}"`);
    }
  });
});

describe("trying it", () => {
  test("answers each magic CPF as the API does, without showing it, and charges nothing", async () => {
    for (const { name, cpf } of MAGIC_CPFS.filter((magic) => magic.name !== "timeout" && magic.name !== "slow")) {
      const page = await (await visit.post("/portal/try", { magic: name })).text();
      const asTest = await newKeyed(intruder.tenantId);
      const answer = await lookup(asTest, cpf);
      expect([name, page.includes(`HTTP ${answer.status}`)]).toEqual([name, true]);
      expect(page).not.toContain(cpf);
    }
    const usage = await adminJson<{ totals: { requests: number } }>(`/tenants/${intruder.tenantId}/usage`);
    expect(usage.totals.requests).toBe(1);
  });

  test("masks a CPF that was typed, and shows one that is wrong nowhere", async () => {
    const page = await (await visit.post("/portal/try", { cpf: "529.982.247-25" })).text();
    expect(page).toContain("***.982.247-**");
    expect(page.match(/52998224725|529\.982\.247-25/)).toBeNull();
    const wrong = await visit.post("/portal/try", { cpf: "529.982.247-26" });
    expect(wrong.status).toBe(422);
    expect(await wrong.text()).not.toContain("529.982.247");
  });

  test("is not for a key that may not look up, nor for another tenant's test key", async () => {
    const reader = new Visit();
    const key = await newKey(intruder.tenantId, { mode: "live", scopes: ["usage:read"] });
    await reader.signIn("portal", key.key);
    expect((await reader.post("/portal/try", { magic: "score_0" })).status).toBe(403);
    const lonely = await newTenant();
    const without = new Visit();
    await without.signIn("portal", lonely.key);
    const page = await (await without.post("/portal/try", { magic: "score_0" })).text();
    expect(page).not.toContain("HTTP 200");
  });
});

test("a test key sees the statement of its mode in the portal, and no live event in it", async () => {
  const tenant = await newTenant({ ...MANY_READS });
  const live = await lookUp(tenant.key, "pedido-real");
  const tester = await newKey(tenant.tenantId, { mode: "test" });
  const tested = await lookUp(tester.key, "pedido-teste");
  const visit = new Visit();
  await visit.signIn("portal", tester.key);
  const list = await (await visit.get("/portal/statements")).text();
  expect(list).toContain(`/portal/statements/${month}`);
  expect((await visit.get(`/portal/statements/${month}`)).status).toBe(200);
  const events = await (await visit.get(`/portal/statements/${month}/events.jsonl`)).text();
  expect(events).toContain(tested);
  expect(events).not.toContain(live);
  expect((await visit.get("/portal/statements/2020-01")).status).toBe(404);
});

const testKeys = new Map<string, string>();
async function newKeyed(tenantId: string): Promise<string> {
  const known = testKeys.get(tenantId) ?? (await newKey(tenantId, { mode: "test" })).key;
  testKeys.set(tenantId, known);
  return known;
}

describe("keys in the portal", () => {
  test("are made with what was chosen, shown once, rotated and revoked", async () => {
    const made = await visit.post("/portal/keys", { label: "caixa 2", mode: "test", "scopes.scores:read": "yes" });
    const page = await made.text();
    const key = /csg_test_\w{10}_\w{32}/.exec(page)?.[0] ?? "";
    expect((await lookup(key, CPF)).status).toBe(200);
    const listed = await (await visit.get("/portal/keys")).text();
    expect([listed.includes("caixa 2"), listed.includes(key)]).toEqual([true, false]);
    const keyId = key.slice(0, 19);
    const wrong = await visit.post(`/portal/keys/${keyId}/revoke`, { confirm: "nope" });
    expect([wrong.status, (await lookup(key, CPF)).status]).toEqual([422, 200]);
    const rotated = await (await visit.post(`/portal/keys/${keyId}/rotate`, { overlap: "0" })).text();
    const next = /csg_test_\w{10}_\w{32}/.exec(rotated)?.[0] ?? "";
    expect([(await lookup(key, CPF)).status, (await lookup(next, CPF)).status]).toEqual([401, 200]);
    const revoked = await visit.post(`/portal/keys/${next.slice(0, 19)}/revoke`, { confirm: next.slice(15, 19) });
    expect([revoked.status, (await lookup(next, CPF)).status]).toEqual([303, 401]);
  });

  test.each([
    [{ mode: "test" }, "scopes"],
    [{ mode: "test", "scopes.scores:read": "yes", allowedIps: "everywhere" }, "allowedIps"],
    [{ mode: "test", "scopes.scores:read": "yes", expiresAt: "2020-01-01" }, "expiresAt"],
    [{ mode: "test", "scopes.scores:read": "yes", label: "529.982.247-25" }, "label"],
  ])("are refused for %j", async (fields, name) => {
    const response = await visit.post("/portal/keys", fields);
    expect(response.status).toBe(422);
    expect(await response.text()).toMatch(new RegExp(`name="${name}|fault`));
  });

  test("cannot be made by who lacks the scope, and never with rights beyond one's own", async () => {
    const reader = new Visit();
    const key = await newKey(intruder.tenantId, { mode: "live" });
    await reader.signIn("portal", key.key);
    expect((await reader.post("/portal/keys", { mode: "test", "scopes.scores:read": "yes" })).status).toBe(403);
    const narrow = await newKey(intruder.tenantId, { mode: "live", scopes: ["usage:read", "keys:manage"] });
    const manager = new Visit();
    await manager.signIn("portal", narrow.key);
    const response = await manager.post("/portal/keys", { mode: "live", "scopes.scores:read": "yes" });
    expect(response.status).toBe(422);
    expect(await response.text()).not.toMatch(/csg_live_\w{10}_\w{32}/);
  });
});

describe("usage and lookups in the portal", () => {
  test("agree with the API", async () => {
    const csv = await (await visit.get("/portal/usage.csv?by=key")).text();
    const usage = await call("/v1/usage", { headers: { authorization: `Bearer ${intruder.key}` } });
    const { keys } = await usage.json<{ keys: { keyId: string; requests: number; amount: string }[] }>();
    for (const { keyId, requests, amount } of keys) {
      expect(csv.split("\r\n").filter((line) => line.startsWith(keyId))).toEqual([
        `${keyId},loja-boreal-live,${requests},1,0,0,0,0,1,${amount}`,
      ]);
    }
  });

  test("find a lookup by each of its names, and never take a CPF into an address", async () => {
    for (const text of [intruder.lookupId, `rq-${intruder.name}`, `ref-${intruder.name}`]) {
      const sent = await visit.post("/portal/lookups", { text });
      const found = await visit.get(sent.headers.get("location") ?? "");
      expect(await found.text(), text).toContain(`<h2>${intruder.lookupId}</h2>`);
    }
    const refused = await visit.post("/portal/lookups", { text: "529.982.247-25" });
    expect(refused.headers.get("location")).toBe("/portal/lookups?wrong=cpf");
  });

  test("are refused for a range that the API refuses", async () => {
    expect((await visit.get("/portal/usage?from=2026-02-30")).status).toBe(400);
    expect((await visit.get("/portal/usage?from=2020-01-01&to=2026-01-01")).status).toBe(400);
  });

  test("show failures with what helps", async () => {
    const party = await newParty("com-falhas");
    const failed = MAGIC_CPFS.find(({ name }) => name === "failed")?.cpf;
    await lookup(party.key, failed);
    await ledgerOf(party.tenantId).flush();
    const other = new Visit();
    await other.signIn("portal", party.key);
    const page = await (await other.get("/portal", { "accept-language": "en" })).text();
    expect(page).toContain("/docs/errors#claro_failed");
    expect(page).toContain("It can be repeated");
  });
});
