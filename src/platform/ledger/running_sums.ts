import { usesAllowance } from "../../domain/admission.ts";
import type { Outcome } from "../../domain/meter_event.ts";
import { periodBounds, periodOf, type Period } from "../../domain/period.ts";
import type { LedgerHead } from "./ledger_rows.ts";
import type { LedgerStore } from "./ledger_store.ts";

/**
 * What limits and prices are decided by: sums of the tables, kept in memory and read again at a start. They know the
 * period that events fall into, since the price and the spend cap begin anew with each.
 */
export class RunningSums {
  readonly #store: LedgerStore;
  #allowanceUsed: number;
  #period: Period;
  #periodEndMs: number;
  /** No event occurs before this instant: the start of the latest event's period, or the end of a closed one. */
  #floorMs: number;
  #billed: number;
  #spentMicros: number;

  constructor(store: LedgerStore, head: LedgerHead, nowMs: number) {
    this.#store = store;
    this.#floorMs = head.periodFloorMs;
    this.#period = periodOf(head.periodFloorMs === 0 ? nowMs : head.periodFloorMs);
    this.#periodEndMs = periodBounds(this.#period).endMs;
    const totals = store.totals(`${this.#period}-01`, head.flushedThrough);
    this.#allowanceUsed = totals.allowance_used;
    this.#billed = totals.billed;
    this.#spentMicros = totals.spent;
  }

  get allowanceUsed(): number {
    return this.#allowanceUsed;
  }

  /** Of the period that the next event falls into, once `enterPeriod` has been called for it. */
  get billedInPeriod(): number {
    return this.#billed;
  }

  /** As a lookup that is admitted now counts them: when the month has just ended, nothing is billed in the new one. */
  forLimits(nowMs: number): { allowanceUsed: number; billedInPeriod: number; spentInPeriodMicros: number } {
    const isThisPeriod = nowMs < this.#periodEndMs;
    return {
      allowanceUsed: this.#allowanceUsed,
      billedInPeriod: isThisPeriod ? this.#billed : 0,
      spentInPeriodMicros: isThisPeriod ? this.#spentMicros : 0,
    };
  }

  /**
   * The instant at which an event that ends now occurs. Events never fall behind the period of the one before, so that a
   * period is one range of seq, even if a clock jumps back: then they stand at that period's first instant.
   */
  enterPeriod(nowMs: number): number {
    const occurredAtMs = Math.max(nowMs, this.#floorMs);
    const { startMs } = periodBounds(periodOf(occurredAtMs));
    if (startMs > this.#floorMs) this.raiseFloor(startMs);
    return occurredAtMs;
  }

  /** From now on no event occurs before `floorMs`. */
  raiseFloor(floorMs: number): void {
    if (floorMs <= this.#floorMs) return;
    this.#floorMs = floorMs;
    this.#store.setPeriodFloor(floorMs);
    const period = periodOf(floorMs);
    if (period === this.#period) return;
    this.#period = period;
    this.#periodEndMs = periodBounds(period).endMs;
    this.#billed = 0;
    this.#spentMicros = 0;
  }

  count(outcome: Outcome, event: { billed: boolean; priceMicros: number }): void {
    if (usesAllowance(outcome)) this.#allowanceUsed += 1;
    if (event.billed) this.#billed += 1;
    this.#spentMicros += event.priceMicros;
  }
}
