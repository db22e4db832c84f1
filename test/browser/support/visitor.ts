import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";

const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** A person's browser: what it complains of is kept, and every page is asked to have nothing to complain of. */
export type BrowserVisitor = {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: string[];
  readonly close: () => Promise<void>;
};

export async function newVisitor(
  browser: Browser,
  baseURL: string,
  options: { hasScript?: boolean; width?: number; language?: string; isDark?: boolean } = {},
): Promise<BrowserVisitor> {
  const { hasScript = true, width = 1280, language = "pt-BR", isDark = false } = options;
  const context = await browser.newContext({
    baseURL,
    javaScriptEnabled: hasScript,
    viewport: { width, height: 900 },
    locale: language,
    colorScheme: isDark ? "dark" : "light",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(baseURL) && !url.startsWith("data:")) complaints.push(`asked for ${url}`);
  });
  return { context, page, complaints, close: () => context.close() };
}

/** Signs in by the form, as a person does. */
export async function signIn({ page }: BrowserVisitor, place: "console" | "portal", credential: string): Promise<void> {
  await page.goto(`/${place}/sign-in`);
  await page.fill("input[name=credential]", credential);
  await page.click("button[type=submit].first");
}

/** What a screen reader's user would stumble over on the page as it stands, as axe-core names it. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // The page's policy is for its own scripts; this one comes from the browser's side.
  await page.evaluate(AXE);
  const found: { id: string; impact: string | null; nodes: { html: string }[] }[] = await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}
