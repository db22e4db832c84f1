import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { CURRENCY, formatMicros } from "../money.ts";
import { formatUtc, periodBounds } from "../period.ts";
import { type CsvCell, csvLine, type CsvNumber, csvText } from "./csv.ts";
import { csvColumns } from "./events_csv.ts";
import type { ExportContext } from "./exported_event.ts";
import { type FileEncoder, rowEncoder } from "./file_encoder.ts";
import { fixedColumn, type RowColumn, RowWriter } from "./row_writer.ts";

const SECOND_MS = 1000;
const PROVIDER = "Claro Score Gateway";
const SKU = "claro-score-lookup";
const UNIT = "Requests";

type Cell = (event: ExportedEvent, context: ExportContext) => CsvCell;

/** Columns that an event's own time is in. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(["ChargePeriodEnd", "ChargePeriodStart"]);

/**
 * Columns of FOCUS 1.4, dataset Cost and Usage (focus.finops.org): the mandatory ones, and those conditional or
 * recommended ones that a lookup has a value for. The event's own fields follow as custom columns (`x_`). No official
 * validator has passed this file, so it is called "FOCUS columns" and nothing more.
 */
const COLUMNS: readonly (readonly [name: string, cell: Cell])[] = [
  // Not an amount, which can be below zero: a reader that splits elsewhere would begin a formula with each line.
  ["BillingAccountId", (_event, { tenantId }) => tenantId],
  ["BillingAccountName", (_event, { tenant }) => tenant.name],
  ["BilledCost", costOf],
  ["BillingCurrency", () => CURRENCY],
  ["BillingPeriodEnd", (_event, { period }) => toSecond(periodBounds(period).endMs)],
  ["BillingPeriodStart", (_event, { period }) => toSecond(periodBounds(period).startMs)],
  ["ChargeCategory", (event) => (isUsage(event) ? "Usage" : "Adjustment")],
  // Adjustments exist to correct what a closed period holds; one that names nothing is a charge of its own.
  ["ChargeClass", (event) => (event.corrects === null ? "" : "Correction")],
  ["ChargeDescription", describe],
  ["ChargeFrequency", (event) => (isUsage(event) ? "Usage-Based" : "One-Time")],
  // Half-open and to the second, as FOCUS writes times: the second that the lookup ended in.
  ["ChargePeriodEnd", (event) => toSecond(Date.parse(event.occurredAt) + SECOND_MS)],
  ["ChargePeriodStart", (event) => `${event.occurredAt.slice(0, 19)}Z`],
  ["ConsumedQuantity", (event) => (isUsage(event) ? 1 : "")],
  ["ConsumedUnit", (event) => (isUsage(event) ? UNIT : "")],
  ["ContractedCost", costOf],
  ["ContractedUnitPrice", ({ unitPriceMicros }) => (unitPriceMicros === null ? null : moneyCell(unitPriceMicros))],
  ["EffectiveCost", costOf],
  ["HostProviderName", () => "Cloudflare"],
  ["InvoiceIssuerName", () => PROVIDER],
  ["ListCost", costOf],
  ["PricingQuantity", (event) => (isUsage(event) ? Number(event.billed) : "")],
  ["PricingUnit", (event) => (isUsage(event) ? UNIT : "")],
  ["ServiceCategory", () => "Other"],
  ["ServiceName", () => "Claro Score"],
  ["ServiceProviderName", () => PROVIDER],
  ["ServiceSubcategory", () => "Other (Other)"],
  ["SkuId", (event) => (isUsage(event) ? SKU : "")],
  ["SkuMeter", (event) => (isUsage(event) ? "Score Lookups" : "")],
  ["SkuPriceId", ({ unitPriceMicros }) => (unitPriceMicros === null ? "" : `${SKU}-${unitPriceMicros}`)],
];

const CUSTOM_COLUMNS = EVENT_FIELDS.map(({ name }) => `x_${name.charAt(0).toUpperCase()}${name.slice(1)}`);

/** RFC 4180 in UTF-8 without a byte order mark, commas, CRLF; text guarded as in `events.csv`; null is an empty cell. */
export function focusCsv(context: ExportContext): FileEncoder {
  const header = csvLine([...COLUMNS.map(([name]) => name), ...CUSTOM_COLUMNS], ",");
  const columns = COLUMNS.flatMap(([name, cellOf]): RowColumn[] => [
    { isOwn: OWN_COLUMNS.has(name), write: (out, event) => out.putText(csvText(cellOf(event, context))) },
    fixedColumn(","),
  ]);
  return rowEncoder(header, new RowWriter([...columns, ...csvColumns()]));
}

function isUsage({ kind }: ExportedEvent): boolean {
  return kind === "lookup";
}

function costOf({ amountMicros }: ExportedEvent): CsvNumber {
  return moneyCell(amountMicros);
}

function moneyCell(micros: number): CsvNumber {
  return { number: formatMicros(micros) };
}

function describe(event: ExportedEvent): string {
  if (!isUsage(event)) return "Adjustment";
  return `Score lookup: ${event.outcome}, ${event.billed ? "billed" : "not billed"}`;
}

function toSecond(ms: number): string {
  return `${formatUtc(ms).slice(0, 19)}Z`;
}
