import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { previousPeriod, periodOf } from "../../src/domain/period.ts";
import { ROLES, type Role } from "../../src/domain/roles.ts";
import { CONSOLE } from "../../src/pages/console/console.ts";
import { countedEnv } from "../support/counted_env.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { adminJson, ADMIN_TOKEN, call, ledgerOf, lookup, newTenant, type TestTenant } from "../support/gateway.ts";
import { Visit } from "./visit.ts";

const CPF = "52998224725";
/** Every page that somebody has to be signed in for. */
const PAGES = CONSOLE.pages.flatMap((page) => {
  const { access, method, path, form } = page;
  return access.for === "operator" ? [{ name: `${method} ${path}`, method, path, role: access.role, form }] : [];
});

let tenant: TestTenant;
let lookupId: string;
const visits: Partial<Record<Role, Visit>> = {};

beforeAll(async () => {
  tenant = await newTenant();
  const answer = await lookup(tenant.key, CPF);
  lookupId = (await answer.json<{ id: string }>()).id;
  for (const role of ROLES) {
    const { token } = await adminJson<{ token: string }>("/operators", {
      body: { name: `Ana ${role}`, roles: [role] },
    });
    const visit = new Visit();
    const { status } = await visit.signIn("console", token);
    if (status !== 303) throw new Error(`${role} was not let in: ${status}`);
    visits[role] = visit;
  }
});

function visitOf(role: Role): Visit {
  const visit = visits[role];
  if (visit === undefined) throw new Error(`nobody is signed in as ${role}`);
  return visit;
}

function fill(path: string): string {
  const values: Record<string, string> = {
    tenantId: tenant.tenantId,
    keyId: tenant.keyId,
    operatorId: "csg_op_0000000000",
    period: periodOf(Date.now()),
    periodFile: `${previousPeriod(periodOf(Date.now()))}.csv`,
    file: "events.csv",
    reconciliationId: "rec_0123456789abcdef0123",
    differencesFile: "differences.csv",
    lookupId,
    restrictionId: "rst_0123456789abcdef0123",
  };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? "");
}

describe("a page of the console", () => {
  test("is each one of them", () => {
    expect(PAGES.length).toBeGreaterThan(40);
  });

  test.each(PAGES)("$name lets nobody in who is not signed in", async ({ method, path }) => {
    const visit = new Visit();
    const response = method === "GET" ? await visit.get(fill(path)) : await visit.post(fill(path));
    expect([response.status, response.headers.get("location")?.split("?")[0]]).toEqual([303, "/console/sign-in"]);
    const partner = new Visit();
    await partner.signIn("portal", tenant.key);
    expect((await partner.get(fill(path))).headers.get("location")?.split("?")[0]).toBe("/console/sign-in");
  });

  test.each(PAGES.filter(({ role }) => role !== "read"))(
    "$name refuses an operator who lacks the role, and names it",
    async ({ method, path, role, form }) => {
      const visit = visitOf(role === "privacy" ? "finance" : "privacy");
      const upload = form === "upload";
      const response =
        method === "GET"
          ? await visit.get(fill(path))
          : await (upload ? sendFile(visit, fill(path)) : visit.post(fill(path)));
      expect(response.status).toBe(403);
      expect(await response.text()).toContain(role);
    },
  );

  test.each(
    PAGES.filter(
      ({ method, path }) => method === "GET" && !/reconciliationId|operatorId|:file|periodFile|jsonl/.test(path),
    ),
  )("$name is whole in both languages, and tells no CPF and no key", async ({ path }) => {
    const visit = visitOf("admin");
    for (const language of ["pt-BR", "en"]) {
      visit.cookies.set("language", language);
      const response = await visit.get(fill(path));
      expect(response.status).toBe(200);
      const text = await response.text();
      expect(text).toContain(`<html lang="${language}"`);
      expect(text).not.toMatch(/undefined|NaN|\[object|<script>|\sstyle=|\son\w+=/);
      expect(text).not.toContain(CPF);
      expect(text).not.toContain(tenant.key);
      expect(response.headers.get("cache-control")).toBe("no-store");
      const policy = response.headers.get("content-security-policy") ?? "";
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ]) {
        expect(policy).toContain(part);
      }
      expect(policy).not.toContain("unsafe");
    }
  });

  test("offers nobody what they may not do", async () => {
    const page = async (role: Role, path: string) => await (await visitOf(role).get(path)).text();
    const home = `/console/tenants/${tenant.tenantId}`;
    expect(await page("read", home)).not.toContain(`${home}/suspend`);
    expect(await page("operate", home)).toContain(`${home}/suspend`);
    expect(await page("operate", `${home}/adjustments`)).not.toContain('name="amount"');
    expect(await page("finance", `${home}/adjustments`)).toContain('name="amount"');
    expect(await page("finance", "/console")).not.toContain("/console/operators");
    expect(await page("admin", "/console")).toContain("/console/operators");
  });

  test("counts what an operator may from one page to the next", async () => {
    const { id, token } = await adminJson<{ id: string; token: string }>("/operators", {
      body: { name: "Ana", roles: ["admin"] },
    });
    const visit = new Visit();
    await visit.signIn("console", token);
    expect((await visit.get("/console/operators")).status).toBe(200);
    const admin = visitOf("admin");
    const set = await admin.post(`/console/operators/${id}/roles`, { "roles.read": "yes" });
    expect(set.headers.get("location")).toBe("/console/operators?done=roles-saved");
    expect((await visit.get("/console/operators")).status).toBe(403);
    expect((await visit.post(`/console/operators/${id}/roles`, { "roles.admin": "yes" })).status).toBe(403);
    expect((await admin.post(`/console/operators/${id}/roles`)).status).toBe(422);
    expect((await visit.get("/console/tenants")).status).toBe(200);
  });
});

async function sendFile(visit: Visit, path: string, text = "x"): Promise<Response> {
  const body = new FormData();
  body.append("token", await visit.token("/console"));
  body.append("report", new File([text], "report.csv", { type: "text/csv" }));
  return await visit.send(path, body);
}

test("the page of a month shows each tenant of a running one, with what D1 has counted of it", async () => {
  await ledgerOf(tenant.tenantId, "live").flush();
  const text = await (await visitOf("read").get(`/console/months/${periodOf(Date.now())}`)).text();
  const row = text.split("<tr>").find((one) => one.includes(`/console/tenants/${tenant.tenantId}`)) ?? "";
  expect(row.replaceAll(/<[^>]*>|\s+/g, " ")).toMatch(/em andamento +1 +R\$/);
});

test("the page of health names D1's last migration", async () => {
  const newest = await env.DB.prepare("SELECT max(name) FROM d1_migrations").first<string>("max(name)");
  const text = await (await visitOf("read").get("/console/health")).text();
  expect(text).toContain(`<code>${newest?.replace(".sql", "") ?? ""}</code>`);
});

test("the page of health says of a token of Claro's that has ended that the next lookup asks for another", async () => {
  const tokenOf = async (visit: Visit) => {
    await visit.signIn("console", ADMIN_TOKEN);
    visit.cookies.set("language", "en");
    const text = (await (await visit.get("/console/health")).text()).replaceAll(/<[^>]*>|\s+/g, " ");
    return /token ((?:good until|ended at).*?) D1/.exec(text.replaceAll(/ +/g, " "))?.[1]?.trim();
  };
  const time = String.raw`\d\d/\d\d/\d{4}, \d\d:\d\d:\d\d`;
  expect(await tokenOf(new Visit())).toMatch(new RegExp(`^good until ${time}$`));
  const tomorrow = disturbedGateway({ LOCAL: "true", CLOCK_OFFSET_MS: "86400000" });
  expect(await tokenOf(new Visit({}, tomorrow.call))).toMatch(
    new RegExp(`^ended at ${time}; the next lookup asks for another$`),
  );
});

test("the page of health is silent on the ADMIN_TOKEN while its uses are not written down", async () => {
  const page = async () => await (await visitOf("read").get("/console/health")).text();
  expect(await page()).not.toContain("ADMIN_TOKEN");
  await adminJson("/operators", { body: { name: "Bia", email: "bia@example.com", roles: ["admin"] } });
  expect(await page()).toContain("ADMIN_TOKEN");
});

test("a page's foot names the request that it answers", async () => {
  const visit = visitOf("read");
  visit.cookies.set("language", "en");
  const response = await visit.get("/console/tenants");
  const foot = /<footer[^]*<\/footer>/.exec(await response.text())?.[0].replaceAll(/<[^>]*>|\s+/g, " ");
  expect(foot?.replaceAll(/ +/g, " ")).toContain(`Request id ${response.headers.get("x-request-id") ?? "none"}`);
});

describe("what is typed", () => {
  test.each(["529.982.247-25", "52998224725", "５２９９８２２４７２５"])(
    "as a CPF (%s) is refused and not shown again",
    async (cpf) => {
      const visit = visitOf("read");
      visit.cookies.set("language", "pt-BR");
      for (const [path, fields] of [
        ["/console/search", { text: cpf }],
        ["/console/lookups", { text: cpf, kind: "reference", tenant: tenant.tenantId }],
      ] as const) {
        const response = await visit.post(path, fields);
        const text = await response.text();
        expect(text).toContain("CPF");
        expect(text).not.toContain(cpf);
        expect(response.headers.get("location")).toBeNull();
      }
    },
  );

  test.each([
    ["/console/people/access", "reason", { cpf: "529.982.247-25" }],
    ["/console/people/restrictions", "why", { restricted: "529.982.247-25" }],
    ["/console/tenants", "name", {}],
    ["/console/operators", "name", {}],
  ])("as a CPF into a form of %s (%s) comes back empty", async (path, name, others) => {
    const response = await visitOf("admin").post(path, { ...others, [name]: "do CPF 529.982.247-25" });
    expect([response.status, (await response.text()).includes("529.982.247-25")]).toEqual([422, false]);
  });

  test.each([
    ["/console/tenants?q=529.982.247-25&page=2", "/console/tenants?page=2&wrong=cpf"],
    ["/console/audit?target=%EF%BC%95%EF%BC%92%EF%BC%99%EF%BC%99%EF%BC%98%EF%BC%9224725", "/console/audit?wrong=cpf"],
    ["/console/tenants/52998224725", "/console"],
    ["/console/tenants?q=529.982.247-26", null],
    // An id in which there is one by chance.
    ["/console/tenants/ten_52998224725abcdef012", null],
    ["/console/lookups?tenant=ten_52998224725abcdef012", null],
  ])("in the address %s leads to %s", async (path, to) => {
    const response = await visitOf("admin").get(path);
    expect([response.status === 303, response.headers.get("location")]).toEqual([to !== null, to]);
  });

  test("as markup is text", async () => {
    const visit = visitOf("admin");
    const evil = '<img src=x onerror="alert(1)">';
    for (const path of ["/console/search", "/console/lookups"]) {
      expect(
        await (await visit.post(path, { text: evil, kind: "reference", tenant: tenant.tenantId })).text(),
      ).not.toContain("<img src=x");
    }
    expect(await (await visit.get(`/console/tenants?q=${encodeURIComponent(evil)}`)).text()).not.toContain(
      "<img src=x",
    );
    expect(await (await visit.get(`/console/audit?actor=${encodeURIComponent(evil)}`)).text()).not.toContain(
      "<img src=x",
    );
  });

  test("finds a lookup by its reference, its request and its id", async () => {
    const visit = visitOf("read");
    const answer = await lookup(tenant.key, CPF, { "x-request-id": "pages-request-1" });
    const { id } = await answer.json<{ id: string }>();
    const found = await visit.post("/console/lookups", {
      text: "pages-request-1",
      kind: "requestId",
      tenant: tenant.tenantId,
    });
    expect(await found.text()).toContain(id);
    const byId = await visit.post("/console/search", { text: id });
    expect(await byId.text()).toContain(`/console/lookups/${id}`);
    const redirect = await visit.post("/console/lookups", { text: id });
    expect(redirect.headers.get("location")).toBe(`/console/lookups/${id}`);
  });
});

describe("the search for everything", () => {
  test("finds lookups by their request and their reference without a tenant, and goes on where there are days", async () => {
    const visit = visitOf("read");
    visit.cookies.set("language", "pt-BR");
    const answer = await call("/v1/scores", {
      headers: { authorization: `Bearer ${tenant.key}`, "x-request-id": "pages-anywhere-1" },
      body: { cpf: CPF, reference: "pedido-anywhere-1" },
    });
    const { id } = await answer.json<{ id: string }>();
    expect(await (await visit.post("/console/search", { text: "pages-anywhere-2" })).text()).not.toContain(id);
    // Its ledger brings it to the copy.
    await adminJson(`/lookups?tenant=${tenant.tenantId}&reference=pedido-anywhere-1`);
    for (const text of ["pages-anywhere-1", "pedido-anywhere-1"]) {
      const found = await (await visit.post("/console/search", { text })).text();
      expect(found, text).toContain(`href="/console/lookups/${id}"`);
      expect(found).toContain('action="/console/lookups"');
    }
    // Whoever pastes an id does not always say which it is.
    for (const text of ["pages-anywhere-1", "pedido-anywhere-1"])
      for (const kind of ["reference", "requestId"]) {
        const listed = await visit.post("/console/lookups", { text, kind, tenant: "" });
        expect(await listed.text(), `${text} as ${kind}`).toContain(`href="/console/lookups/${id}"`);
      }
  });
});

describe("an action", () => {
  test("gives a key limits and defaults of its own, shows them, and takes them back", async () => {
    const visit = visitOf("operate");
    visit.cookies.set("language", "pt-BR");
    const path = `/console/tenants/${tenant.tenantId}/keys/${tenant.keyId}`;
    const none = { daily: "", cap: "", rate: "", purpose: "", legalBasis: "" };
    const wrong = await visit.post(`${path}/terms`, { ...none, daily: "muitas" });
    expect(wrong.status).toBe(422);
    expect(await wrong.text()).toMatch(/value="muitas"[^>]*aria-invalid="true"/s);
    const limits = { daily: "500", cap: "1000,50", rate: "2,5", purpose: "collection", legalBasis: "contract" };
    const saved = await visit.post(`${path}/terms`, limits);
    expect(saved.headers.get("location")).toBe(`${path}?done=key-terms-saved`);
    const shown = await (await visit.get(path)).text();
    for (const text of ["R$\u00a01.000,50", "cobrança", "contrato", 'value="1000,50"']) expect(shown).toContain(text);
    const keyOf = async () => {
      const { data } = await adminJson<{ data: { id: string }[] }>(`/tenants/${tenant.tenantId}/keys`);
      return data.find(({ id }) => id === tenant.keyId);
    };
    expect(await keyOf()).toMatchObject({
      limits: { dailyLookups: 500, monthlySpendCapMicros: 1_000_500_000, ratePerSecond: 2.5 },
      defaults: { purpose: "collection", legalBasis: "contract" },
    });
    await visit.post(`${path}/terms`, none);
    expect(await keyOf()).toMatchObject({ limits: null, defaults: null });
  });

  test("makes a key with limits, and a tenant's fields mandatory", async () => {
    const visit = visitOf("operate");
    const other = await newTenant();
    const home = `/console/tenants/${other.tenantId}`;
    const made = await visit.post(`${home}/keys`, { mode: "live", "scopes.scores:read": "yes", daily: "1" });
    const [key = ""] = /csg_live_\w{10}_\w{32}/.exec(await made.text()) ?? [];
    expect((await lookup(key, CPF)).status).toBe(200);
    expect((await lookup(key, CPF)).status).toBe(429);
    const about = await adminJson<{ name: string; document: string; customerId: string }>(`/tenants/${other.tenantId}`);
    const { name, document, customerId } = about;
    const fields = { name, document, customerId, legalName: "", email: "", "requires.purpose": "yes" };
    expect((await visit.post(`${home}/edit`, fields)).headers.get("location")).toBe(`${home}?done=tenant-saved`);
    expect((await lookup(other.key, CPF)).status).toBe(400);
    expect(await (await visit.get(`${home}/edit`)).text()).toMatch(/name="requires.purpose" value="yes" checked/);
  });

  test("revokes a key in its ledger, though the register does not know it", async () => {
    const visit = visitOf("operate");
    const other = await newTenant();
    const home = `/console/tenants/${other.tenantId}`;
    await env.DB.prepare("DELETE FROM api_keys WHERE id = ?").bind(other.keyId).run();
    expect((await visit.post(`${home}/revoke-now`, { keyId: "csg_live_x" })).status).toBe(404);
    expect((await lookup(other.key, CPF)).status).toBe(200);
    expect(await (await visit.get(home)).text()).toContain(`action="${home}/revoke-now"`);
    const revoked = await visit.post(`${home}/revoke-now`, { keyId: other.keyId });
    expect(revoked.headers.get("location")).toBe(`${home}?done=key-revoked`);
    expect((await lookup(other.key, CPF)).status).toBe(401);
  });

  test("is the API's own: another tenant's key is not found below this one", async () => {
    const other = await newTenant();
    const visit = visitOf("operate");
    const path = `/console/tenants/${tenant.tenantId}/keys/${other.keyId}`;
    expect((await visit.get(path)).status).toBe(404);
    expect((await visit.post(`${path}/revoke`)).status).toBe(404);
    expect((await visit.post(`${path}/rotate`)).status).toBe(404);
    expect((await lookup(other.key, CPF)).status).toBe(200);
  });

  test("has the operator's name in its menu, also of who has no e-mail", async () => {
    const { name, token } = await adminJson<{ name: string; token: string }>("/operators", {
      body: { name: "Maria <Aparecida>", roles: ["read"] },
    });
    const visit = new Visit();
    await visit.signIn("console", token);
    const shown = await (await visit.get("/console/tenants")).text();
    expect(shown).toContain(`<summary aria-label="${name.replace("<", "&lt;").replace(">", "&gt;")}:`);
    expect(shown).not.toContain("csg_op_");
  });

  test("leaves the operator's name in the audit, and what changed on its page", async () => {
    const visit = visitOf("operate");
    visit.cookies.set("language", "pt-BR");
    const home = `/console/tenants/${tenant.tenantId}`;
    const suspended = await visit.post(`${home}/suspend`);
    expect(suspended.headers.get("location")).toBe(`${home}?done=tenant-saved`);
    expect(await (await visit.get(`${home}?done=tenant-saved`)).text()).toContain("Alterações salvas");
    await visit.post(`${home}/resume`);
    const audit = await (await visit.get(`/console/audit?tenant=${tenant.tenantId}&action=tenant`)).text();
    expect(audit).toContain("csg_op_");
    expect(audit).toContain("tenant.update");
    expect(audit).not.toContain("key.create");
  });

  test("of an adjustment is the same when its form is sent again", async () => {
    const visit = visitOf("finance");
    const path = `/console/tenants/${tenant.tenantId}/adjustments`;
    const fields = { id: "adj-pages-1", amount: "-0,10", units: "0", corrects: lookupId, reason: "Teste de ajuste" };
    for (let time = 0; time < 2; time += 1) {
      expect((await visit.post(path, fields)).headers.get("location")).toBe(`${path}?done=adjusted`);
    }
    const { data } = await adminJson<{ data: { id: string }[] }>(`/tenants/${tenant.tenantId}/adjustments`);
    expect(data.filter(({ id }) => id === "adj-pages-1").length).toBe(1);
    const wrong = await visit.post(path, { ...fields, id: "adj-pages-2", amount: "-99" });
    expect(wrong.status).toBe(422);
    expect(await wrong.text()).toContain("Teste de ajuste");
  });

  test("sends a report, and shows what differs with its explanation", async () => {
    const visit = visitOf("finance");
    visit.cookies.set("language", "pt-BR");
    const period = periodOf(Date.now());
    const empty = await sendFile(visit, `/console/months/${period}/reconcile`, "");
    expect(empty.status).toBe(400);
    const at = new Date().toISOString();
    const report = `transactionId,occurredAt,customerId,status\ntx-unknown-1,${at},nobody,200\n`;
    const sent = await sendFile(visit, `/console/months/${period}/reconcile`, report);
    const to = sent.headers.get("location") ?? (await sent.text());
    expect(to).toMatch(/^\/console\/reconciliations\/rec_/);
    const shown = await (await visit.get(to)).text();
    expect(shown).toContain("A Claro lista, nós não conhecemos.");
    expect(shown).toContain("tx-unknown-1");
  });

  test("shows a long comparison by pages of fifty, with Claro's price on both sides and the whole as a file", async () => {
    const visit = visitOf("finance");
    visit.cookies.set("language", "pt-BR");
    const period = periodOf(Date.now());
    const at = new Date().toISOString();
    const lines = Array.from({ length: 1060 }, (_, n) => `tx-long-${n},${at},nobody,200`);
    const report = ["transactionId,occurredAt,customerId,status", ...lines].join("\n");
    const sent = await sendFile(visit, `/console/months/${period}/reconcile`, report);
    let address: string | undefined = sent.headers.get("location") ?? "";
    const [folder] = [address];
    const seen: string[] = [];
    let pages = 0;
    for (; address !== undefined; pages += 1) {
      const shown = await (await visit.get(address)).text();
      const found = [...shown.matchAll(/tx-long-\d+/g)].map(([name]) => name);
      expect(found.length).toBeLessThanOrEqual(50);
      seen.push(...found);
      expect(shown).toContain("Custo na Claro");
      address = /rel="next" href="([^"]*)"/.exec(shown)?.[1]?.replaceAll("&amp;", "&");
    }
    expect([new Set(seen).size, seen.length, pages]).toEqual([1060, 1060, 22]);
    const file = await visit.get(`${folder}/differences.csv`);
    expect((await file.text()).match(/tx-long-/g)).toHaveLength(1060);
    expect((await visit.get(`${folder}?from=-5`)).status).toBe(200);
  });
});

describe("a person", () => {
  test("is found by CPF, which comes back masked, and every search is in the audit", async () => {
    const visit = visitOf("privacy");
    visit.cookies.set("language", "pt-BR");
    const found = await visit.post("/console/people/access", { cpf: "529.982.247-25", reason: "pedido 2026-118" });
    const text = await found.text();
    expect(found.status).toBe(200);
    expect(text).toContain("***.982.***-**");
    expect(text).toContain(lookupId);
    expect(text).not.toMatch(/529\.982\.247|52998224725/);
    const row = await env.DB.prepare(
      "SELECT actor, after FROM audit WHERE action = 'subject.access' ORDER BY n DESC LIMIT 1",
    ).first<{ actor: string; after: string }>();
    expect(row?.actor).toMatch(/^csg_op_/);
    expect(row?.after).toContain("pedido 2026-118");
    const wrong = await visit.post("/console/people/access", { cpf: "529.982.247-26", reason: "x" });
    expect(wrong.status).toBe(422);
    expect(await wrong.text()).not.toContain("529.982");
  });

  test("is restricted, for every tenant, until the restriction is ended", async () => {
    const visit = visitOf("privacy");
    const cpf = "11144477735";
    const made = await visit.post("/console/people/restrictions", { restricted: cpf, why: "oposição 2026-119" });
    expect(made.headers.get("location")).toBe("/console/people?done=restricted");
    expect((await lookup(tenant.key, cpf)).status).toBe(403);
    const page = await (await visit.get("/console/people")).text();
    expect(page).toContain("oposição 2026-119");
    expect(page).not.toContain(cpf);
    const [, path = ""] = /action="(\/console\/people\/restrictions\/rst_\w+\/end)"/.exec(page) ?? [];
    expect((await visit.post(path)).headers.get("location")).toBe("/console/people?done=unrestricted");
    expect((await lookup(tenant.key, cpf)).status).toBe(200);
  });
});

describe("files", () => {
  test("come as the API gives them, and leave the same line in the audit", async () => {
    const visit = visitOf("read");
    const period = periodOf(Date.now());
    const file = await visit.get(`/console/tenants/${tenant.tenantId}/statements/${period}/events.csv`);
    expect(file.status).toBe(200);
    expect(file.headers.get("content-type")).toContain("text/csv");
    const ours = await file.text();
    expect(ours).toContain(lookupId);
    const row = await env.DB.prepare(
      "SELECT actor, target FROM audit WHERE action = 'statement.read' ORDER BY n DESC LIMIT 1",
    ).first<{
      actor: string;
      target: string;
    }>();
    expect(row?.target).toBe(`${tenant.tenantId}/${period}/events.csv`);
    expect(row?.actor).toMatch(/^csg_op_/);
    const jsonl = await visit.get("/console/audit/audit.jsonl");
    expect(jsonl.status).toBe(200);
    expect((await jsonl.text()).split("\n")[0]).toContain('"hash"');
  });
});

test("the list of a thousand tenants costs as many calls as that of a few, and is sorted by its address", async () => {
  const visit = new Visit();
  await visit.signIn("console", ADMIN_TOKEN);
  visit.cookies.set("language", "pt-BR");
  // The first visit of an isolate reads what it then remembers.
  const isolate = countedEnv();
  await callsOfTenantList(isolate, visit);
  const withFew = await callsOfTenantList(isolate, visit);
  const plan = JSON.stringify({
    name: "pay-per-use",
    allowance: null,
    tiers: [{ upTo: null, unitPriceMicros: 1 }],
    ratePerSecond: 1,
    burst: 1,
    monthlySpendCapMicros: null,
  });
  await env.DB.prepare(
    `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     SELECT 'ten_many' || value, 'Parceiro ' || value, printf('%014d', value), 'c', ?1, 'active', value
     FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1000) SELECT value FROM n)`,
  )
    .bind(plan)
    .run();
  expect(await callsOfTenantList(isolate, visit)).toBe(withFew);
  expect(withFew).toBeLessThan(12);
  const first = await (await visit.get("/console/tenants?sort=-name")).text();
  expect(first).toContain("Parceiro 999");
  expect(first).not.toContain("Parceiro 101<");
  expect(first).toContain("page=2");
  const found = await (await visit.get("/console/tenants?q=Parceiro%20101")).text();
  expect(found).toContain("Parceiro 101<");
  expect(await (await visit.get("/console/tenants?sort=-name&page=2")).text()).toContain('rel="next"');
});

/** How often the list of tenants asks D1, R2 and objects. */
async function callsOfTenantList(isolate: ReturnType<typeof countedEnv>, visit: Visit): Promise<number> {
  const before = isolate.calls();
  const cookie = [...visit.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const page = await disturbedGateway({ ...isolate.env }).call("/console/tenants", { headers: { cookie } });
  expect(page.status).toBe(200);
  return isolate.calls() - before;
}
