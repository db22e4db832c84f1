import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { app } from "../../src/app.ts";
import { ADMIN_TOKEN, admin, adminJson, call, ledgerOf, lookup, newTenant, testServices } from "../support/gateway.ts";
import {
  bundle,
  close,
  download,
  FILES,
  manifestOf,
  month,
  setClock,
  textOf,
  usageOf,
  verifyDownloaded,
} from "../support/months.ts";

const CPF = "529.982.247-25";
const HOUR_MS = 3_600_000;
const NOVEMBER = month("2046-11");
const DECEMBER = month("2046-12");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(NOVEMBER.startMs + 12 * HOUR_MS);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function tenantWithLookups(count: number) {
  const tenant = await newTenant();
  for (let made = 0; made < count; made += 1) {
    const answer = await lookup(tenant.key, CPF);
    expect(answer.status).toBe(200);
  }
  return tenant;
}

describe("closing a month", () => {
  test("freezes what the month held, signed, and the files never change", async () => {
    const tenant = await tenantWithLookups(3);
    const open = await bundle(tenant.tenantId, "2046-11");
    expect(JSON.parse(open["manifest.json"] ?? "")).toMatchObject({
      status: "open",
      closedAt: null,
      keyId: null,
      files: [],
    });

    setClock(NOVEMBER.endMs);
    const closing = await close("2046-11");
    expect(closing).toMatchObject({ httpStatus: 200, status: "closed", remaining: 0, failures: [] });
    const closed = await bundle(tenant.tenantId, "2046-11");
    for (const name of FILES) {
      // The document says whether it is final.
      if (name === "demonstrativo.html")
        expect([open[name], closed[name]]).toEqual(
          [/Prévia/, /Como conferir/].map((part) => expect.stringMatching(part)),
        );
      else expect(closed[name], name).toBe(open[name]);
    }
    expect(await verifyDownloaded(closed)).toEqual([]);
    expect(await manifestOf(tenant.tenantId, "2046-11")).toMatchObject({
      status: "closed",
      seq: { first: 1, last: 3, count: 3 },
      totals: { amount: "0.45", exactAmount: "0.4500" },
      closedAt: new Date(NOVEMBER.endMs).toISOString(),
      previousManifestSha256: null,
    });

    // A later event, a new label and a second closing change nothing of it.
    await lookup(tenant.key, CPF);
    await adminJson(`/tenants/${tenant.tenantId}`, { method: "PATCH", body: { name: "Outro nome" } });
    setClock(NOVEMBER.endMs + 48 * HOUR_MS);
    expect(await close("2046-11")).toMatchObject({ httpStatus: 200, status: "closed", closed: closing.closed });
    expect(await bundle(tenant.tenantId, "2046-11")).toEqual(closed);
  });

  test("is refused before the month's end, to the millisecond", async () => {
    await tenantWithLookups(1);
    setClock(NOVEMBER.endMs - 1);
    const early = await admin("/periods/2046-11/close", { method: "POST" });
    expect([early.status, (await early.json<{ code: string }>()).code]).toEqual([409, "period_open"]);
    expect((await admin("/periods/2046-13/close", { method: "POST" })).status).toBe(404);
    setClock(NOVEMBER.endMs);
    expect(await close("2046-11")).toMatchObject({ httpStatus: 200 });
  });

  test("an event is in the month of its millisecond", async () => {
    const tenant = await newTenant();
    for (const ms of [NOVEMBER.endMs - 1, NOVEMBER.endMs]) {
      setClock(ms);
      await lookup(tenant.key, CPF);
    }
    setClock(DECEMBER.endMs);
    await close("2046-12");
    const times = await Promise.all(
      ["2046-11", "2046-12"].map(async (period) => {
        const lines = (await download(tenant.tenantId, period, "events.jsonl")).trim().split("\n");
        return lines.map((line) => (JSON.parse(line) as { occurredAtSaoPaulo: string }).occurredAtSaoPaulo);
      }),
    );
    expect(times).toEqual([["2046-11-30T23:59:59.999-03:00"], ["2046-12-01T00:00:00.000-03:00"]]);
  });

  test("after it no event falls into the month, even when a clock jumps back", async () => {
    const tenant = await tenantWithLookups(1);
    setClock(NOVEMBER.endMs + HOUR_MS);
    await close("2046-11");
    const closed = await bundle(tenant.tenantId, "2046-11");
    setClock(NOVEMBER.endMs - HOUR_MS);
    await lookup(tenant.key, CPF);
    setClock(DECEMBER.endMs);
    await close("2046-12");
    expect(await bundle(tenant.tenantId, "2046-11")).toEqual(closed);
    expect((await manifestOf(tenant.tenantId, "2046-12")).seq).toEqual({ first: 2, last: 2, count: 1 });
  });

  test("a lookup in flight at the month's end is in the new month, settled or not", async () => {
    const tenant = await newTenant();
    setClock(NOVEMBER.endMs - 1);
    const intent = {
      keyId: tenant.keyId,
      scope: "scores:read",
      ip: null,
      reference: null,
      cpfReference: "v1:0",
      idempotency: null,
    } as const;
    const ledger = ledgerOf(tenant.tenantId);
    for (const lookupId of ["lkp_settled", "lkp_forgotten"]) await ledger.admit({ lookupId, ...intent });
    setClock(NOVEMBER.endMs);
    expect((await close("2046-11")).failures).toEqual([]);
    await ledger.settle({ lookupId: "lkp_settled", outcome: "delivered", transactionId: null, answer: null });
    setClock(NOVEMBER.endMs + HOUR_MS);
    expect(await manifestOf(tenant.tenantId, "2046-11")).toMatchObject({ seq: { count: 0 } });
    expect(await manifestOf(tenant.tenantId, "2046-12")).toMatchObject({
      counts: { delivered: 1, unknown: 1, billed: 1 },
    });
  });

  test("closes the months before it too, also those without an event, and each names the one before", async () => {
    const tenant = await tenantWithLookups(2);
    setClock(month("2047-01").startMs + 1);
    await lookup(tenant.key, CPF);
    setClock(month("2047-01").endMs);
    expect(await close("2047-01")).toMatchObject({ status: "closed", failures: [] });
    const months = ["2046-11", "2046-12", "2047-01"];
    const bundles = await Promise.all(months.map((period) => bundle(tenant.tenantId, period)));
    for (const [index, files] of bundles.entries()) {
      expect(await verifyDownloaded(files, bundles[index - 1]?.["manifest.json"])).toEqual([]);
    }
    expect((await manifestOf(tenant.tenantId, "2046-12")).seq).toEqual({ first: 3, last: 2, count: 0 });
    expect((await manifestOf(tenant.tenantId, "2047-01")).seq).toEqual({ first: 3, last: 3, count: 1 });
  });

  test("two at once make one version", async () => {
    const tenants = await Promise.all([tenantWithLookups(2), tenantWithLookups(1), tenantWithLookups(0)]);
    setClock(NOVEMBER.endMs);
    const closings = await Promise.all([close("2046-11"), close("2046-11"), close("2046-11")]);
    for (const closing of closings) expect(closing.failures).toEqual([]);
    expect((await close("2046-11")).status).toBe("closed");
    for (const { tenantId } of tenants) {
      expect(await verifyDownloaded(await bundle(tenantId, "2046-11"))).toEqual([]);
      const { objects } = await env.STATEMENTS.list({ prefix: `statements/${tenantId}/2046-11/` });
      expect(objects).toHaveLength(FILES.length + 2);
      const audit = await env.DB.prepare("SELECT actor FROM audit WHERE action = 'statement.close' AND target = ?")
        .bind(`${tenantId}/2046-11`)
        .all();
      expect(audit.results).toEqual([{ actor: "admin-token" }]);
    }
  });

  test("is signed by a key without which no month can be closed", async () => {
    const tenant = await tenantWithLookups(1);
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const { keys } = await (
      await call("/.well-known/claro-score-gateway/export-keys.json")
    ).json<{ keys: unknown[] }>();
    expect(keys).toEqual([
      {
        kty: "OKP",
        crv: "Ed25519",
        kid: "export-test",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        validFrom: expect.any(String),
        validUntil: null,
        revokedAt: null,
      },
    ]);
    expect((await manifestOf(tenant.tenantId, "2046-11")).keyId).toBe("export-test");

    const { EXPORT_SIGNING_KEY: _, ...others } = env;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const post = { method: "POST", headers };
    const without = await app.request(
      "https://gateway.test/admin/v1/periods/2046-11/close",
      post,
      others,
      createExecutionContext(),
    );
    expect(without.status).toBe(500);
    expect(await without.json()).toMatchObject({ code: "misconfigured", issues: [{ path: "EXPORT_SIGNING_KEY" }] });
    const list = `https://gateway.test/admin/v1/tenants/${tenant.tenantId}/statements`;
    expect((await app.request(list, { headers }, others, createExecutionContext())).status).toBe(200);
    // Another key under a name that is taken could never be told from the first.
    const x = "c3RyYW5nZXIgdGhhbiBmaWN0aW9uLCAzMiBieXRlcy4";
    const renamed = { ...env, EXPORT_SIGNING_KEY: JSON.stringify({ ...JSON.parse(env.EXPORT_SIGNING_KEY), x }) };
    const other = await app.request(
      "https://gateway.test/admin/v1/periods/2046-11/close",
      post,
      renamed,
      createExecutionContext(),
    );
    expect(other.status).toBe(500);
  });
});

describe("the files for people", () => {
  test("are served as what they are, open and closed, the document with its own policy", async () => {
    const tenant = await tenantWithLookups(1);
    const kinds: Record<string, string> = {
      "eventos.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      "demonstrativo.html": "text/html; charset=utf-8",
    };
    for (const status of ["open", "closed"]) {
      if (status === "closed") {
        setClock(NOVEMBER.endMs);
        await close("2046-11");
      }
      for (const [name, mediaType] of Object.entries(kinds)) {
        const { headers } = await admin(`/tenants/${tenant.tenantId}/statements/2046-11/${name}`);
        expect([headers.get("content-type"), headers.get("statement-status")]).toEqual([mediaType, status]);
        const policy = headers.get("content-security-policy");
        if (name === "demonstrativo.html") expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^';]+'/);
      }
    }
    const workbook = await download(tenant.tenantId, "2046-11", "eventos.xlsx");
    expect(workbook.slice(0, 4)).toBe("PK\u0003\u0004");
    const document = await download(tenant.tenantId, "2046-11", "demonstrativo.html");
    expect(document).toContain(`<strong>2046-11-${tenant.tenantId}</strong>`);
    expect(document).toContain("não informado");
  });

  test("are not there for a month that was closed before they were", async () => {
    const tenant = await tenantWithLookups(1);
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const closed = await manifestOf(tenant.tenantId, "2046-11");
    const files = closed.files.filter(({ name }) => name !== "eventos.xlsx" && name !== "demonstrativo.html");
    const sql = `INSERT INTO statements (tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256)
      SELECT tenant_id, '2046-10', closed_at, first_seq, last_seq, prefix, ?2, manifest_sha256 FROM statements WHERE tenant_id = ?1`;
    await env.DB.prepare(sql)
      .bind(tenant.tenantId, JSON.stringify({ ...closed, period: "2046-10", files }))
      .run();
    const statusOf = async (name: string) =>
      (await admin(`/tenants/${tenant.tenantId}/statements/2046-10/${name}`)).status;
    expect(await statusOf("eventos.xlsx")).toBe(404);
    expect(await statusOf("demonstrativo.html")).toBe(404);
    expect(await statusOf("events.csv")).toBe(200);
  });
});

test("a key that was disowned signs no more, and is listed as such", async () => {
  const kid = "export-stolen";
  const jwk = JSON.parse(env.EXPORT_SIGNING_KEY) as Record<string, string>;
  const stolen = { ...env, EXPORT_SIGNING_KEY: JSON.stringify({ ...jwk, kid }) };
  const made = testServices(stolen);
  const { exportKeys, settings } = made;
  const before = (await exportKeys.all()).find(({ kid: name }) => name === "export-test");
  if (settings.exportSigningKey === null) throw new Error("no key");
  expect(await exportKeys.use(settings.exportSigningKey, NOVEMBER.endMs)).toBe(true);
  // Its first use ends the one before; a key that was replaced signs no more either.
  expect((await exportKeys.all()).find(({ kid: name }) => name === "export-test")?.validUntilMs).toBe(
    before === undefined ? undefined : NOVEMBER.endMs,
  );
  expect(await adminJson(`/export-keys/${kid}/revoke`, { method: "POST" })).toMatchObject({
    kid,
    validUntil: new Date(NOVEMBER.startMs + 12 * HOUR_MS).toISOString(),
    revokedAt: new Date(NOVEMBER.startMs + 12 * HOUR_MS).toISOString(),
  });
  expect(await exportKeys.use(settings.exportSigningKey, NOVEMBER.endMs)).toBe(false);
  expect((await admin("/export-keys/nobody/revoke", { method: "POST" })).status).toBe(404);
  // For the tests after this one.
  for (const name of ["export-test", kid]) await env.STATEMENTS.delete(`export-keys/${name}.json`);
  await env.DB.prepare("DELETE FROM export_keys").run();
});

describe("closing while D1 fails", () => {
  const isEventRead = (sql: string) => sql.includes("SELECT first_seq, events FROM event_batches");
  const isFlush = (sql: string) => sql.includes("INSERT INTO event_batches");
  const isRecord = (sql: string) => sql.includes("INSERT INTO statements");

  test("at the flush closes the month all the same: the ledger has its events", async () => {
    const tenant = await tenantWithLookups(2);
    setClock(NOVEMBER.endMs);
    failD1(isFlush);
    expect((await close("2046-11")).failures).toEqual([]);
    vi.restoreAllMocks();
    const files = await bundle(tenant.tenantId, "2046-11");
    expect((files["events.jsonl"] ?? "").trim().split("\n")).toHaveLength(2);
    expect(await verifyDownloaded(files)).toEqual([]);
  });

  test("because it is full, R2 has the month; the row follows, and what is read is the same before and after", async () => {
    const tenant = await tenantWithLookups(2);
    setClock(NOVEMBER.endMs);
    // A full D1 takes no row, and gives what it has.
    failD1((sql) => /^\s*(?:INSERT|UPDATE)/.test(sql));
    expect(await close("2046-11")).toMatchObject({ httpStatus: 202, failures: [] });
    // The tenant's reading leaves no line in the audit, which could not be written now.
    const closed: Record<string, string> = {};
    for (const name of [...FILES, "manifest.json"]) {
      const file = await call(`/v1/statements/2046-11/${name}`, { headers: { "x-api-key": tenant.key } });
      closed[name] = name.endsWith(".xlsx")
        ? Array.from(new Uint8Array(await file.arrayBuffer()), (byte) => String.fromCharCode(byte)).join("")
        : await textOf(file);
    }
    expect(JSON.parse(closed["manifest.json"] ?? "")).toMatchObject({ status: "closed", seq: { count: 2 } });
    vi.restoreAllMocks();
    setClock(NOVEMBER.endMs + HOUR_MS);
    expect(await close("2046-11")).toMatchObject({ httpStatus: 200, remaining: 0 });
    expect(await bundle(tenant.tenantId, "2046-11")).toEqual(closed);
    expect(await verifyDownloaded(closed)).toEqual([]);
  });

  function failD1(isHit: (sql: string) => boolean): void {
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (isHit(sql)) throw new Error("D1_ERROR: Exceeded maximum DB size");
      return prepare(sql);
    });
  }

  test.each([["the reading of the events", isEventRead]])(
    "at %s closes nothing, and the next call does",
    async (_, isHit) => {
      const tenant = await tenantWithLookups(2);
      setClock(NOVEMBER.endMs);
      const prepare = env.DB.prepare.bind(env.DB);
      const failing = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
        if (isHit(sql)) throw new Error("D1_ERROR: Network connection lost");
        return prepare(sql);
      });
      const failed = await close("2046-11");
      expect(failed.httpStatus).toBe(202);
      expect(failed.failures).toContainEqual({
        tenantId: tenant.tenantId,
        period: "2046-11",
        reason: "unavailable",
        seq: null,
      });
      failing.mockRestore();
      expect((await manifestOf(tenant.tenantId, "2046-11")).status).toBe("open");
      expect(await close("2046-11")).toMatchObject({ httpStatus: 200, failures: [] });
      expect(await verifyDownloaded(await bundle(tenant.tenantId, "2046-11"))).toEqual([]);
    },
  );

  test.each([
    ["before", false],
    ["after", true],
  ])("%s the row was written: one version, whichever it was", async (_, isWritten) => {
    const tenant = await tenantWithLookups(2);
    setClock(NOVEMBER.endMs);
    const batch = env.DB.batch.bind(env.DB);
    const prepare = env.DB.prepare.bind(env.DB);
    let isRecording = false;
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      isRecording ||= isRecord(sql);
      return prepare(sql);
    });
    vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
      const isHit = isRecording;
      isRecording = false;
      if (isHit && !isWritten) throw new Error("D1_ERROR: Network connection lost");
      const results = await batch(statements);
      if (isHit) throw new Error("D1_ERROR: Network connection lost");
      return results;
    });
    const first = await close("2046-11");
    expect(first.remaining === 0).toBe(isWritten);
    vi.restoreAllMocks();
    setClock(NOVEMBER.endMs + 5000);
    expect(await close("2046-11")).toMatchObject({ httpStatus: 200, failures: [] });
    const { closedAt } = await manifestOf(tenant.tenantId, "2046-11");
    expect(closedAt).toBe(new Date(NOVEMBER.endMs).toISOString());
    expect(await verifyDownloaded(await bundle(tenant.tenantId, "2046-11"))).toEqual([]);
  });

  test("an event that nobody has any more keeps the month open and is named", async () => {
    const tenant = await newTenant();
    for (let n = 0; n < 3; n += 1) {
      await lookup(tenant.key, CPF);
      await ledgerOf(tenant.tenantId).flush();
    }
    const bystander = await tenantWithLookups(1);
    const hidden = (tenantId: string) =>
      env.DB.prepare("UPDATE event_batches SET mode = 'test' WHERE tenant_id = ? AND first_seq = 2").bind(tenantId);
    const shown = (tenantId: string) =>
      env.DB.prepare("UPDATE event_batches SET mode = 'live' WHERE tenant_id = ? AND first_seq = 2").bind(tenantId);
    await hidden(tenant.tenantId).run();
    // While the ledger has it, it is not missing.
    expect((await download(tenant.tenantId, "2046-11", "events.jsonl")).trim().split("\n")).toHaveLength(3);
    await ledgerOf(tenant.tenantId).release(2);
    setClock(NOVEMBER.endMs);
    const closing = await close("2046-11");
    expect(closing).toMatchObject({ httpStatus: 202, status: "closing", remaining: 1 });
    expect(closing.failures).toEqual([
      { tenantId: tenant.tenantId, period: "2046-11", reason: "sequence_gap", seq: 2 },
    ]);
    // All others are closed: one tenant's broken month holds up nobody else's.
    expect((await manifestOf(bystander.tenantId, "2046-11")).status).toBe("closed");
    const file = await admin(`/tenants/${tenant.tenantId}/statements/2046-11/events.csv`);
    expect([file.status, (await file.json<{ code: string }>()).code]).toEqual([503, "statement_unavailable"]);
    await shown(tenant.tenantId).run();
    expect(await close("2046-11")).toMatchObject({ httpStatus: 200, remaining: 0, failures: [] });
    expect(await verifyDownloaded(await bundle(tenant.tenantId, "2046-11"))).toEqual([]);
  });
});

describe("reading closed months", () => {
  test("has an ETag, ranges and a name to save it under", async () => {
    const tenant = await tenantWithLookups(2);
    setClock(NOVEMBER.endMs);
    await close("2046-11");
    const path = `/v1/statements/2046-11/events.csv`;
    const get = async (headers: Record<string, string>, method = "GET") =>
      await call(path, { method, headers: { "x-api-key": tenant.key, ...headers } });
    const whole = await get({});
    const text = await whole.text();
    const etag = whole.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(whole.headers.get("statement-status")).toBe("closed");
    expect(whole.headers.get("content-disposition")).toBe(
      `attachment; filename="${tenant.tenantId}-2046-11-events.csv"`,
    );
    expect((await get({ "if-none-match": etag })).status).toBe(304);
    const head = await get({}, "HEAD");
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, etag, ""]);
    const rest = await get({ range: "bytes=10-" });
    expect([rest.status, await rest.text()]).toEqual([206, text.slice(10)]);
    expect(rest.headers.get("content-range")).toBe(`bytes 10-${text.length - 1}/${text.length}`);
    expect(await (await get({ range: "bytes=-5" })).text()).toBe(text.slice(-5));
    expect(await (await get({ range: "bytes=3-6" })).text()).toBe(text.slice(3, 7));
    for (const useless of ["bytes=999999-", "bytes=5-1", "bytes=-", "bytes=0-1,3-4", "lines=1-2"]) {
      expect((await get({ range: useless })).status).toBe(200);
    }
    expect((await get({ range: "bytes=10-", "if-range": '"other"' })).status).toBe(200);
  });

  test("lists the months, the newest first, page by page, and shows each", async () => {
    const tenant = await tenantWithLookups(2);
    setClock(month("2047-01").startMs);
    await close("2046-12");
    await lookup(tenant.key, CPF);
    const headers = { "x-api-key": tenant.key };
    const list = async (query = "") =>
      await (await call(`/v1/statements${query}`, { headers })).json<{ data: unknown[]; nextCursor: string | null }>();
    const all = await list();
    expect(all).toMatchObject({
      data: [
        { period: "2047-01", status: "open", requests: 1, billed: 1, amount: null, exactAmount: "0.1500" },
        { period: "2046-12", status: "closed", requests: 0, amount: "0.00" },
        { period: "2046-11", status: "closed", requests: 2, amount: "0.30", exactAmount: "0.3000", currency: "BRL" },
      ],
      nextCursor: null,
    });
    const first = await list("?limit=2");
    expect(first.data).toEqual(all.data.slice(0, 2));
    expect(await list(`?limit=2&cursor=${first.nextCursor}`)).toEqual({ data: all.data.slice(2), nextCursor: null });

    const november = await (await call("/v1/statements/2046-11", { headers })).json();
    expect(november).toMatchObject({
      status: "closed",
      counts: { requests: 2, delivered: 2, billed: 2 },
      lines: [{ kind: "lookups", quantity: 2, unitPrice: "0.1500", exactAmount: "0.3000", amount: "0.30" }],
      amount: "0.30",
    });
    // What Claro may charge is the operator's matter.
    expect(november).not.toHaveProperty("claroPossibleCost");
    expect(await adminJson(`/tenants/${tenant.tenantId}/statements/2046-11`)).toMatchObject({
      amount: "0.30",
      claroPossibleCost: { delivered: 2, unknown: 0, units: 2 },
    });
    expect(await manifestOf(tenant.tenantId, "2046-11")).not.toHaveProperty("claroPossibleCost");
    const { files } = november as { files: { name: string; href: string; sha256: string }[] };
    expect(files.map(({ name }) => name)).toEqual([...FILES, "manifest.json"]);
    for (const { href } of files) expect((await call(href, { headers })).status).toBe(200);
    const january = await (await call("/v1/statements/2047-01", { headers })).json();
    expect(january).toMatchObject({
      status: "open",
      seq: { first: 3, last: 3, count: 1 },
      closedAt: null,
      keyId: null,
    });
    expect(await usageOf(tenant.tenantId, "2046-11-01", "2046-11-30")).toMatchObject({
      totals: { requests: 2, billed: 2, amount: "0.3000" },
    });
  });
});
