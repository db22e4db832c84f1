import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exportedEvent } from "../../src/domain/export/exported_event.ts";
import { meterEventOf, type EventRow } from "../../src/domain/event_row.ts";
import { saoPauloDate } from "../../src/domain/period.ts";
import { findSubject, type SubjectPlace } from "../../src/gateway/find_subject.ts";
import { referenceToPerson } from "../../src/gateway/reference_keys.ts";
import { tryToProject } from "../../src/gateway/tenants.ts";
import type { Services } from "../../src/platform/services.ts";
import { persons, testServices } from "../support/gateway.ts";
import { month, setClock } from "../support/months.ts";

const TENANTS = 100;
const EVENTS_A_TENANT = 10_000;
const EVENTS_A_BATCH = 500;
/** The other half's events are in R2. */
const OPEN_TENANTS = TENANTS / 2;
/** The person is in this many events of each tenant. */
const HITS = 3;
const CALL_MS = 15_000;
const OCTOBER = month("2046-10");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setClock(OCTOBER.startMs + 86_400_000);
});

afterEach(() => {
  vi.useRealTimers();
});

function row(tenant: number, seq: number, person: string): EventRow {
  const occurredAtMs = OCTOBER.startMs + seq * 1000;
  return {
    seq,
    id: `lkp_${tenant}_${seq}`,
    occurred_at: occurredAtMs,
    admitted_at: occurredAtMs - 200,
    admit_ms: 12,
    key_id: "csg_live_0000000000",
    reference: `pedido-${seq}`,
    customer_id: "loja",
    outcome: "delivered",
    failure_code: null,
    upstream_status: 200,
    billed: 1,
    units: 1,
    unit_price_micros: 150_000,
    amount_micros: 150_000,
    price_version: 1,
    transaction_id: crypto.randomUUID(),
    cpf_reference: person,
    purpose: "credit_granting",
    legal_basis: "credit_protection",
    consent_id: null,
    requested_by: "analista-42",
    request_id: crypto.randomUUID(),
    claro_ms: 184,
    kind: "lookup",
    corrects: null,
    period: OCTOBER.period,
    day: saoPauloDate(occurredAtMs),
  };
}

/** A tenant's events in D1, or as an archived month in R2; the ids of the person's. */
async function fill(tenant: number, cpf: string): Promise<string[]> {
  const tenantId = `ten_subject_${String(tenant).padStart(4, "0")}`;
  await env.DB.prepare(
    `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     VALUES (?, 'Loja', '12ABC34501DE35', 'loja', ?, 'active', ?)`,
  )
    .bind(tenantId, JSON.stringify({ name: "trial", allowance: null, tiers: [] }), OCTOBER.startMs + tenant)
    .run();
  // A ledger that was never told its terms says nothing of what it has.
  const projected = await tryToProject(testServices(), tenantId);
  if (projected?.ok !== true) throw new Error(`the ledger of ${tenantId} did not take its terms`);
  const reference = await referenceToPerson(testServices(), { tenantId, cpf });
  if (!reference.ok) throw new Error(reference.failure.code);
  const rows: EventRow[] = [];
  const hits = new Set(Array.from({ length: HITS }, () => 1 + Math.floor(Math.random() * EVENTS_A_TENANT)));
  for (let seq = 1; seq <= EVENTS_A_TENANT; seq += 1) {
    const other = `2046:${crypto.randomUUID().replaceAll("-", "")}`;
    rows.push(row(tenant, seq, hits.has(seq) ? reference.value : other));
  }
  if (tenant < OPEN_TENANTS) {
    const inserts = [];
    for (let first = 0; first < rows.length; first += EVENTS_A_BATCH) {
      const batch = rows.slice(first, first + EVENTS_A_BATCH);
      const insert = env.DB.prepare(`INSERT INTO event_batches VALUES (?, 'live', ?, ?, ?)`);
      inserts.push(insert.bind(tenantId, first + 1, first + batch.length, JSON.stringify(batch)));
    }
    await env.DB.batch(inserts);
  } else {
    const prefix = `statements/${tenantId}/2046-10/attempt/`;
    const lines = rows.map((each) => {
      const event = meterEventOf(each, { tenantId, mode: "live" });
      return JSON.stringify(exportedEvent(event, { keyLabels: new Map() }));
    });
    await env.STATEMENTS.put(`${prefix}events.jsonl`, `${lines.join("\n")}\n`);
    await env.DB.prepare(
      `INSERT INTO statements (tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256,
        archived_at, pruned_at, sealed_at) VALUES (?1, '2046-10', ?2, 1, ?3, ?4, '{}', '', ?2, ?2, ?2)`,
    )
      .bind(tenantId, OCTOBER.endMs, EVENTS_A_TENANT, prefix)
      .run();
  }
  return rows.filter(({ cpf_reference: person }) => person === reference.value).map(({ id }) => id);
}

test("a person is found among a million events of a hundred tenants, in calls that each end in time", async () => {
  const [cpf = ""] = persons(1, 50_000);
  const expected: string[] = [];
  for (let tenant = 0; tenant < TENANTS; tenant += 1) expected.push(...(await fill(tenant, cpf)));
  setClock(OCTOBER.endMs + 86_400_000);
  vi.useRealTimers();
  const clock = { nowMs: () => OCTOBER.endMs + 86_400_000 };
  const search = { cpf, fromMs: 0, toMs: OCTOBER.endMs + 86_400_000, reason: "medida" };
  const found: string[] = [];
  const durationsMs: number[] = [];
  for (let place: SubjectPlace | null = null; ;) {
    const startedAtMs = Date.now();
    const page = await findSubject({ ...testServices(), clock }, "bench", { search, place });
    durationsMs.push(Date.now() - startedAtMs);
    if (!page.ok) throw new Error(page.failure.code);
    found.push(...page.value.lookups.map(({ event }) => event.id));
    ({ next: place } = page.value);
    if (place === null) break;
  }
  expect(found.toSorted()).toEqual(expected.toSorted());
  expect(Math.max(...durationsMs)).toBeLessThan(CALL_MS);

  // A ledger that gives no answer holds up no call beyond its time, and is named by the call that begins with it.
  const getByName = (name: string) =>
    name.startsWith("ten_subject_0001") ? { flush: () => new Promise(() => {}) } : env.TENANT_LEDGER.getByName(name);
  const hung = { ...testServices(), clock, ledgers: { getByName } as unknown as Services["ledgers"] };
  let hungPlace: SubjectPlace | null = null;
  for (const isNamed of [false, true]) {
    const startedAtMs = Date.now();
    const page = await findSubject(hung, "bench", { search, place: hungPlace });
    expect(Date.now() - startedAtMs).toBeLessThan(CALL_MS);
    expect(page.ok ? null : page.failure.issues?.[0]?.params).toEqual(
      isNamed ? { tenantId: "ten_subject_0001" } : null,
    );
    if (page.ok) hungPlace = page.value.next;
  }
  // oxlint-disable-next-line no-console -- the figure of docs/privacy.md
  console.info(`subject access: ${durationsMs.length} calls, ${durationsMs.join(" + ")} ms, ${found.length} lookups`);
}, 600_000);
