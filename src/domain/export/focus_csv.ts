import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { CURRENCY, formatMicros } from "../money.ts";
import { formatUtc, periodBounds } from "../period.ts";
import { CRLF, type CsvCell, csvLine, type CsvNumber, csvText } from "./csv.ts";
import type { ExportContext } from "./exported_event.ts";
import { type FileEncoder, lineEncoder } from "./file_encoder.ts";
import { remembered } from "./remembered.ts";

const SECOND_MS = 1000;
const PROVIDER = "Claro Score Gateway";
const SKU = "claro-score-lookup";
const UNIT = "Requests";

/** What several columns of one line share. */
type Charge = {
  readonly event: ExportedEvent;
  readonly isUsage: boolean;
  readonly cost: CsvNumber;
  readonly unitPrice: CsvNumber | null;
};

/** The same in every line of a file, and so made once. */
type SharedCell = { readonly shared: (context: ExportContext) => CsvCell };
type ChargeCell = (charge: Charge) => CsvCell;

/**
 * Columns of FOCUS 1.4, dataset Cost and Usage (focus.finops.org): the mandatory ones, and those conditional or
 * recommended ones that a lookup has a value for. The event's own fields follow as custom columns (`x_`). No official
 * validator has passed this file, so it is called "FOCUS columns" and nothing more.
 */
const COLUMNS: readonly (readonly [name: string, column: SharedCell | ChargeCell])[] = [
  // Not an amount, which can be below zero: a reader that splits elsewhere would begin a formula with each line.
  ["BillingAccountId", { shared: ({ tenantId }) => tenantId }],
  ["BillingAccountName", { shared: ({ tenant }) => tenant.name }],
  ["BilledCost", ({ cost }) => cost],
  ["BillingCurrency", { shared: () => CURRENCY }],
  ["BillingPeriodEnd", { shared: ({ period }) => toSecond(periodBounds(period).endMs) }],
  ["BillingPeriodStart", { shared: ({ period }) => toSecond(periodBounds(period).startMs) }],
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
  ["HostProviderName", { shared: () => "Cloudflare" }],
  ["InvoiceIssuerName", { shared: () => PROVIDER }],
  ["ListCost", ({ cost }) => cost],
  ["PricingQuantity", (charge) => (charge.isUsage ? Number(charge.event.billed) : "")],
  ["PricingUnit", (charge) => (charge.isUsage ? UNIT : "")],
  ["ServiceCategory", { shared: () => "Other" }],
  ["ServiceName", { shared: () => "Claro Score" }],
  ["ServiceProviderName", { shared: () => PROVIDER }],
  ["ServiceSubcategory", { shared: () => "Other (Other)" }],
  ["SkuId", (charge) => (charge.isUsage ? SKU : "")],
  ["SkuMeter", (charge) => (charge.isUsage ? "Score Lookups" : "")],
  ["SkuPriceId", (charge) => (charge.event.unitPriceMicros === null ? "" : `${SKU}-${charge.event.unitPriceMicros}`)],
];

const CUSTOM_COLUMNS = EVENT_FIELDS.map(({ name }) => `x_${name.charAt(0).toUpperCase()}${name.slice(1)}`);

/** RFC 4180 in UTF-8 without a byte order mark, commas, CRLF; text guarded as in `events.csv`; null is an empty cell. */
export function focusCsv(context: ExportContext): FileEncoder {
  const header = csvLine([...COLUMNS.map(([name]) => name), ...CUSTOM_COLUMNS], ",");
  const columns = mergeShared(context);
  const costOf = remembered(formatMicros);
  const textOf = (event: ExportedEvent) => {
    const charge: Charge = {
      event,
      isUsage: event.kind === "lookup",
      cost: { number: costOf(event.amountMicros) },
      unitPrice: event.unitPriceMicros === null ? null : { number: costOf(event.unitPriceMicros) },
    };
    let text = "";
    for (const column of columns) text += typeof column === "string" ? column : `${csvText(column(charge))},`;
    return text;
  };
  return lineEncoder(header, ({ events, csvTexts }) =>
    events.map((event, index) => `${textOf(event)}${csvTexts[index]}${CRLF}`),
  );
}

/** The columns of one file, those that are the same in every line as their text, commas included. */
function mergeShared(context: ExportContext): (string | ChargeCell)[] {
  const merged: (string | ChargeCell)[] = [];
  let shared = "";
  for (const [, column] of COLUMNS) {
    if (typeof column === "function") {
      merged.push(shared, column);
      shared = "";
    } else shared += `${csvText(column.shared(context))},`;
  }
  return [...merged, shared].filter((column) => column !== "");
}

function describe({ event, isUsage }: Charge): string {
  if (!isUsage) return "Adjustment";
  return `Score lookup: ${event.outcome}, ${event.billed ? "billed" : "not billed"}`;
}

function toSecond(ms: number): string {
  return `${formatUtc(ms).slice(0, 19)}Z`;
}
