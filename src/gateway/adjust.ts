import type { Failure } from "../domain/failure.ts";
import { formatCentavos, MICROS_PER_CENTAVO, roundToCentavos } from "../domain/money.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Adjustment } from "../platform/adjustment_records.ts";
import { sha256Hex } from "../platform/keyed_hash.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { correctedCharge } from "./corrected_charge.ts";
import type { Actor } from "./tenants.ts";

/** A correction. `id` or else `idempotencyKey` makes a repeat the same one; with neither, each call is a new one. */
export type NewAdjustment = {
  readonly id: string | null;
  readonly idempotencyKey: string | null;
  readonly units: number;
  readonly amountMicros: number;
  readonly reason: string;
  readonly corrects: string | null;
};

type EndedAdjustment = Adjustment & { readonly event: NonNullable<Adjustment["event"]> };

const WAITING_A_SWEEP = 50;
/** A call that still runs makes its event itself. */
const STILL_RUNNING_MS = 60_000;

/**
 * Corrects what a tenant is charged: an event in the open period that names what it corrects; nothing before it
 * changes. It is recorded first and becomes an event then; dying between the two, it is completed by a repeat or the cron.
 */
export async function adjust(
  services: Services,
  actor: Actor,
  { tenantId, asked }: { tenantId: string; asked: NewAdjustment },
): Promise<Result<{ adjustment: EndedAdjustment; isRepeat: boolean }, Failure>> {
  const tenant = await services.register.tenant(tenantId);
  if (tenant === null) return fail({ code: "not_found" });
  const { units, amountMicros, reason, corrects } = asked;
  const createdAtMs = services.clock.nowMs();
  const id = await idOf(tenantId, asked);
  const content = { units, amountMicros, reason, corrects };
  let known = await services.adjustments.adjustment(tenantId, id);
  if (known === null) {
    const charge = await correctedCharge(services, tenant, corrects);
    if (charge === null)
      return fail({ code: "invalid_request", issues: [{ path: "corrects", code: "nothing_to_correct" }] });
    const limits = {
      chargeMicros: ceilToCentavo(charge.chargedMicros),
      periodMicros: ceilToCentavo(charge.periodMicros),
    };
    known = await services.adjustments.insert(
      { tenantId, id, createdAtMs, ...content, correctsPeriod: charge.period, event: null },
      limits,
      {
        atMs: createdAtMs,
        actor,
        action: "adjustment.create",
        target: `${tenantId}/${id}`,
        before: null,
        after: content,
      },
    );
    if (known === null) return await tooMuch(services, tenantId, { corrects, limitMicros: limits.chargeMicros });
  }
  if (!isSame(known, content)) return fail({ code: "idempotency_mismatch" });
  if (known.event !== null) return ok({ adjustment: { ...known, event: known.event }, isRepeat: true });
  const adjustment = await makeEvent(services, known);
  return adjustment.ok ? ok({ adjustment: adjustment.value, isRepeat: false }) : adjustment;
}

/** Credits are never more than what they correct has cost; the issue says what is left of it. */
async function tooMuch(
  services: Services,
  tenantId: string,
  { corrects, limitMicros }: { corrects: string | null; limitMicros: number },
): Promise<Result<never, Failure>> {
  const left = Math.max(limitMicros + (await services.adjustments.adjustedMicros(tenantId, corrects)), 0);
  const params = { most: formatCentavos(roundToCentavos(left)) };
  return fail({ code: "invalid_request", issues: [{ path: "amount", code: "credit_too_large", params }] });
}

/** Half a centavo cannot be given back: what was charged below one is rounded up. */
function ceilToCentavo(micros: number): number {
  return Math.ceil(micros / MICROS_PER_CENTAVO) * MICROS_PER_CENTAVO;
}

/** Completes corrections whose call died between the record and the event. */
export async function completeAdjustments(services: Services): Promise<void> {
  try {
    const before = services.clock.nowMs() - STILL_RUNNING_MS;
    for (const adjustment of await services.adjustments.waiting(before, WAITING_A_SWEEP)) {
      const made = await makeEvent(services, adjustment);
      const { tenantId, id } = adjustment;
      logEvent(made.ok ? "info" : "warn", { event: "adjustment_completed", tenantId, adjustmentId: id, ok: made.ok });
    }
  } catch (error) {
    logEvent("warn", { event: "adjustments_not_completed", error: messageOf(error) });
  }
}

/** The ledger knows the id for ever: however often this is tried, there is one event. */
async function makeEvent(services: Services, adjustment: Adjustment): Promise<Result<EndedAdjustment, Failure>> {
  const { tenantId, id, units, amountMicros, reason, corrects } = adjustment;
  const call = { id, units, amountMicros, reason, corrects };
  const event = await callLedger(services.ledgers, { tenantId, mode: "live" }, (ledger) => ledger.adjust(call));
  if (!event.ok) return event;
  if ("kind" in event.value) return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
  const { seq, occurredAtMs } = event.value;
  await services.adjustments.setEvent(adjustment, { seq, occurredAtMs });
  return ok({ ...adjustment, event: { seq, occurredAtMs } });
}

async function idOf(tenantId: string, { id, idempotencyKey }: NewAdjustment): Promise<string> {
  if (id !== null) return id;
  const unique = idempotencyKey === null ? crypto.randomUUID() : await sha256Hex(`${tenantId}\n${idempotencyKey}`);
  return `adj_${unique.replaceAll("-", "").slice(0, 24)}`;
}

function isSame(known: Adjustment, content: Pick<Adjustment, "units" | "amountMicros" | "reason" | "corrects">) {
  return (
    known.units === content.units &&
    known.amountMicros === content.amountMicros &&
    known.reason === content.reason &&
    known.corrects === content.corrects
  );
}
