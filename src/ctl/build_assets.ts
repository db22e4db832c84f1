import { writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** `npm run assets`: makes the pages' style and script, with htmx in it, one file each whose name says what is in it. */
const browser = fileURLToPath(new URL("../pages/browser/", import.meta.url).href);

/** The module that the Worker serves them from. A test compares it with what is committed. */
export async function assetsModule(): Promise<string> {
  const [style, script] = await Promise.all([bundle("style.css"), bundle("app.ts")]);
  return [
    "/** Made by `npm run assets`; do not edit. */",
    `export const STYLE = ${JSON.stringify(asset("css", style))};`,
    `export const SCRIPT = ${JSON.stringify(asset("js", script))};`,
    "",
  ].join("\n");
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${browser}${entry}`],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2023",
    charset: "utf8",
    legalComments: "none",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`nothing was made of ${entry}`);
  return file.text;
}

function asset(ending: string, text: string): { path: string; text: string } {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { path: `/assets/${hash}.${ending}`, text };
}

if (import.meta.main) {
  writeFileSync(fileURLToPath(new URL("../pages/built_assets.ts", import.meta.url).href), await assetsModule());
}
