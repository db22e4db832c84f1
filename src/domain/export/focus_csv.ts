import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { CURRENCY, formatMicros } from "../money.ts";
import { type Period, periodBounds } from "../period.ts";
import { type CsvCell, csvLine, type CsvNumber } from "./csv.ts";
import { eventCells } from "./events_csv.ts";
import { type ExportContext, type FileEncoder, lineEncoder } from "./exported_event.ts";

const SECOND_MS = 1000;
const PROVIDER = "Claro Score Gateway";
const SKU = "claro-score-lookup";
const UNIT = "Requests";

/** What several columns of one line share. */
type Charge = {
  readonly event: ExportedEvent;
  readonly context: ExportContext;
  readonly isUsage: boolean;
  readonly cost: CsvNumber;
  readonly unitPrice: CsvNumber | null;
};

/**
 * Columns of FOCUS 1.4, dataset Cost and Usage (focus.finops.org): the mandatory ones, and those conditional or
 * recommended ones that a lookup has a value for. The event's own fields follow as custom columns (`x_`). No official
 * validator has passed this file, so it is called "FOCUS columns" and nothing more.
 */
const COLUMNS: readonly (readonly [name: string, cell: (charge: Charge) => CsvCell])[] = [
  // Not an amount, which can be below zero: a reader that splits elsewhere would begin a formula with each line.
  ["BillingAccountId", (charge) => charge.event.tenantId],
  ["BillingAccountName", (charge) => charge.context.tenant.name],
  ["BilledCost", ({ cost }) => cost],
  ["BillingCurrency", () => CURRENCY],
  ["BillingPeriodEnd", (charge) => billingPeriod(charge.context.period).end],
  ["BillingPeriodStart", (charge) => billingPeriod(charge.context.period).start],
  ["ChargeCategory", (charge) => (charge.isUsage ? "Usage" : "Adjustment")],
  // Adjustments exist to correct what a closed period holds; one that names nothing is a charge of its own.
  ["ChargeClass", (charge) => (charge.event.corrects === null ? "" : "Correction")],
  ["ChargeDescription", describe],
  ["ChargeFrequency", (charge) => (charge.isUsage ? "Usage-Based" : "One-Time")],
  // Half-open and to the second, as FOCUS writes times: the second that the lookup ended in.
  ["ChargePeriodEnd", (charge) => toSecond(Date.parse(charge.event.occurredAt) + SECOND_MS)],
  ["ChargePeriodStart", (charge) => `${charge.event.occurredAt.slice(0, 19)}Z`],
  ["ConsumedQuantity", (charge) => (charge.isUsage ? 1 : "")],
  ["ConsumedUnit", (charge) => (charge.isUsage ? UNIT : "")],
  ["ContractedCost", ({ cost }) => cost],
  ["ContractedUnitPrice", ({ unitPrice }) => unitPrice],
  ["EffectiveCost", ({ cost }) => cost],
  ["HostProviderName", () => "Cloudflare"],
  ["InvoiceIssuerName", () => PROVIDER],
  ["ListCost", ({ cost }) => cost],
  ["PricingQuantity", (charge) => (charge.isUsage ? Number(charge.event.billed) : "")],
  ["PricingUnit", (charge) => (charge.isUsage ? UNIT : "")],
  ["ServiceCategory", () => "Other"],
  ["ServiceName", () => "Claro Score"],
  ["ServiceProviderName", () => PROVIDER],
  ["ServiceSubcategory", () => "Other (Other)"],
  ["SkuId", (charge) => (charge.isUsage ? SKU : "")],
  ["SkuMeter", (charge) => (charge.isUsage ? "Score Lookups" : "")],
  ["SkuPriceId", (charge) => (charge.event.unitPriceMicros === null ? "" : `${SKU}-${charge.event.unitPriceMicros}`)],
];

const CUSTOM_COLUMNS = EVENT_FIELDS.map(({ name }) => `x_${name.charAt(0).toUpperCase()}${name.slice(1)}`);

/** RFC 4180 in UTF-8 without a byte order mark, commas, CRLF; text guarded as in `events.csv`; null is an empty cell. */
export function focusCsv(context: ExportContext): FileEncoder {
  const header = csvLine([...COLUMNS.map(([name]) => name), ...CUSTOM_COLUMNS], ",");
  return lineEncoder(header, (event) => {
    const charge: Charge = {
      event,
      context,
      isUsage: event.kind === "lookup",
      cost: { number: formatMicros(event.amountMicros) },
      unitPrice: event.unitPriceMicros === null ? null : { number: formatMicros(event.unitPriceMicros) },
    };
    return csvLine([...COLUMNS.map(([, cell]) => cell(charge)), ...eventCells(event)], ",");
  });
}

function describe({ event, isUsage }: Charge): string {
  if (!isUsage) return "Adjustment";
  return `Score lookup: ${event.outcome}, ${event.billed ? "billed" : "not billed"}`;
}

// Every line of a file asks for the same period, and formatting a time costs more than the rest of a line.
let lastBillingPeriod: { readonly period: Period; readonly start: string; readonly end: string } | null = null;

function billingPeriod(period: Period): { readonly start: string; readonly end: string } {
  if (lastBillingPeriod?.period !== period) {
    const { startMs, endMs } = periodBounds(period);
    lastBillingPeriod = { period, start: toSecond(startMs), end: toSecond(endMs) };
  }
  return lastBillingPeriod;
}

function toSecond(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
