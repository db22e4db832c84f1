import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { TenantLedger } from "../../../src/platform/ledger/tenant_ledger.ts";
import { serializeState } from "../../../src/domain/ledger/state.ts";
import { Journal } from "../../../src/platform/ledger/journal.ts";
import { ledgerTerms } from "./ledger_terms.ts";

const KEY_ID = "csg_live_first00000";
const TIERS = [{ upTo: null, unitPriceMicros: 150_000 }];

/** What a start would find, and how many tokens of reads are missing in it. */
async function recovered(ledger: DurableObjectStub<TenantLedger>) {
  return await runInDurableObject(ledger, (_, { storage }) => {
    const state = new Journal(storage.sql).recover();
    return { reads: Math.round(state.readsBucket.missing), text: serializeState(state) };
  });
}

test("uses of a key that are written with a later row are replayed once, and after the terms that they met", async () => {
  const ledger = env.TENANT_LEDGER.getByName("deferred:live");
  const terms = {
    tenantId: "deferred",
    version: 1,
    tiers: TIERS,
    allowance: 9,
    keyIds: [KEY_ID],
    revoked: new Set<string>(),
  };
  await ledger.configure(ledgerTerms(terms));
  const read = { keyId: KEY_ID, scope: "scores:read", ip: null, kind: "read" } as const;
  for (let n = 0; n < 3; n += 1) await ledger.authorize(read);
  // A cut makes a checkpoint of the state, in which they are.
  await ledger.flush();
  await ledger.configure(ledgerTerms({ ...terms, version: 2, allowance: 8 }));
  await ledger.authorize(read);
  const lookup = { lookupId: "lkp_1", keyId: KEY_ID, scope: "scores:read", ip: null, reference: null } as const;
  await ledger.admit({ ...lookup, cpfReference: "v1:0", idempotency: null });
  expect((await recovered(ledger)).reads).toBe(4);
});
