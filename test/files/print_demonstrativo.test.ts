import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { DOCUMENTS, page } from "../domain/export/documents.ts";

if (CHROMIUM === undefined) console.warn("skipped: no Chromium is installed, demonstrativo.html was not printed");

/** Runs in the page: what stands beyond the paper's edge, and the colour of a line that only the style draws. */
const LAYOUT = `({
  outside: [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 200)),
  line: getComputedStyle(document.querySelector(".top")).borderBottomColor,
})`;

describe.skipIf(CHROMIUM === undefined)("demonstrativo.html, printed by Chromium", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "demonstrativo-"));
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(Object.keys(DOCUMENTS))(
    "%s: on A4, in its own style, within the paper's width, without asking for anything",
    async (name) => {
      const path = join(folder, `${name}.html`);
      writeFileSync(path, page(name));
      const tab = await browser.newPage({ viewport: { width: 673, height: 1000 } });
      const complaints: string[] = [];
      tab.on("console", (message) => complaints.push(message.text()));
      tab.on("request", (request) => {
        if (request.url() !== `file://${path}`) complaints.push(request.url());
      });
      await tab.goto(`file://${path}`);
      await tab.emulateMedia({ media: "print" });
      const layout = await tab.evaluate(LAYOUT);
      expect(layout).toEqual({ outside: [], line: "rgb(31, 58, 95)" });
      const pdf = (await tab.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
      const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf) ?? [];
      expect([Math.round(Number(width)), Math.round(Number(height))]).toEqual([595, 842]);
      const pages = [...pdf.matchAll(/\/Type \/Page\b/g)].length;
      expect(pages).toBeGreaterThan(0);
      if (["usual", "empty", "open"].includes(name)) expect(pages).toBe(1);
      expect(complaints).toEqual([]);
      await tab.close();
    },
  );
});
