import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { LookupCall } from "../../../src/platform/ledger/messages.ts";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import type { Remote } from "../../../src/platform/remote.ts";
import { ledgerTerms } from "./ledger_terms.ts";

const KEY_ID = "csg_live_first00000";

async function newLedger(tenantId: string) {
  const ledger = env.TENANT_LEDGER.getByName(`${tenantId}:live`);
  const tiers = [{ upTo: null, unitPriceMicros: 150_000 }];
  const terms = { tenantId, version: 1, tiers, allowance: 3, keyIds: [KEY_ID], revoked: new Set<string>() };
  await ledger.configure(ledgerTerms(terms));
  return ledger as unknown as Remote<TenantLedger, "lookupCalls" | "usage" | "status"> & typeof ledger;
}

function admission(lookupId: string): LookupCall {
  const about = { scope: "scores:read", ip: null, reference: null, cpfReference: "v1:0", idempotency: null } as const;
  return { kind: "admit", call: { lookupId, keyId: KEY_ID, ...about } };
}

function settlement(lookupId: string): LookupCall {
  const end = { outcome: "delivered", transactionId: `tx_${lookupId}`, answer: null, withinMs: 30_000 } as const;
  return { kind: "settle", call: { lookupId, ...end } };
}

test("a call batch is decided in order, each for itself: the allowance ends between two of them", async () => {
  const ledger = await newLedger("batch_order");
  const calls = ["lkp_1", "lkp_2", "lkp_3", "lkp_4"].map(admission);
  const replies = await ledger.lookupCalls([...calls, settlement("lkp_2"), settlement("lkp_1"), settlement("lkp_4")]);
  expect(replies).toMatchObject([
    { value: { kind: "admitted" } },
    { value: { kind: "admitted" } },
    { value: { kind: "admitted" } },
    { value: { kind: "refused", failure: { code: "quota_exceeded" } } },
    { value: { kind: "settled", seq: 1 } },
    { value: { kind: "settled", seq: 2 } },
    { value: { kind: "no_intent" } },
  ]);
});

test("a call that breaks is told so to whoever made it, and the others' events are there after the object is gone", async () => {
  const ledger = await newLedger("batch_break");
  await ledger.lookupCalls(["lkp_1", "lkp_2", "lkp_3"].map(admission));
  const broken: LookupCall = { kind: "settle", call: { ...settlement("lkp_2").call, outcome: "lost" } as never };
  const replies = await ledger.lookupCalls([broken, settlement("lkp_1"), settlement("lkp_3")]);
  expect(replies).toMatchObject([
    { status: "rejected", reason: { message: expect.stringContaining("no outcome") } },
    { status: "fulfilled", value: { kind: "settled", seq: 1 } },
    { status: "fulfilled", value: { kind: "settled", seq: 2 } },
  ]);
  await evictDurableObject(ledger);
  const again = await ledger.lookupCalls(["lkp_1", "lkp_2", "lkp_3"].map(settlement));
  expect(again).toMatchObject([
    { value: { kind: "settled", seq: 1 } },
    { value: { kind: "settled", seq: 3 } },
    { value: { kind: "settled", seq: 2 } },
  ]);
  const { days } = await ledger.usage({ from: "2026-01-01", to: "2040-12-31" });
  expect(days.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(3);
});
