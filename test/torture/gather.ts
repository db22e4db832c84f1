import { cpSync } from "node:fs";
import { join } from "node:path";
import type { JournalEntry } from "../../src/ctl/sandbox/journal.ts";
import { saoPauloDate } from "../../src/domain/period.ts";
import type { Records, TracedLookup, UsageTotals, Violation } from "./checks.ts";
import type { ClientLookup, Clients } from "./clients.ts";
import type { TorturedGateway } from "./gateway.ts";
import { admin, SECRETS, TIERS, type TorturedPartner } from "./partners.ts";
import {
  countStrayCalls,
  emptyCopiedEvents,
  readCopiedEvents,
  readLedgers,
  readReferenceKeys,
  type CopiedEvent,
} from "./records.ts";
import { cpfReference, type SealedKey } from "./reference_key.ts";
import type { TorturedSandbox } from "./sandbox.ts";
import type { Suspension } from "./suspensions.ts";

const REPLAYED_LOOKUPS = 300;
const DAY_MS = 86_400_000;

/** Brings the three records together. The gateway is killed for it, so that what is on disk is all there is. */
export async function gatherRecords(sources: {
  gateway: TorturedGateway;
  sandbox: TorturedSandbox;
  clients: Clients;
  partners: readonly TorturedPartner[];
  suspensions: readonly Suspension[];
  dir: string;
}): Promise<Records> {
  const { gateway, sandbox, clients, partners, suspensions, dir } = sources;
  const usage = await readUsage(gateway, partners);
  await gateway.kill();
  const copy = join(dir, "records");
  cpSync(gateway.stateDir, copy, { recursive: true });
  const events = readCopiedEvents(copy);
  const lookups = events.filter(({ kind }) => kind === "lookup");
  const calls = await sandbox.journal();
  return {
    lookups: trace(clients.lookups, lookups, { calls, keys: readReferenceKeys(copy) }),
    calls,
    events: lookups,
    adjustments: events.filter(({ kind }) => kind === "adjustment"),
    ...readLedgers(copy),
    strayCalls: countStrayCalls(copy),
    usage,
    suspensions,
    tiers: TIERS,
    allowances: new Map(
      partners.flatMap(({ tenantId, allowance }) => (allowance === null ? [] : [[tenantId, allowance]])),
    ),
  };
}

/** Who repeats a request after everything is over gets the first answer again. */
export async function checkReplays(clients: Clients): Promise<Violation[]> {
  const answered = clients.lookups.filter((lookup) => {
    return lookup.idempotencyKey !== null && lookup.attempts.some(({ answer }) => answer !== null);
  });
  const step = Math.max(Math.floor(answered.length / REPLAYED_LOOKUPS), 1);
  const violations: Violation[] = [];
  for (let index = 0; index < answered.length; index += step) {
    const lookup = answered[index] as ClientLookup;
    const first = lookup.attempts.find(({ answer }) => answer !== null)?.answer;
    const again = await clients.repeat(lookup);
    if (again.isReplay && JSON.stringify(again.answer) === JSON.stringify(first)) continue;
    const what = `the repeat was answered ${again.status} ${again.code ?? ""}, not with the first answer`;
    violations.push({ invariant: "4 a key is charged once", subject: first?.id ?? "", what });
  }
  return violations;
}

async function readUsage(
  gateway: TorturedGateway,
  partners: readonly TorturedPartner[],
): Promise<Map<string, UsageTotals | string>> {
  const range = `from=${saoPauloDate(Date.now() - 2 * DAY_MS)}&to=${saoPauloDate(Date.now())}`;
  const usage = new Map<string, UsageTotals | string>();
  for (const { tenantId } of partners) {
    const url = `${gateway.url}/admin/v1/tenants/${tenantId}/usage?${range}`;
    try {
      usage.set(tenantId, (await admin<{ totals: UsageTotals }>(url)).totals);
    } catch (error) {
      usage.set(tenantId, String(error));
    }
  }
  return usage;
}

function trace(
  lookups: readonly ClientLookup[],
  events: readonly CopiedEvent[],
  { calls, keys }: { calls: readonly JournalEntry[]; keys: readonly SealedKey[] },
): TracedLookup[] {
  const eventsOf = Map.groupBy(events, ({ tenant_id, cpf_reference }) => `${tenant_id} ${cpf_reference}`);
  const callsOf = Map.groupBy(calls, ({ cpf }) => cpf);
  return lookups.map((lookup) => {
    const { tenantId } = lookup.partner;
    // A run can lie across the turn of a year.
    const references = keys.map((key) => cpfReference(key, SECRETS.CPF_HMAC_SECRET, { tenantId, cpf: lookup.cpf }));
    const own = references.flatMap((reference) => eventsOf.get(`${tenantId} ${reference}`) ?? []);
    const name = own[0]?.id ?? references[0] ?? lookup.cpf;
    return { ...lookup, name, events: own, calls: callsOf.get(lookup.cpf) ?? [] };
  });
}

/**
 * D1 emptied and rebuilt from the objects equals D1 as it was, and a second rebuild changes nothing. Where ledgers were taken
 * over from an earlier schema, they may tell more of an event than was copied before.
 */
export async function checkRebuild(
  gateway: TorturedGateway,
  { wereTakenOver }: { wereTakenOver: boolean },
): Promise<Violation[]> {
  const before = readCopiedEvents(gateway.stateDir);
  emptyCopiedEvents(gateway.stateDir);
  const invariant = "6 D1 is rebuilt from the objects";
  await gateway.start();
  try {
    await rebuild(gateway);
    await rebuild(gateway);
  } catch (error) {
    return [{ invariant, subject: "D1", what: String(error) }];
  }
  await gateway.kill();
  const after = readCopiedEvents(gateway.stateDir);
  const different = before.find((event, index) => {
    const rebuilt: Record<string, unknown> = { ...after[index] };
    return Object.entries(event).some(([name, value]) => {
      return rebuilt[name] !== value && !(wereTakenOver && value === null);
    });
  });
  if (different !== undefined) return [{ invariant, subject: different.id, what: "another event, or none, after it" }];
  if (after.length === before.length) return [];
  return [{ invariant, subject: "D1", what: `${after.length} events after it, ${before.length} before` }];
}

async function rebuild(gateway: TorturedGateway): Promise<void> {
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query: string = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const url = `${gateway.url}/admin/v1/ledger/rebuild${query}`;
    cursor = (await admin<{ nextCursor: string | null }>(url, {})).nextCursor;
  }
}
