import { expect } from "vitest";
import type { BrowserVisitor } from "./visitor.ts";

/** Runs in the page: what is wider than the window. */
const WIDER = `[...document.querySelectorAll("body *")]
  .filter((element) => !element.closest(".scroll, pre, .pages, .visually-hidden, dialog:not([open]), details:not([open]) > :not(summary)"))
  .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((element) => element.outerHTML.slice(0, 120))`;

/** Runs in the page: how many tables are wider than their place, which paper cannot scroll. */
export const CUT_OFF = `[...document.querySelectorAll(".scroll")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).length`;

/** A page that looks as it should: nothing runs out of the window, nothing is complained of. */
export async function expectSound(visitor: BrowserVisitor): Promise<void> {
  const { page, complaints } = visitor;
  expect(await page.evaluate(WIDER), page.url()).toEqual([]);
  expect(await page.evaluate("document.querySelectorAll('[style]').length"), page.url()).toBe(0);
  expect(complaints, page.url()).toEqual([]);
}
