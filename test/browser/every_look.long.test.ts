import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findPersonalData } from "../support/personal_data.ts";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { furnish, type World } from "./support/furnish.ts";
import { ADMIN_TOKEN, startPagesGateway, type PagesGateway } from "./support/gateway.ts";
import { CUT_OFF, expectSound } from "./support/sound.ts";
import { newVisitor, seriousFaults, signIn } from "./support/visitor.ts";

if (CHROMIUM === undefined) console.warn("skipped: no Chromium is installed, no page was looked at in every look");

describe.skipIf(CHROMIUM === undefined)("every page in every look, in Chromium", { timeout: 120_000 }, () => {
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

  test("each has nothing serious by axe, breaks no policy, shows no CPF and no key, wide and light", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    const faults: string[] = [];
    for (const [place, credential, paths] of places()) {
      await signIn(visitor, place, credential);
      for (const path of paths) {
        await visitor.page.goto(path);
        // A browser says on its console that a page came with an error's status.
        if (path.endsWith("/nothing")) visitor.complaints.splice(0);
        faults.push(...(await seriousFaults(visitor.page)).map((fault) => `${path}: ${fault}`));
        await expectSound(visitor);
        const shown = await visitor.page.content();
        expect(findPersonalData(shown), path).toEqual([]);
        expect(shown, path).not.toContain(credential);
      }
    }
    expect(faults).toEqual([]);
    await visitor.close();
  });

  test.each([
    { width: 360, isDark: true, language: "en" },
    { width: 360, isDark: false, language: "pt-BR", hasScript: false },
  ])("stays within the window at $width px, dark: $isDark, $language", async (options) => {
    const visitor = await newVisitor(browser, gateway.url, options);
    for (const [place, credential, paths] of places()) {
      await signIn(visitor, place, credential);
      for (const path of paths) {
        await visitor.page.goto(path);
        if (path.endsWith("/nothing")) visitor.complaints.splice(0);
        await expectSound(visitor);
      }
    }
    await visitor.close();
  });

  test("prints within a sheet of A4, with no table cut off", async () => {
    const visitor = await newVisitor(browser, gateway.url, { width: 718 });
    const { page } = visitor;
    for (const [place, credential, paths] of places()) {
      await page.emulateMedia({ media: "screen" });
      await signIn(visitor, place, credential);
      await page.emulateMedia({ media: "print" });
      for (const path of paths) {
        await page.goto(path);
        if (path.endsWith("/nothing")) visitor.complaints.splice(0);
        expect(await page.evaluate(CUT_OFF), path).toBe(0);
        await expectSound(visitor);
      }
    }
    await visitor.close();
  });

  test("in the dark has enough contrast too", async () => {
    const visitor = await newVisitor(browser, gateway.url, { isDark: true });
    await signIn(visitor, "console", ADMIN_TOKEN);
    const { overview, tenants, month, plan, health } = world.consolePaths;
    for (const path of [overview, tenants, month, plan, health]) {
      await visitor.page.goto(path ?? "");
      expect(await seriousFaults(visitor.page), path).toEqual([]);
    }
    await visitor.close();
  });

  function places() {
    return [
      ["console", ADMIN_TOKEN, Object.values(world.consolePaths)],
      ["portal", world.key, Object.values(world.portalPaths)],
    ] as const;
  }
});
