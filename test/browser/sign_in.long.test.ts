import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../e2e/support/processes.ts";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { ADMIN_TOKEN, startPagesGateway, type PagesGateway } from "./support/gateway.ts";
import { expectSound } from "./support/sound.ts";
import { newVisitor, seriousFaults, signIn } from "./support/visitor.ts";

if (CHROMIUM === undefined) console.warn("skipped: no Chromium is installed, nobody signed in to console and portal");

describe.skipIf(CHROMIUM === undefined)("signing in, in Chromium", { timeout: 60_000 }, () => {
  let gateway: PagesGateway;
  let browser: Browser;
  let tenant: { id: string };
  let key: { key: string };

  beforeAll(async () => {
    [gateway, browser] = await Promise.all([startPagesGateway(), launchChromium()]);
    tenant = await gateway.admin("/tenants", {
      name: "Loja São João",
      document: "12ABC34501DE35",
      customerId: "loja",
      plan: "pay-per-use",
    });
    key = await gateway.admin(`/tenants/${tenant.id}/keys`, { mode: "test", label: "vitrine" });
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await gateway.stop();
  });

  test.each([
    { hasScript: true, width: 1280 },
    { hasScript: false, width: 1280 },
    { hasScript: true, width: 360 },
  ])("an operator and a partner come in and leave, $width px, script: $hasScript", async (options) => {
    const visitor = await newVisitor(browser, gateway.url, options);
    const { page, context } = visitor;
    for (const [place, credential] of [
      ["console", ADMIN_TOKEN],
      ["portal", key.key],
    ] as const) {
      await page.goto(`/${place}`);
      expect(new URL(page.url()).pathname).toBe(`/${place}/sign-in`);
      await expectSound(visitor);
      await page.fill("input[name=credential]", "csg_op_wrong");
      await page.click("button.first");
      expect(await page.textContent("[role=alert]")).not.toBe("");
      // A browser says on its console that a page came with an error's status.
      visitor.complaints.splice(0);
      await signIn(visitor, place, credential);
      expect(new URL(page.url()).pathname).toBe(`/${place}`);
      if (options.hasScript) expect(await seriousFaults(page)).toEqual([]);
      await expectSound(visitor);
      expect(await page.content()).not.toContain(credential);
      const cookies = (await context.cookies()).filter(({ name }) => name.includes(place));
      expect(cookies).toMatchObject([{ httpOnly: true, sameSite: "Lax", path: "/" }]);
      await page.click(".menu > summary");
      await page.click(`form[action="/${place}/sign-out"] button`);
      expect(new URL(page.url()).pathname).toBe(`/${place}/sign-in`);
      await page.goto(`/${place}`);
      expect(new URL(page.url()).pathname).toBe(`/${place}/sign-in`);
      await expectSound(visitor);
    }
    await visitor.close();
  });

  test("language and theme are chosen by links, and kept", async () => {
    const visitor = await newVisitor(browser, gateway.url, { hasScript: false });
    const { page } = visitor;
    await page.goto("/console/sign-in?lang=en");
    expect(await page.getAttribute("html", "lang")).toBe("en");
    expect(page.url()).not.toContain("lang=");
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.goto("/console/sign-in?theme=dark");
    expect(await ground()).not.toBe(light);
    await page.goto("/portal/sign-in");
    expect(await page.getAttribute("html", "lang")).toBe("en");
    expect(await page.getAttribute("html", "data-theme")).toBe("dark");
    await expectSound(visitor);
    await visitor.close();
  });

  test("a link that the command line makes shows a button, signs in once, and is over; --revoke ends its session", async () => {
    const url = (await portalLink(tenant.id)).trim();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/portal\/link\/[\w-]+$/);
    const visitor = await newVisitor(browser, gateway.url);
    const { page } = visitor;
    await page.goto(url);
    await page.goto(url);
    expect(await seriousFaults(page)).toEqual([]);
    await page.click("button.first");
    expect(new URL(page.url()).pathname).toBe("/portal");
    expect(await page.textContent("h1")).toBe("Loja São João");
    await expectSound(visitor);
    const other = await newVisitor(browser, gateway.url);
    expect((await other.page.goto(url))?.status()).toBe(404);
    await page.goto("/portal/usage");
    expect(new URL(page.url()).pathname).toBe("/portal/usage");
    expect(await portalLink(tenant.id, "--revoke")).toContain("over since");
    await page.goto("/portal/usage");
    expect(new URL(page.url()).pathname).toBe("/portal/sign-in");
    expect(await portalLink(tenant.id, "--json")).toContain('"expiresAt"');
    await Promise.all([visitor.close(), other.close()]);
  });

  async function portalLink(...args: string[]): Promise<string> {
    const env = { CLARO_GATEWAY_URL: gateway.url, CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN };
    const running = run(process.execPath, ["src/ctl/ctl.ts", "tenants", "portal-link", ...args], env);
    expect(await running.exited, running.output.stderr).toBe(0);
    return running.output.stdout;
  }

  test("the first page comes in three requests, and in under 60 kB as a browser gets it", async () => {
    const visitor = await newVisitor(browser, gateway.url);
    await signIn(visitor, "console", ADMIN_TOKEN);
    const context = await browser.newContext({ storageState: await visitor.context.storageState() });
    const page = await context.newPage();
    const bodies: Promise<Buffer>[] = [];
    page.on("response", (response) => {
      if (response.url().startsWith("data:")) return;
      bodies.push(response.body());
    });
    await page.goto(`${gateway.url}/console`);
    await page.waitForLoadState("networkidle");
    expect(bodies.length).toBe(3);
    const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body).length);
    expect(sizes.reduce((sum, bytes) => sum + bytes)).toBeLessThan(60_000);
    await context.close();
    await visitor.close();
  });
});
