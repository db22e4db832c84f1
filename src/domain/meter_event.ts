/** `live` reaches Claro and can be billed; `test` is answered by the sandbox and never costs. */
export type Mode = (typeof MODES)[number];
export const MODES = ["live", "test"] as const;

/** How a lookup ended; the table in the README says what each means to the partner and to Claro. */
export const OUTCOMES = ["delivered", "not_found", "rejected", "failed", "unknown"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * One fact of the ledger: a lookup that ended, or an adjustment. `seq` is gapless for a tenant and a mode; events are
 * never changed. `occurredAtMs` never moves to an earlier period as `seq` grows, so a period is one range of `seq`.
 */
export type MeterEvent = {
  readonly seq: number;
  /** The lookup's id, or the adjustment's. */
  readonly id: string;
  readonly occurredAtMs: number;
  readonly tenantId: string;
  /** Null for an adjustment, which no key made. */
  readonly keyId: string | null;
  /** The partner's own reference; for an adjustment, its reason. */
  readonly reference: string | null;
  readonly mode: Mode;
  /** Null for an adjustment. */
  readonly outcome: Outcome | null;
  /** True when the tenant pays (or, for an adjustment, gets back) money for it. */
  readonly billed: boolean;
  /** 1 for a billed lookup, 0 for one that is not; signed for an adjustment. */
  readonly units: number;
  /** Micros of BRL; null for an adjustment, whose amount need not divide by its units. */
  readonly unitPriceMicros: number | null;
  /** Micros of BRL, signed for an adjustment. */
  readonly amountMicros: number;
  /** Claro's transaction id. */
  readonly transactionId: string | null;
  /** HMAC of the CPF under a versioned secret, e.g. `v1:9f2c…`; null for an adjustment. */
  readonly cpfReference: string | null;
  readonly kind: "lookup" | "adjustment";
  /** What an adjustment corrects: a lookup's id or a period. */
  readonly corrects: string | null;
};

/** Counts of ended lookups, as usage shows them. `requests` is their sum. */
export type UsageCounts = {
  readonly delivered: number;
  readonly notFound: number;
  readonly rejected: number;
  readonly failed: number;
  readonly unknown: number;
  readonly billed: number;
  readonly amountMicros: number;
};
