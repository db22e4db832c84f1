import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nextPeriod, periodBounds, periodOf, previousPeriod } from "../../src/domain/period.ts";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { startPagesGateway, type PagesGateway } from "./support/gateway.ts";
import { expectSound } from "./support/sound.ts";
import { newVisitor, seriousFaults, signIn } from "./support/visitor.ts";

if (CHROMIUM === undefined) console.warn("skipped: no Chromium is installed, the portal was not looked at");

const CPF = "52998224725";
const HOUR_MS = 3_600_000;
const LAST_MONTH = previousPeriod(periodOf(Date.now()));
const BEFORE_THAT = previousPeriod(LAST_MONTH);
const PATHS = [
  "/portal",
  "/portal/try",
  "/portal/keys",
  "/portal/usage",
  "/portal/usage?by=key",
  "/portal/statements",
  `/portal/statements/${LAST_MONTH}`,
  `/portal/statements/${nextPeriod(LAST_MONTH)}`,
  "/portal/lookups?text=pedido-1",
  "/portal/integrate",
];

describe.skipIf(CHROMIUM === undefined)("the portal, in Chromium", { timeout: 120_000 }, () => {
  let gateway: PagesGateway;
  let browser: Browser;
  let key: string;

  const standAt = async (atMs: number | null) =>
    await gateway.admin("/local-clock", { offsetMs: atMs === null ? null : atMs - Date.now() });

  beforeAll(async () => {
    [gateway, browser] = await Promise.all([startPagesGateway(), launchChromium()]);
    await standAt(periodBounds(BEFORE_THAT).startMs + HOUR_MS);
    const about = {
      name: "Loja São João do Nome Muito Comprido Comércio de Móveis",
      document: "12ABC34501DE35",
      customerId: "loja",
    };
    const plan = { name: "pay-per-use", monthlySpendCapMicros: 1_000_000, readsPerMinute: 10_000 };
    const { id } = await gateway.admin<{ id: string }>("/tenants", { ...about, plan });
    const scopes = ["scores:read", "usage:read", "statements:read", "keys:manage"];
    ({ key } = await gateway.admin<{ key: string }>(`/tenants/${id}/keys`, {
      mode: "live",
      label: "checkout",
      scopes,
    }));
    await gateway.admin(`/tenants/${id}/keys`, { mode: "test", label: "homologação" });
    for (const period of [BEFORE_THAT, LAST_MONTH, nextPeriod(LAST_MONTH)]) {
      if (period > LAST_MONTH) await standAt(null);
      else await standAt(periodBounds(period).startMs + 2 * HOUR_MS);
      for (const reference of ["pedido-1", "pedido-2"]) {
        const response = await fetch(`${gateway.url}/v1/scores`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify({ cpf: CPF, reference }),
        });
        if (!response.ok) throw new Error(`a lookup answered ${response.status}`);
      }
      if (period > LAST_MONTH) continue;
      await standAt(periodBounds(period).endMs + 30 * HOUR_MS);
      await gateway.admin(`/periods/${period}/close`, {});
    }
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await gateway.stop();
  });

  test.each([
    { language: "pt-BR", isDark: false, width: 1280, hasScript: true },
    { language: "en", isDark: true, width: 360, hasScript: true },
    { language: "pt-BR", isDark: true, width: 360, hasScript: false },
  ])("every page is sound: $language, dark: $isDark, $width px, script: $hasScript", async (options) => {
    const visitor = await newVisitor(browser, gateway.url, options);
    await signIn(visitor, "portal", key);
    for (const path of PATHS) {
      const response = await visitor.page.goto(path);
      expect([path, response?.status()]).toEqual([path, 200]);
      await expectSound(visitor);
      if (options.hasScript) expect([path, await seriousFaults(visitor.page)]).toEqual([path, []]);
    }
    await visitor.close();
  });

  test.each([true, false])("a magic answer is one click away, script: %s", async (hasScript) => {
    const visitor = await newVisitor(browser, gateway.url, { hasScript });
    const { page } = visitor;
    await signIn(visitor, "portal", key);
    await page.goto("/portal/try");
    await page.click("button[value=score_1000]");
    await page.waitForSelector("#answer .badge");
    expect(await page.textContent("#answer")).toContain('"score": 1000');
    await page.click("button[value=not_found]");
    await page.waitForSelector("#answer .badge.warn");
    expect(await page.textContent("#answer")).toContain("score_not_found");
    expect(page.url()).toBe(`${gateway.url}/portal/try`);
    await expectSound(visitor);
    await visitor.close();
  });

  test("each of the eight samples is copied whole by its button, and Escape closes the menu", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page, context } = visitor;
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await signIn(visitor, "portal", key);
    await page.goto("/portal/try");
    await page.waitForSelector("html[data-script]");
    const samples = await page.locator("details:has([data-copy])").all();
    expect(samples).toHaveLength(8);
    const copied: string[] = [];
    for (const sample of samples) {
      if ((await sample.getAttribute("open")) === null) await sample.locator("summary").press("Enter");
      await sample.locator("[data-copy]").press("Enter");
      await expect.poll(() => sample.locator("[data-copy]").textContent()).toContain("Copiado");
      const text = await page.evaluate<string>("navigator.clipboard.readText()");
      expect(text).toBe((await sample.locator("pre").textContent())?.trim());
      expect(text).not.toContain(key);
      copied.push(text);
    }
    expect(new Set(copied).size).toBe(8);
    await page.press(".menu > summary", "Enter");
    expect(await page.getAttribute(".menu", "open")).not.toBeNull();
    await page.keyboard.press("Escape");
    expect(await page.getAttribute(".menu", "open")).toBeNull();
    expect(await page.evaluate("document.activeElement.matches('.menu > summary')")).toBe(true);
    await expectSound(visitor);
    await visitor.close();
  });

  test("where a browser lets no page copy, the text is marked for the reader", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await page.addInitScript("navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))");
    await signIn(visitor, "portal", key);
    await page.goto("/portal/try");
    await page.waitForSelector("html[data-script]");
    await page.click("[data-copy='#sample-curl']");
    const marked = () => page.evaluate<string>("getSelection().toString().trim()");
    await expect.poll(marked).toBe((await page.textContent("#sample-curl"))?.trim());
    await expectSound(visitor);
    await visitor.close();
  });

  test("a statement is checked in the browser, and one that was changed on its way does not hold", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await signIn(visitor, "portal", key);
    await page.goto(`/portal/statements/${LAST_MONTH}`);
    await page.click("[data-verify] button");
    await page.waitForSelector("[data-verify] .notice");
    expect(await page.getAttribute("[data-verify] [role=status]", "class")).toBe("notice good");
    await expectSound(visitor);
    await page.route(`**/${LAST_MONTH}/events.csv`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${await response.text()}\n` });
    });
    await page.reload();
    await page.click("[data-verify] button");
    await page.waitForSelector("[data-verify] .notice");
    expect(await page.textContent("[data-verify] [role=status]")).toContain("file_size_mismatch (events.csv)");
    await visitor.close();
  });

  test("a key is made, copied from the page that shows it once, and revoked", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await signIn(visitor, "portal", key);
    await page.goto("/portal/keys");
    await page.fill("#f-label", "caixa 3");
    await page.click("form[action='/portal/keys'] button.first");
    const made = (await page.textContent("#new-key"))?.trim() ?? "";
    expect(made).toMatch(/^csg_test_\w{10}_\w{32}$/);
    await page.click("main a.button");
    const row = page.locator("tr", { hasText: "caixa 3" });
    await row.locator("details", { hasText: "Revogar" }).locator("summary").click();
    await row.locator("input[name=confirm]").fill(made.slice(15, 19));
    await row.locator("button.danger").click();
    expect(await page.textContent(".notice.good")).toContain("revogada");
    await expectSound(visitor);
    await visitor.close();
  });
});
