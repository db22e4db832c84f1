import type { Failure } from "../domain/failure.ts";
import { MODES, type Mode } from "../domain/meter_event.ts";
import { ok, fail, type Result } from "../domain/result.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { Services } from "../platform/services.ts";
import { nameTenant } from "./unread_tenant.ts";

/** Where a rebuild goes on: the tenant before the next one, the next ledger, and the seq that D1 has of it again. */
export type RebuildPlace = {
  readonly after: readonly [createdAtMs: number, tenantId: string] | null;
  readonly mode: Mode;
  readonly seq: number;
};

export type RebuildStep = { readonly ledgers: number; readonly events: number; readonly next: RebuildPlace | null };

const START: RebuildPlace = { after: null, mode: "live", seq: 0 };
/** Calls to ledgers in one step, each of which writes up to ten thousand events. */
const CALLS_A_STEP = 50;
const STEP_MS = 20_000;
const CALL_MS = 60_000;

/**
 * Has every ledger write to D1 again what it has of its events: those of all months that are not closed and archived.
 * One call does a bounded step of it; what D1 still has is left as it is.
 */
export async function rebuildCopy(
  services: Services,
  place: RebuildPlace | null,
): Promise<Result<RebuildStep, Failure>> {
  const endsAtMs = Date.now() + STEP_MS;
  const done = { ledgers: 0, events: 0 };
  let { after, mode, seq } = place ?? START;
  for (let calls = 0; calls < CALLS_A_STEP && Date.now() < endsAtMs; calls += 1) {
    const [tenant] = await services.register.tenants({ after, limit: 1 });
    if (tenant === undefined) return ok({ ...done, next: null });
    const ledger = { tenantId: tenant.id, mode };
    const from = seq;
    // What D1 never had comes along, where the ledger serves.
    if (from === 0)
      await callLedger(services.ledgers, ledger, (stub) => stub.flush(), { timeoutMs: CALL_MS, tries: 1 });
    const reply = await callLedger(services.ledgers, ledger, (stub) => stub.recopy(from), { timeoutMs: CALL_MS });
    if (!reply.ok) return fail(nameTenant(tenant.id, reply.failure));
    if (reply.value.kind === "failed") {
      return fail(nameTenant(tenant.id, { code: "ledger_unavailable", retryAfterSeconds: 5 }));
    }
    done.events += reply.value.events;
    seq = reply.value.through;
    if (!reply.value.isDone) continue;
    done.ledgers += 1;
    seq = 0;
    const isLastMode = mode === MODES.at(-1);
    if (isLastMode) after = [tenant.createdAtMs, tenant.id];
    mode = isLastMode ? "live" : "test";
  }
  return ok({ ...done, next: { after, mode, seq } });
}
