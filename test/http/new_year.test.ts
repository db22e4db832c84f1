import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AdmitCall } from "../../src/domain/ledger/commands.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import { ledgerOf, lookup, newTenant } from "../support/gateway.ts";
import { month, setClock } from "../support/months.ts";

const CPF = "52998224725";
const { endMs: NEW_YEAR_MS } = month("2048-12");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each([
  ["the ledger's clock is in the new year already", -1, 1],
  ["the ledger's clock is in the old year still", 1, -1],
  ["both are in the old year", -2, -1],
  ["both are in the new year", 1, 2],
])("an event's reference has the year of its admission where %s", async (_what, callerMs, ledgerMs) => {
  setClock(NEW_YEAR_MS - 60_000);
  const tenant = await newTenant();
  setClock(NEW_YEAR_MS + callerMs);
  const { admit } = TenantLedger.prototype as {
    admit: (this: TenantLedger, call: AdmitCall) => ReturnType<TenantLedger["admit"]>;
  };
  vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(async function (this: TenantLedger, call) {
    setClock(NEW_YEAR_MS + ledgerMs);
    return await admit.call(this, call);
  });
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
  const [event] = JSON.parse((await ledgerOf(tenant.tenantId).heldEvents(1)) ?? "[]") as {
    admitted_at: number;
    cpf_reference: string;
  }[];
  expect(event?.admitted_at).toBe(NEW_YEAR_MS + ledgerMs);
  expect(event?.cpf_reference.split(":")[0]).toBe(ledgerMs < 0 ? "2048" : "2049");
});
