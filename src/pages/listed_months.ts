import { html } from "hono/html";
import { requestsOf } from "../domain/usage.ts";
import type { ListedStatement } from "../gateway/read_statement.ts";
import type { Html } from "./html.ts";
import type { Format } from "./format.ts";

/** A month's lookups; so far, where it is open. A month that began before its first lookup has none. */
export function requestsOfMonth(month: ListedStatement): number {
  if (month.kind === "closed") return requestsOf(month.manifest.counts);
  return month.totals === null ? 0 : requestsOf(month.totals);
}

/** What is due for a closed month, or what an open one comes to so far. */
export function totalOfMonth(month: ListedStatement, format: Format, soFar: string): Html | string {
  if (month.kind === "closed") return format.amount(month.manifest.totals.amount);
  const micros = month.totals === null ? 0 : month.totals.amountMicros + month.totals.adjustmentMicros;
  return html`${format.money(micros)} <span class="quiet small">${soFar}</span>`;
}
