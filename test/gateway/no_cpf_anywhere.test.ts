import { runInDurableObject } from "cloudflare:test";
import { env, tracing } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { archiveStatements } from "../../src/gateway/archive_statements.ts";
import worker from "../../src/main.ts";
import {
  ADMIN_TOKEN,
  admin,
  call,
  ledgerOf,
  lookup,
  newTenant,
  persons,
  sandbox,
  type TestTenant,
  testServices,
} from "../support/gateway.ts";
import { bundle, close, month, setClock } from "../support/months.ts";
import { disturbedGateway } from "../support/disturbed.ts";
import { claroLookup, tokenFor } from "../support/shapes.ts";
import { Visit } from "../pages/visit.ts";

const OCTOBER = month("2046-10");
const [CPF = "", RESTRICTED = "", TYPO_OF = ""] = persons(3, 60_000);
const ALL = [CPF, RESTRICTED, TYPO_OF];

/** What the gateway answered, and what it was given to keep. */
const seen: string[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(OCTOBER.startMs + 10 * 86_400_000);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const dotted = (cpf: string) => cpf.replace(/^(.{3})(.{3})(.{3})(.{2})$/, "$1.$2.$3-$4");
const wide = (cpf: string) => cpf.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));

/** A person's CPF as it could have been kept: in digits, whatever stands between them, encoded, or hashed without a key. */
async function needlesOf(cpf: string): Promise<string[]> {
  const utf8 = new TextEncoder();
  const hashes = await Promise.all(
    ["SHA-1", "SHA-256", "MD5"].flatMap((name) =>
      [cpf, dotted(cpf)].map(async (text) => new Uint8Array(await crypto.subtle.digest(name, utf8.encode(text)))),
    ),
  );
  const encoded = [cpf, dotted(cpf)].map((text) => utf8.encode(text));
  return [
    ...[...hashes, ...encoded].flatMap((bytes) => [bytes.toHex(), bytes.toBase64().replaceAll("=", "")]),
    encodeURIComponent(wide(cpf)),
  ].map((text) => text.toLowerCase());
}

/** A text without what people put between digits, and with the digits of every script as ASCII has them. */
function digitsTogether(text: string): string {
  return text
    .normalize("NFKC")
    .replaceAll(/(?<=\d)(?:[\s.,/_-]|\\u00a0|%20|%2e|%2d)+(?=\d)/giu, "")
    .toLowerCase();
}

async function findCpfs(text: string): Promise<string[]> {
  const plain = digitsTogether(text);
  const raw = text.toLowerCase();
  const found: string[] = [];
  for (const cpf of ALL) {
    if (plain.includes(cpf)) found.push(`${cpf} in digits`);
    for (const needle of await needlesOf(cpf)) if (raw.includes(needle)) found.push(`${cpf} as ${needle}`);
  }
  return found;
}

async function send(path: string, options: Parameters<typeof call>[1]): Promise<number> {
  const answer = await call(path, options);
  seen.push(JSON.stringify([...answer.headers]), await answer.text());
  return answer.status;
}

/** Every row of every table of an object, and what is packed in them. */
async function objectText(stub: DurableObjectStub): Promise<string> {
  const values = await runInDurableObject(stub, async (_object, state) => {
    const { sql } = state.storage;
    const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
    const rows = tables
      .filter(({ name }) => !name.startsWith("_cf_") && !name.startsWith("sqlite_"))
      .flatMap(({ name }) => sql.exec(`SELECT * FROM "${name}"`).toArray());
    const pairs = await state.storage.list();
    return [...rows.flatMap((row) => Object.values(row)), ...pairs.keys(), ...pairs.values()];
  });
  const texts = await Promise.all(values.map((value) => textsOf(value)));
  return texts.join("\n");
}

async function textsOf(value: unknown): Promise<string> {
  if (!(value instanceof ArrayBuffer) && !(value instanceof Uint8Array)) return JSON.stringify(value) ?? "";
  const bytes = new Uint8Array(value as ArrayBuffer);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const unpacked = isGzip ? new Response(bytes).body!.pipeThrough(new DecompressionStream("gzip")) : null;
  return `${bytes.toHex()} ${unpacked === null ? new TextDecoder().decode(bytes) : await new Response(unpacked).text()}`;
}

async function d1Text(): Promise<string> {
  const { results: tables } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
  ).all<{ name: string }>();
  const rows = await Promise.all(
    tables.map(async ({ name }) => [name, (await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results]),
  );
  return JSON.stringify(rows);
}

async function kvText(): Promise<string> {
  const { keys } = await env.KEYS.list();
  return JSON.stringify(await Promise.all(keys.map(async (key) => [key, await env.KEYS.get(key.name)])));
}

async function r2Text(): Promise<string> {
  const { objects } = await env.STATEMENTS.list({ include: ["customMetadata", "httpMetadata"] });
  const texts = await Promise.all(
    objects.map(async ({ key, customMetadata }) => {
      const object = await env.STATEMENTS.get(key);
      const bytes = await object!.arrayBuffer();
      return `${key} ${JSON.stringify(customMetadata)} ${await textsOf(bytes)}`;
    }),
  );
  return texts.join("\n");
}

test("the search itself finds a CPF in every spelling", async () => {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(CPF))).toHex();
  const spellings = [
    CPF,
    dotted(CPF),
    wide(CPF),
    CPF.split("").join(" "),
    btoa(CPF),
    hash,
    encodeURIComponent(wide(CPF)),
  ];
  for (const spelling of spellings) expect(await findCpfs(`x ${spelling} y`), spelling).not.toEqual([]);
  expect(await findCpfs(persons(5, 70_000).join(" "))).toEqual([]);
});

test("after every kind of traffic no store, file, log line or answer holds a CPF, in any spelling", async () => {
  const lines = vi.spyOn(console, "log").mockImplementation(() => {});
  const spans = watchSpans();
  const tenant = await newTenant();
  const trial = await newTenant({ mode: "test" });
  const headers = { authorization: `Bearer ${tenant.key}` };
  const score = (body: unknown, more: Record<string, string> = {}) =>
    send("/v1/scores", { headers: { ...headers, ...more }, body });

  for (const cpf of [CPF, dotted(CPF), Number(CPF)])
    expect(await score({ cpf, reference: "pedido-1", purpose: "collection" })).toBe(200);
  for (const repeat of [1, 2])
    expect([repeat, await score({ cpf: CPF }, { "idempotency-key": "one" })]).toEqual([repeat, 200]);
  expect((await lookup(trial.key, CPF)).status).toBe(200);
  const token = await tokenFor(tenant);
  expect((await claroLookup(token, { data: { customer: { idCpf: dotted(CPF) } } })).status).toBe(200);
  for (const status of [400, 500]) {
    await sandbox("faults", [{ target: "score", kind: "status", status }]);
    expect(await score({ cpf: CPF })).toBe(status === 400 ? 400 : 502);
  }
  await sandbox("reset");

  // Where a CPF has no place, and a caller puts one all the same.
  const misplaced = [dotted(CPF), CPF, wide(CPF)];
  for (const text of misplaced) {
    for (const name of ["reference", "consentId", "requestedBy", "cpf2"]) await score({ cpf: CPF, [name]: text });
    await send(`/v1/usage?from=${encodeURIComponent(text)}`, { headers });
    await send(`/v1/statements/${encodeURIComponent(text)}`, { headers });
    await send(`/admin/v1/tenants/${encodeURIComponent(text)}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    await adminAnswer(`/tenants/${tenant.tenantId}`, { name: text });
    await adminAnswer(`/tenants/${tenant.tenantId}/keys`, { mode: "live", label: text });
    await adminAnswer("/subjects/access", { cpf: CPF, reason: text });
    await adminAnswer("/subjects/restrictions", { cpf: CPF, reason: text });
  }
  for (const text of misplaced.slice(0, 2))
    await score({ cpf: CPF }, { "x-request-id": text, "idempotency-key": text });
  const typo = `${TYPO_OF.slice(0, 10)}${(Number(TYPO_OF[10]) + 1) % 10}`;
  await score({ cpf: typo });
  await score(`{"cpf": ${CPF}`, { "content-type": "application/json" });

  // What is there for persons.
  await adminAnswer("/subjects/access", { cpf: CPF, reason: "pedido 118" });
  await adminAnswer("/subjects/restrictions", { cpf: RESTRICTED, reason: "oposição" });
  expect(await score({ cpf: RESTRICTED })).toBe(403);
  await ledgerOf(tenant.tenantId).flush();
  const pages = await visitPages(tenant, trial, misplaced);
  const metrics = await metricsText();

  const openD1 = await d1Text();
  const openLedger = await objectText(ledgerOf(tenant.tenantId));

  setClock(OCTOBER.endMs + 3_600_000);
  await score({ cpf: CPF });
  expect(await close("2046-10")).toMatchObject({ status: "closed", failures: [] });
  await archiveStatements(testServices());
  await worker.scheduled?.({} as ScheduledController, env);

  const places = {
    "D1 while the month was open": openD1,
    "the live ledger while the month was open": openLedger,
    "the live ledger": await objectText(ledgerOf(tenant.tenantId)),
    "the test ledger": await objectText(ledgerOf(trial.tenantId, "test")),
    "the token object": await objectText(env.ACCESS_TOKEN.getByName("live")),
    "the breaker": await objectText(env.CLARO_BREAKER.getByName("claro")),
    D1: await d1Text(),
    KV: await kvText(),
    R2: await r2Text(),
    "the log": lines.mock.calls.flat().join("\n"),
    "the files": JSON.stringify(await bundle(tenant.tenantId, "2046-10")),
    "the answers": seen.join("\n"),
    "the pages of console and portal, with their cookies and addresses": pages,
    "the metrics": metrics,
    "the traces' spans": JSON.stringify(spans),
  };
  for (const [place, text] of Object.entries(places)) {
    if (place !== "the breaker") expect(text.length, place).toBeGreaterThan(50);
    expect([place, await findCpfs(text)]).toEqual([place, []]);
  }
  expect(spans.map(([name]) => name)).toContain("claro");
  expect(places.D1).toContain("page_sessions");
  // They hold what was kept: an empty search would find nothing too.
  expect(openD1).toContain("pedido-1");
  expect(openLedger).toMatch(/2046:[0-9a-f]{32}/);
  expect(places.R2).toContain("pedido-1");
});

async function adminAnswer(path: string, body: unknown): Promise<void> {
  const method = path.startsWith("/tenants/") && !path.endsWith("/keys") ? "PATCH" : "POST";
  const answer = await admin(path, { method, body });
  seen.push(await answer.text());
}

/** What an operator and two partners see and send: searches, forms and links, right ones and such as hold a CPF where none may be. */
async function visitPages(tenant: TestTenant, trial: TestTenant, misplaced: readonly string[]): Promise<string> {
  const shown: string[] = [];
  const keep = async (answer: Response): Promise<string> => {
    const text = await answer.text();
    shown.push(JSON.stringify([...answer.headers]), text);
    return text;
  };
  const operator = new Visit();
  await keep(await operator.signIn("console", ADMIN_TOKEN));
  const partner = new Visit();
  await keep(await partner.signIn("portal", tenant.key));
  const tester = new Visit();
  await keep(await tester.signIn("portal", trial.key));

  const person = await keep(await operator.post("/console/people/access", { cpf: dotted(CPF), reason: "pedido 118" }));
  expect(person).toContain("cobrança");
  const again = { restricted: RESTRICTED, why: "oposição 2", until: "2047-01-31" };
  await keep(await operator.post("/console/people/restrictions", again));
  await keep(await operator.post("/console/people/access", { cpf: `${TYPO_OF.slice(0, 10)}x`, reason: "" }));
  expect(await keep(await tester.post("/portal/try", { cpf: CPF }))).toMatch(/\b\d{1,4}\b/);
  for (const text of misplaced) {
    await keep(await operator.post("/console/search", { text }));
    await keep(await operator.post("/console/people/access", { cpf: CPF, reason: text }));
    await keep(await operator.post("/console/lookups", { text, tenant: tenant.tenantId }));
    await keep(await partner.post("/portal/lookups", { text }));
    const typed = encodeURIComponent(text);
    for (const [visitor, address] of [
      [operator, `/console/lookups?reference=${typed}`],
      [operator, `/console/tenants?q=${typed}&page=1`],
      [operator, `/console/audit?target=${typed}&lang=en`],
      [operator, `/console/tenants/${typed}`],
      [partner, `/portal/lookups?text=${typed}`],
      [partner, `/portal/usage?from=${typed}`],
      [new Visit(), `/console/tenants?q=${typed}`],
      [new Visit(), `/portal/sign-in?to=${encodeURIComponent(`/portal/lookups?text=${typed}`)}`],
    ] as const) {
      const answer = await visitor.get(address);
      await keep(answer);
      const location = answer.headers.get("location");
      if (location !== null) await keep(await visitor.get(location));
    }
  }
  const links = `/admin/v1/tenants/${tenant.tenantId}/portal-links`;
  const link = await call(links, { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const { url } = JSON.parse(await keep(link)) as { url: string };
  const invited = new Visit();
  const path = new URL(url).pathname;
  await keep(await invited.get(path));
  for (const each of ["/console", "/console/people", "/console/audit", "/console/lookups"]) {
    await keep(await operator.get(each));
  }
  for (const each of ["/portal", "/portal/lookups", "/portal/usage", "/portal/statements"]) {
    await keep(await partner.get(each));
  }
  const cookies = [operator, partner, tester, invited].map((visitor) => [...visitor.cookies]);
  return [...shown, JSON.stringify(cookies)].join("\n");
}

async function metricsText(): Promise<string> {
  const { call: ask } = disturbedGateway({ METRICS_ENABLED: "true" });
  const answer = await ask("/metrics", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(answer.status).toBe(200);
  return await answer.text();
}

/** Every span by its name, with what it is given beside. */
function watchSpans(): unknown[][] {
  const spans: unknown[][] = [];
  const enterSpan = tracing.enterSpan.bind(tracing) as (...given: unknown[]) => unknown;
  const watched = (...given: unknown[]): unknown => {
    spans.push(given.filter((each) => typeof each !== "function"));
    // A span's own attributes come through the first argument of its work.
    const work = (run: (span: Span) => unknown) => (span: Span) => {
      const setAttribute = span.setAttribute.bind(span);
      span.setAttribute = (...pair) => {
        spans.push(pair);
        setAttribute(...pair);
      };
      return run(span);
    };
    return enterSpan(...given.map((each) => (typeof each === "function" ? work(each as never) : each)));
  };
  vi.spyOn(tracing, "enterSpan").mockImplementation(watched);
  return spans;
}

type Span = { setAttribute: (key: string, value?: unknown) => void };
