/** The tortured Worker's own paths, for the driver. */
export const TORTURE_PATHS = {
  /** Runs the cron. */
  scheduled: "/torture/scheduled",
  /** Takes the ledgers away. */
  outage: "/torture/outage",
  /** When the oldest work began that goes on. */
  pending: "/torture/pending",
} as const;

/** Chances from 0 to 1, for each call. */
export type InnerFaults = {
  /** D1 is not reached. */
  readonly d1Down: number;
  /** D1 does what it is asked to, and the connection is lost before it says so. */
  readonly d1Ambiguous: number;
  readonly d1Slow: number;
  readonly d1SlowMs: number;
  /** The ledger takes its time before it decides, up to `ledgerSlowMs`. */
  readonly ledgerSlow: number;
  readonly ledgerSlowMs: number;
  /** The ledger commits an admission or a settlement, and its reply is lost. */
  readonly replyLost: number;
  /** The object is thrown out of memory while it replies. */
  readonly objectReset: number;
};

/**
 * Every call of every ledger fails for a while. `overloaded`: the platform asks not to repeat the call; `unreachable`: it does
 * not say whether the call was made, and at first it was.
 */
export type LedgerOutage = { readonly kind: "overloaded" | "unreachable"; readonly lastsMs: number };

export const NO_INNER_FAULTS: InnerFaults = {
  d1Down: 0,
  d1Ambiguous: 0,
  d1Slow: 0,
  d1SlowMs: 0,
  ledgerSlow: 0,
  ledgerSlowMs: 0,
  replyLost: 0,
  objectReset: 0,
};
