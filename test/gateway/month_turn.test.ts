import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AdmitCall, SettleCall } from "../../src/domain/ledger/commands.ts";
import { closeDuePeriods } from "../../src/gateway/close_period.ts";
import { TenantLedger } from "../../src/platform/ledger/tenant_ledger.ts";
import { lookup, newTenant, testServices } from "../support/gateway.ts";
import { manifestOf, month, setClock } from "../support/months.ts";

const HOUR_MS = 3_600_000;
const MONTH = month("2047-05");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("a tenant that is made at a month's start, and whose ledger's clock is 20 ms behind, has a month that closes", async () => {
  setClock(MONTH.startMs + 5);
  const tenant = await newTenant();
  const { admit, settle } = TenantLedger.prototype as {
    admit: (this: TenantLedger, call: AdmitCall) => ReturnType<TenantLedger["admit"]>;
    settle: (this: TenantLedger, call: SettleCall) => ReturnType<TenantLedger["settle"]>;
  };
  vi.spyOn(TenantLedger.prototype, "admit").mockImplementation(async function (this: TenantLedger, call) {
    setClock(MONTH.startMs - 15);
    return await admit.call(this, call);
  });
  vi.spyOn(TenantLedger.prototype, "settle").mockImplementation(async function (this: TenantLedger, call) {
    setClock(MONTH.startMs - 15);
    return await settle.call(this, call);
  });
  expect((await lookup(tenant.key, "52998224725")).status).toBe(200);
  vi.restoreAllMocks();
  setClock(MONTH.startMs + HOUR_MS);
  expect((await lookup(tenant.key, "52998224725")).status).toBe(200);
  setClock(MONTH.endMs + 26 * HOUR_MS);
  const services = testServices();
  await closeDuePeriods(services);
  const manifest = await manifestOf(tenant.tenantId, MONTH.period);
  expect(manifest.status).toBe("closed");
  expect(manifest.seq).toMatchObject({ last: 2 });
});
