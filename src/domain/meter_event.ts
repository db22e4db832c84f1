import type { Period, SaoPauloDate } from "./period.ts";

/** `live` reaches Claro and can be billed; `test` is answered by the sandbox and never costs. */
export type Mode = (typeof MODES)[number];
export const MODES = ["live", "test"] as const;

/** One ledger for each tenant and mode, so that test lookups leave no holes in the live sequence. */
export type LedgerName = { readonly tenantId: string; readonly mode: Mode };

/** How a lookup ended; docs/integrating.md says what each means to the partner, docs/claro.md what Claro had said. */
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
  /** This and the other fields that may be missing in a lookup are null in what was recorded before they existed. */
  readonly admittedAtMs: number | null;
  /** How long the admission took. */
  readonly admitMs: number | null;
  readonly tenantId: string;
  /** Null for an adjustment, which no key made. */
  readonly keyId: string | null;
  /** The partner's own reference; for an adjustment, its reason. */
  readonly reference: string | null;
  /** What Claro was asked under. */
  readonly customerId: string | null;
  readonly mode: Mode;
  /** Null for an adjustment. */
  readonly outcome: Outcome | null;
  /** What the partner was answered with; null for an answer with a score. */
  readonly failureCode: string | null;
  /** HTTP status of Claro's answer; null where none came. */
  readonly upstreamStatus: number | null;
  /** True when the tenant pays (or, for an adjustment, gets back) money for it. */
  readonly billed: boolean;
  /** 1 for a billed lookup, 0 for one that is not; signed for an adjustment. */
  readonly units: number;
  /** Micros of BRL; null for an adjustment, whose amount need not divide by its units. */
  readonly unitPriceMicros: number | null;
  /** Micros of BRL, signed for an adjustment. */
  readonly amountMicros: number;
  readonly priceVersion: number | null;
  /** Claro's transaction id. */
  readonly transactionId: string | null;
  /** HMAC of the CPF under a versioned secret, e.g. `v1:9f2c…`; null for an adjustment. */
  readonly cpfReference: string | null;
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly consentId: string | null;
  readonly requestedBy: string | null;
  readonly requestId: string | null;
  /** How long Claro took to answer. */
  readonly claroMs: number | null;
  readonly kind: "lookup" | "adjustment";
  /** What an adjustment corrects: a lookup's id or a period. */
  readonly corrects: string | null;
  /** The month and day of São Paulo that the ledger decided on when it recorded the event. */
  readonly period: Period | null;
  readonly day: SaoPauloDate | null;
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
