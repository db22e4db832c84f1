/**
 * What Cloudflare charges on the Workers Paid plan beyond what its 5 dollars a month include, as published: one table for
 * everything that is multiplied by a price. `source` is the very revision of the documentation that was read.
 */
export const PRICES_READ_ON = "2026-11-26";

/** `usd` for `per` of what is counted: operations, milliseconds, GB-s or bytes. */
type Price = { readonly usd: number; readonly per: number; readonly unit: string; readonly source: string };

const DOCS = "https://github.com/cloudflare/cloudflare-docs/blob";
const MILLION = 1_000_000;
const GB = 1_000_000_000;

const WORKERS = `${DOCS}/07acbb6612b5cefa1f8348106c158b0814a2972a/src/content/docs/workers/platform/pricing.mdx`;
const OBJECTS = `${DOCS}/07e200b7edc6c86d5a900ae27b27b0b5ee368ecf/src/content/partials/durable-objects/durable-objects-pricing.mdx`;
const KV = `${DOCS}/16f657ef1f0acbe7053c6280059a1efaad325f86/src/content/partials/workers/kv_pricing.mdx`;
const D1 = `${DOCS}/25a83cedcf38e18ff93a5b1e6f10a8aab3ed7561/src/content/partials/workers/d1-pricing.mdx`;
const R2 = `${DOCS}/07ec87d4f0b2bb3dd731f801af428f16d6c1b71d/src/content/docs/r2/pricing.mdx`;
/** In force from 2026-12-01; until then Workers Logs are 0.60 dollars a million lines, however long. */
const LOGS = `${DOCS}/0ec9be225fd9f7ad4df5f3fccefa586439e53536/src/content/docs/observability/pricing/index.mdx`;

export const PRICES = {
  workerRequest: { usd: 0.3, per: MILLION, unit: "million requests", source: WORKERS },
  cpuMs: { usd: 0.02, per: MILLION, unit: "million ms", source: WORKERS },
  objectRequest: { usd: 0.15, per: MILLION, unit: "million requests", source: OBJECTS },
  objectGbSecond: { usd: 12.5, per: MILLION, unit: "million GB-s", source: OBJECTS },
  objectRowRead: { usd: 0.001, per: MILLION, unit: "million rows", source: OBJECTS },
  objectRowWritten: { usd: 1, per: MILLION, unit: "million rows", source: OBJECTS },
  objectGbMonth: { usd: 0.2, per: GB, unit: "GB-month", source: OBJECTS },
  kvRead: { usd: 0.5, per: MILLION, unit: "million reads", source: KV },
  kvWrite: { usd: 5, per: MILLION, unit: "million writes", source: KV },
  d1RowRead: { usd: 0.001, per: MILLION, unit: "million rows", source: D1 },
  d1RowWritten: { usd: 1, per: MILLION, unit: "million rows", source: D1 },
  d1GbMonth: { usd: 0.75, per: GB, unit: "GB-month", source: D1 },
  r2ClassA: { usd: 4.5, per: MILLION, unit: "million operations", source: R2 },
  r2ClassB: { usd: 0.36, per: MILLION, unit: "million operations", source: R2 },
  r2GbMonth: { usd: 0.015, per: GB, unit: "GB-month", source: R2 },
  logGb: { usd: 0.25, per: GB, unit: "GB", source: LOGS },
  logGbMonth: { usd: 0.1, per: GB, unit: "GB-month", source: LOGS },
} as const satisfies Record<string, Price>;
