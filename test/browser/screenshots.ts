import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";
import { ADMIN_TOKEN, startPagesGateway } from "./support/gateway.ts";
import { furnish } from "./support/furnish.ts";
import { newVisitor, signIn } from "./support/visitor.ts";

/**
 * `npm run screenshots`: pictures of every page of the console and the portal, in both languages and themes and on a
 * phone, in `.tmp/screenshots/`. Words choose: `npm run screenshots -- tenants phone`.
 */
const folder = join(fileURLToPath(new URL("../..", import.meta.url).href), ".tmp/screenshots");
const words = process.argv.slice(2);

const LOOKS = [
  { look: "pt-light", language: "pt-BR", isDark: false, width: 1280 },
  { look: "pt-dark", language: "pt-BR", isDark: true, width: 1280 },
  { look: "en-light", language: "en", isDark: false, width: 1280 },
  { look: "en-dark", language: "en", isDark: true, width: 1280 },
  { look: "pt-phone", language: "pt-BR", isDark: false, width: 360 },
] as const;

if (CHROMIUM === undefined) throw new Error("no Chromium is installed");
mkdirSync(folder, { recursive: true });
const [gateway, browser] = await Promise.all([startPagesGateway(), launchChromium()]);
const world = await furnish(gateway);
for (const { look, language, isDark, width } of LOOKS) {
  const visitor = await newVisitor(browser, gateway.url, { language, isDark, width });
  const take = async (name: string, path: string) => {
    if (!words.every((word) => `${name} ${look}`.includes(word))) return;
    await visitor.page.goto(path);
    await visitor.page.waitForLoadState("networkidle");
    await visitor.page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
  };
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
