import type { HeldAtPrice } from "../../domain/admission.ts";
import type { Failure } from "../../domain/failure.ts";
import type { PriceTier } from "../../domain/plan.ts";
import type { OpenIntentRow } from "./ledger_rows.ts";

export type OpenIntent = {
  /** Its row's number, below zero. */
  readonly n: number;
  readonly admittedAtMs: number;
  readonly priceVersion: number;
  readonly idempotencyKey: string | null;
  /** Why it was not admitted, when Claro was asked before the ledger said so. It can end as `unknown` or `failed` only. */
  readonly refusal: Failure | null;
};

/** The lookups that were admitted and have not ended, in the order of their admission: the rows with n < 0, in memory. */
export class OpenIntents {
  readonly #byLookup = new Map<string, OpenIntent>();
  readonly #countByPrice = new Map<number, number>();
  #lastN = 0;

  constructor(rows: readonly OpenIntentRow[]) {
    for (const row of rows) {
      this.#lastN = Math.min(this.#lastN, row.n);
      this.add(row.id, {
        n: row.n,
        admittedAtMs: row.admitted_at,
        priceVersion: row.price_version,
        idempotencyKey: row.idempotency_key,
        // Which refusal it was is not kept: only its own caller would have to know, and has waited too long by now.
        refusal: row.outcome === null ? null : { code: "ledger_unavailable", retryAfterSeconds: 1 },
      });
    }
  }

  get size(): number {
    return this.#byLookup.size;
  }

  /** A number that no open intent has. */
  nextN(): number {
    this.#lastN -= 1;
    return this.#lastN;
  }

  get(lookupId: string): OpenIntent | undefined {
    return this.#byLookup.get(lookupId);
  }

  add(lookupId: string, intent: OpenIntent): void {
    this.#byLookup.set(lookupId, intent);
    this.#countByPrice.set(intent.priceVersion, (this.#countByPrice.get(intent.priceVersion) ?? 0) + 1);
  }

  remove(lookupId: string, intent: OpenIntent): void {
    this.#byLookup.delete(lookupId);
    const left = (this.#countByPrice.get(intent.priceVersion) ?? 1) - 1;
    if (left === 0) this.#countByPrice.delete(intent.priceVersion);
    else this.#countByPrice.set(intent.priceVersion, left);
  }

  /** Those whose time is over. A clock that jumped back over an hour ends them too, not never. */
  overdue(nowMs: number, options: { ttlMs: number }): readonly (readonly [string, OpenIntent])[] {
    const overdue: [string, OpenIntent][] = [];
    for (const entry of this.#byLookup) {
      const ageMs = nowMs - entry[1].admittedAtMs;
      if (ageMs < options.ttlMs && ageMs > -LONGEST_JUMP_BACK_MS) break;
      overdue.push(entry);
    }
    return overdue;
  }

  heldAt(prices: ReadonlyMap<number, readonly PriceTier[]>): HeldAtPrice[] {
    return [...this.#countByPrice].map(([version, count]) => ({ tiers: prices.get(version) ?? [], count }));
  }
}

const LONGEST_JUMP_BACK_MS = 3_600_000;
