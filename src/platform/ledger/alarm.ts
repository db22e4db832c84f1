import { CUT_EVENTS } from "./ledger_core.ts";

/**
 * A copy writes some six rows of its own, here and in D1, whatever it brings: fewer events than these wait for more, the
 * longest time that the settings allow; more wait only a little. Whoever reads events from D1 has the ledger copy first.
 */
const WORTHWHILE_EVENTS = 100;
const LITTLE_WHILE_MS = 60_000;
const LONGEST_BACKOFF_MS = 60_000;
/** An alarm that should have come so long ago was lost. */
const LOST_ALARM_MS = 60_000;

/** The one alarm of an object. To set it is a written row: one that comes soon enough is left alone. */
export class LedgerAlarm {
  readonly #storage: DurableObjectStorage;
  #atMs: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  async load(): Promise<void> {
    this.#atMs = await this.#storage.getAlarm();
  }

  /** It has come: the platform has none any more. */
  noteFired(): void {
    this.#atMs = null;
  }

  wakeWithin(delayMs: number): void {
    const nowMs = Date.now();
    const atMs = nowMs + delayMs;
    // One in the past was lost.
    const isArmed = this.#atMs !== null && this.#atMs > nowMs - LOST_ALARM_MS;
    if (isArmed && this.#atMs !== null && this.#atMs <= atMs) return;
    this.#atMs = atMs;
    void this.#storage.setAlarm(atMs);
  }
}

type Work = {
  /** Events that D1 does not have; in test mode those that are in no batch. */
  readonly uncopied: number;
  readonly isTest: boolean;
  /** Events were just written, and more may follow. */
  readonly isBusy: boolean;
  readonly openLookups: number;
  /** In a row. */
  readonly copyFailures: number;
  readonly maintenanceInMs: number | null;
  readonly longestWaitMs: number;
};

/** After how long an object has something to do; null when it has nothing. */
export function wakeDelayMs(work: Work): number | null {
  const { uncopied, isTest, isBusy, openLookups, copyFailures, maintenanceInMs, longestWaitMs } = work;
  const littleWhileMs = Math.min(longestWaitMs, LITTLE_WHILE_MS);
  if (isBusy) {
    if (isTest || uncopied < WORTHWHILE_EVENTS) return longestWaitMs;
    return uncopied >= CUT_EVENTS && copyFailures === 0 ? 0 : littleWhileMs;
  }
  if (copyFailures > 0 && uncopied > 0) {
    return Math.min(littleWhileMs * 2 ** Math.min(copyFailures, 10), LONGEST_BACKOFF_MS);
  }
  if (uncopied >= CUT_EVENTS) return 0;
  if (uncopied >= WORTHWHILE_EVENTS) return littleWhileMs;
  if (uncopied > 0 || openLookups > 0) return longestWaitMs;
  return maintenanceInMs === null ? null : Math.max(maintenanceInMs, littleWhileMs);
}
