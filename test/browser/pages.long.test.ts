import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findPersonalData } from "../support/personal_data.ts";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { furnish, type World } from "./support/furnish.ts";
import { ADMIN_TOKEN, startPagesGateway, type PagesGateway } from "./support/gateway.ts";
import { CUT_OFF, expectSound } from "./support/sound.ts";
import { newVisitor, seriousFaults, signIn } from "./support/visitor.ts";

if (CHROMIUM === undefined) console.warn("skipped: no Chromium is installed, no page was looked at");

describe.skipIf(CHROMIUM === undefined)("every page, in Chromium", { timeout: 120_000 }, () => {
  let gateway: PagesGateway;
  let browser: Browser;
  let world: World;

  beforeAll(async () => {
    [gateway, browser] = await Promise.all([startPagesGateway(), launchChromium()]);
    world = await furnish(gateway);
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await gateway.stop();
  });

  test("the first ones have nothing serious by axe, break no policy, show no CPF and no key", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    await signIn(visitor, "console", ADMIN_TOKEN);
    const { overview, tenants, tenant, month, audit } = world.consolePaths;
    for (const path of [overview, tenants, tenant, month, audit]) {
      await visitor.page.goto(path ?? "");
      expect(await seriousFaults(visitor.page), path).toEqual([]);
      await expectSound(visitor);
      const shown = await visitor.page.content();
      expect(findPersonalData(shown), path).toEqual([]);
      expect(shown, path).not.toContain(ADMIN_TOKEN);
    }
    await visitor.close();
  });

  test("the overview refreshes by itself, and keeps open what was opened", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await page.clock.install();
    await signIn(visitor, "console", ADMIN_TOKEN);
    await page.click("#live details summary");
    const refreshed = page.waitForResponse((response) => new URL(response.url()).pathname === "/console");
    await page.clock.fastForward(31_000);
    expect((await refreshed).status()).toBe(200);
    await page.clock.runFor(1000);
    expect(await page.locator("#live details").first().getAttribute("open")).not.toBeNull();
    await expectSound(visitor);
    await visitor.close();
  });

  test("Ctrl-K opens a search that answers as one types, and refuses a CPF", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await signIn(visitor, "console", ADMIN_TOKEN);
    // The script comes after the page.
    await page.waitForSelector("html[data-script]");
    await page.keyboard.press("Control+k");
    await page.fill("dialog#search input[type=search]", "são joão");
    await page.waitForSelector("#dialog-hits a:has-text('Loja São João')");
    await page.fill("dialog#search input[type=search]", "529.982.247-25");
    await page.waitForSelector("#dialog-hits [role=alert]");
    expect(page.url()).not.toContain("529");
    await page.fill("dialog#search input[type=search]", "são joão");
    await page.waitForSelector("#dialog-hits a:has-text('Loja São João')");
    for (const key of ["ArrowDown", "ArrowUp", "ArrowDown"]) await page.keyboard.press(key);
    expect(await page.evaluate("document.activeElement.textContent")).toContain("Loja São João");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/console/tenants/ten_*");
    expect(new URL(page.url()).pathname).toBe(`/console/tenants/${world.tenantId}`);
    await expectSound(visitor);
    await visitor.close();
  });

  test("the search shows what was typed last, however slow the answers before it are", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await signIn(visitor, "console", ADMIN_TOKEN);
    await page.route("**/console/search", async (route) => {
      await new Promise((done) => setTimeout(done, 1500));
      // One that was given up for a later one has nobody to be told.
      await route.continue().catch(() => undefined);
    });
    // The script comes after the page.
    await page.waitForSelector("html[data-script]");
    await page.keyboard.press("Control+k");
    for (const text of ["nobody", "nobody at all", "são joão"]) {
      const sent = page.waitForRequest("**/console/search");
      await page.fill("dialog#search input[type=search]", text);
      await sent;
    }
    await page.waitForSelector("#dialog-hits a:has-text('Loja São João')");
    await visitor.close();
  });

  test("Claro's report is sent with a bar that tells how far it is, and what is wrong with one is shown", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const { page, context } = visitor;
    await signIn(visitor, "console", ADMIN_TOKEN);
    const path = world.consolePaths["month-ended"] ?? "";
    await page.goto(path);
    const bar = page.locator("form[data-upload] progress");
    const send = async (text: string) => {
      const file = { name: "claro.csv", mimeType: "text/csv", buffer: Buffer.from(text) };
      await page.setInputFiles("#f-report", file);
      await page.click("form[data-upload] button");
    };
    expect(await bar.isVisible()).toBe(false);
    await send("what is this,\n");
    await page.waitForSelector("main [role=alert]");
    expect(await page.textContent("main [role=alert]")).not.toBe("");
    visitor.complaints.splice(0);
    await page.goto(path);
    const network = await context.newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 150_000 };
    await network.send("Network.emulateNetworkConditions", slow);
    const at = `${path.slice(-7)}-10T12:00:00Z`;
    const lines = Array.from({ length: 5000 }, (_, n) => `tx-${n},${at},cliente_0,200`);
    await send(lines.join("\n"));
    await expect
      .poll(() => bar.evaluate((element) => (element as unknown as { value: number }).value), { timeout: 10_000 })
      .toBeGreaterThan(0);
    expect(await page.textContent("form[data-upload] [role=status]")).toMatch(/^\d+ %$/);
    await network.send("Network.emulateNetworkConditions", { ...slow, uploadThroughput: -1 });
    await page.waitForURL("**/console/reconciliations/rec_*");
    await expectSound(visitor);
    await visitor.close();
  });

  test("pages print without what is only for the screen, within a sheet of A4", async () => {
    const visitor = await newVisitor(browser, gateway.url, { width: 718 });
    const { page } = visitor;
    await page.emulateMedia({ media: "print" });
    for (const [place, credential, paths] of [
      [
        "console",
        ADMIN_TOKEN,
        ["tenant", "tenants", "month", "audit", "statement", "overview"].map((name) => world.consolePaths[name]),
      ],
      ["portal", world.key, ["integrate", "usage", "statements"].map((name) => world.portalPaths[name])],
    ] as const) {
      await page.emulateMedia({ media: "screen" });
      await signIn(visitor, place, credential);
      await page.emulateMedia({ media: "print" });
      for (const path of paths) {
        await page.goto(path ?? "");
        expect(await page.locator("h1").isVisible(), path).toBe(true);
        for (const hidden of ["nav.pages", ".bar .end", "details.act", "main form", "main button", ".no-print"]) {
          expect(await page.locator(`${hidden} >> visible=true`).count(), `${path}: ${hidden}`).toBe(0);
        }
        expect(await page.evaluate(CUT_OFF), `${path}: tables that are cut off`).toBe(0);
        expect(await page.evaluate("getComputedStyle(document.body).backgroundColor"), path).toBe("rgb(255, 255, 255)");
        await expectSound(visitor);
      }
    }
    expect((await page.pdf({ format: "A4" })).subarray(0, 5).toString()).toBe("%PDF-");
    await visitor.close();
  });

  test("an operator makes a tenant, a key and a plan, and suspends it, with scripts off", async () => {
    const visitor = await newVisitor(browser, gateway.url, { hasScript: false });
    const { page } = visitor;
    await signIn(visitor, "console", ADMIN_TOKEN);
    await page.goto("/console/tenants/new");
    await page.fill("[name=name]", "Nova Financeira");
    await page.fill("[name=document]", "12.ABC.345/01DE-36");
    await page.fill("[name=customerId]", "nova");
    await page.click("main button.first");
    expect(await page.textContent("[aria-invalid=true] ~ .fault")).toContain("CNPJ");
    expect(await page.inputValue("[name=name]")).toBe("Nova Financeira");
    visitor.complaints.splice(0);
    await page.fill("[name=document]", "12.ABC.345/01DE-35");
    await page.click("main button.first");
    expect(await page.textContent("h1")).toBe("Nova Financeira");
    const home = new URL(page.url()).pathname;
    await page.goto(`${home}/keys/new`);
    await page.fill("[name=label]", "loja");
    await page.click("main button.first");
    const key = (await page.textContent("#secret")) ?? "";
    expect(key).toMatch(/^csg_test_/);
    await page.goto(`${home}/plan`);
    await page.fill("[name=tiers]", "100: 0,20\n0.10");
    await page.click("button[value=preview]");
    expect(await page.textContent("main")).toContain("R$");
    await page.click("button[value=apply]");
    expect(await page.textContent("main")).toContain("0,20");
    expect((await fetch(`${gateway.url}/v1/usage`, { headers: { "x-api-key": key } })).status).toBe(200);
    await page.click("summary:has-text('Suspender')");
    await page.click(`form[action="${home}/suspend"] button`);
    expect((await fetch(`${gateway.url}/v1/usage`, { headers: { "x-api-key": key } })).status).toBe(403);
    await expectSound(visitor);
    await visitor.close();
  });
});
