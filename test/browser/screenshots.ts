import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { DEMO_CLOCK, furnishDemo } from "./support/demo_world.ts";
import { ADMIN_TOKEN, startPagesGateway } from "./support/gateway.ts";
import { newVisitor, signIn } from "./support/visitor.ts";

/**
 * `npm run screenshots`: pictures of every page of the console, the portal and the docs, filled by `demo fill`: in both
 * languages and themes, on a phone and in print, in `.tmp/screenshots/`, and the README's. Words choose: `npm run screenshots -- tenants phone`.
 */
const root = fileURLToPath(new URL("../..", import.meta.url).href);
const folder = join(root, ".tmp/screenshots");
const words = process.argv.slice(2);

const LOOKS = [
  { look: "pt-light", language: "pt-BR", isDark: false, width: 1280 },
  { look: "pt-dark", language: "pt-BR", isDark: true, width: 1280 },
  { look: "en-light", language: "en", isDark: false, width: 1280 },
  { look: "en-dark", language: "en", isDark: true, width: 1280 },
  { look: "pt-phone", language: "pt-BR", isDark: false, width: 390 },
  // A sheet of A4 within its margins, at 96 dots an inch.
  { look: "pt-print", language: "pt-BR", isDark: false, width: 718, media: "print" },
] as const;

/** The picture in the README, of what an operator sees first. */
const README_PICTURE = { name: "console-overview", look: "en-light", path: join(root, "docs/images/console.png") };
const DOCS = { home: "/", reference: "/docs", errors: "/docs/errors" };

/** What is seen only after something was done: on which page, and what. */
const ACTS: Readonly<Record<string, readonly [page: string, act: (page: Page) => Promise<void>]>> = {
  "console-search-open": [
    "console-overview",
    async (page) => {
      await page.keyboard.press("Control+k");
      await page.fill("dialog#search input[type=search]", "a");
      await page.waitForSelector("#dialog-hits a");
    },
  ],
  "console-plan-preview": ["console-plan", async (page) => await page.click("button[value=preview]")],
  "console-tenant-new-wrong": [
    "console-tenant-new",
    async (page) => {
      await page.fill("[name=name]", "Nova Financeira");
      await page.fill("[name=document]", "12.ABC.345/01DE-36");
      await page.fill("[name=customerId]", "nova");
      await page.click("main button.first");
    },
  ],
  "console-key-made": [
    "console-key-new",
    async (page) => {
      await page.fill("[name=label]", "vitrine");
      await page.click("main button.first");
    },
  ],
  "console-people-found": [
    "console-people",
    async (page) => {
      const form = page.locator("form", { has: page.locator("#f-from") });
      await form.locator("[name=cpf]").fill("710.000.000-95");
      await form.locator("[name=reason]").fill("pedido de acesso 2026-118");
      await form.locator("button.first").click();
    },
  ],
  "console-lookups-cpf": [
    "console-lookups",
    async (page) => {
      await page.fill("[name=text]", "529.982.247-25");
      await page.click("main button.first");
    },
  ],
  "portal-try-answer": [
    "portal-try",
    async (page) => {
      await page.click("button[value=score_1000]");
      await page.waitForSelector("#answer .badge");
    },
  ],
  "portal-statement-verified": [
    "portal-statement",
    async (page) => {
      await page.click("[data-verify] button");
      await page.waitForSelector("[data-verify] .notice");
    },
  ],
};

if (CHROMIUM === undefined) throw new Error("no Chromium is installed");
mkdirSync(folder, { recursive: true });
const [gateway, browser] = await Promise.all([startPagesGateway(DEMO_CLOCK), launchChromium()]);
const world = await furnishDemo(gateway);
for (const { look, language, isDark, width, ...rest } of LOOKS) {
  const visitor = await newVisitor(browser, gateway.url, { language, isDark, width });
  const { page } = visitor;
  const isWanted = (name: string) => words.every((word) => `${name} ${look}`.includes(word));
  const picture = async (name: string) => {
    const isReadmes = name === README_PICTURE.name && look === README_PICTURE.look;
    await page.waitForLoadState("networkidle");
    await page.evaluate("scrollTo(0, 0)");
    await page.emulateMedia({ media: "media" in rest ? rest.media : "screen" });
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
    if (isReadmes) await page.screenshot({ path: README_PICTURE.path, clip: { x: 0, y: 0, width, height: 690 } });
    await page.emulateMedia({ media: "screen" });
  };
  const take = async (name: string, path: string) => {
    if (isWanted(name)) {
      await page.goto(path);
      await picture(name);
    }
    for (const [actName, [where, act]] of Object.entries(ACTS)) {
      if (where !== name || !isWanted(actName)) continue;
      await page.goto(path);
      await act(page).catch(async (error: unknown) => {
        await picture(`${actName}-broken`);
        throw error;
      });
      await picture(actName);
    }
  };
  for (const [name, path] of Object.entries(DOCS)) await take(`docs-${name}`, path);
  await take("console-sign-in", "/console/sign-in");
  await take("portal-sign-in", "/portal/sign-in");
  await signIn(visitor, "console", ADMIN_TOKEN);
  for (const [name, path] of Object.entries(world.consolePaths)) await take(`console-${name}`, path);
  await signIn(visitor, "portal", world.key);
  for (const [name, path] of Object.entries(world.portalPaths)) await take(`portal-${name}`, path);
  await visitor.close();
}
await browser.close();
await gateway.stop();
console.log(`The pictures are in ${folder}`);
process.exit(0);
