import type { ExportedEvent } from "../event_row.ts";
import type { Outcome } from "../meter_event.ts";
import { addExact, roundToCentavos } from "../money.ts";

/** Enough for a document that somebody reads, few enough for any month; what comes after is summed up. */
const MOST_ADJUSTMENTS = 500;
const MOST_KEYS = 300;

type Sum = { quantity: number; amountMicros: number };

/** What one key was charged at one price. */
export type KeyLine = Sum & { readonly keyId: string | null; readonly keyLabel: string | null };

/** A line of the statement: what was charged at one price, rounded once; its keys add up to it exactly. */
export type PriceLine = Sum & {
  readonly unitPriceMicros: number;
  readonly amountCentavos: number;
  readonly keys: readonly KeyLine[];
};

export type DemonstrativoFigures = {
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly prices: readonly PriceLine[];
  /** Adjustments below zero, and the others; null where there are none. */
  readonly credits: (Sum & { readonly amountCentavos: number }) | null;
  readonly charges: (Sum & { readonly amountCentavos: number }) | null;
  readonly adjustments: readonly ExportedEvent[];
  /** How many adjustments are summed up and not listed. */
  readonly unlistedAdjustments: number;
};

/** Adds up a month as the statement's lines do (`StatementAccumulator`), and by key. */
export class DemonstrativoSums {
  readonly #counts: Record<Outcome, number> = { delivered: 0, not_found: 0, rejected: 0, failed: 0, unknown: 0 };
  readonly #prices = new Map<number, Sum & { keys: Map<string, KeyLine> }>();
  readonly #credits: Sum = { quantity: 0, amountMicros: 0 };
  readonly #charges: Sum = { quantity: 0, amountMicros: 0 };
  readonly #adjustments: ExportedEvent[] = [];
  #adjusted = 0;
  #keys = 0;

  add(event: ExportedEvent): void {
    if (event.kind === "adjustment") this.#addAdjustment(event);
    else this.#addLookup(event);
  }

  figures(): DemonstrativoFigures {
    return {
      counts: this.#counts,
      prices: [...this.#prices]
        .toSorted(([left], [right]) => right - left)
        .map(([unitPriceMicros, { keys, ...sum }]) => ({
          unitPriceMicros,
          ...rounded(sum),
          keys: [...keys.values()].toSorted((left, right) => right.quantity - left.quantity),
        })),
      credits: this.#credits.amountMicros === 0 ? null : rounded(this.#credits),
      charges: this.#charges.quantity === 0 && this.#charges.amountMicros === 0 ? null : rounded(this.#charges),
      adjustments: this.#adjustments,
      unlistedAdjustments: this.#adjusted - this.#adjustments.length,
    };
  }

  #addAdjustment(event: ExportedEvent): void {
    this.#adjusted += 1;
    if (this.#adjustments.length < MOST_ADJUSTMENTS) this.#adjustments.push(event);
    addTo(event.amountMicros < 0 ? this.#credits : this.#charges, event);
  }

  #addLookup(event: ExportedEvent): void {
    if (event.outcome !== null) this.#counts[event.outcome] += 1;
    if (!event.billed || event.unitPriceMicros === null) return;
    let price = this.#prices.get(event.unitPriceMicros);
    if (price === undefined) {
      price = { quantity: 0, amountMicros: 0, keys: new Map() };
      this.#prices.set(event.unitPriceMicros, price);
    }
    addTo(price, event);
    addTo(this.#keyLine(price.keys, event), event);
  }

  #keyLine(keys: Map<string, KeyLine>, { keyId, keyLabel }: ExportedEvent): KeyLine {
    const known = keys.get(keyId ?? "");
    if (known !== undefined) return known;
    const isOneTooMany = this.#keys >= MOST_KEYS;
    const others = isOneTooMany ? keys.get("") : undefined;
    if (others !== undefined) return others;
    const line: KeyLine = {
      keyId: isOneTooMany ? null : keyId,
      keyLabel: isOneTooMany ? null : keyLabel,
      quantity: 0,
      amountMicros: 0,
    };
    keys.set(line.keyId ?? "", line);
    this.#keys += 1;
    return line;
  }
}

function addTo(sum: Sum, { units, amountMicros }: ExportedEvent): void {
  sum.quantity = addExact(sum.quantity, units);
  sum.amountMicros = addExact(sum.amountMicros, amountMicros);
}

function rounded(sum: Sum): Sum & { readonly amountCentavos: number } {
  return { ...sum, amountCentavos: roundToCentavos(sum.amountMicros) };
}
