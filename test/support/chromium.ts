import { spawnSync } from "node:child_process";
import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const found = NAMES.map((name) => spawnSync("which", [name]).stdout.toString().trim()).find((path) => path !== "");

/** The Chromium of this machine; undefined where there is none, and then what needs it is skipped with a word. */
export const CHROMIUM: string | undefined = found;

export async function launchChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error("no Chromium is installed");
  return await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
}
