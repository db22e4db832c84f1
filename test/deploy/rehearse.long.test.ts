import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const REHEARSE = fileURLToPath(new URL("rehearse.ts", import.meta.url).href);

test("npm run deploy:rehearsal deploys to an empty stand-in, and what is deployed answers until Enter", async () => {
  const rehearsal = spawn(process.execPath, [REHEARSE, "--yes"], {
    env: { ...process.env, CLARO_CLIENT_ID: "any", CLARO_CLIENT_SECRET: "text" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => rehearsal.once("close", resolve));
  let said = "";
  let isAsked = false;
  for await (const chunk of rehearsal.stdout.setEncoding("utf8") as AsyncIterable<string>) {
    said += chunk;
    const [, url] = /answers at (\S+) until you press Enter[^]*curl/.exec(said) ?? [];
    if (url === undefined || isAsked) continue;
    isAsked = true;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    rehearsal.stdin.end("\n");
  }
  expect(await ended, said).toBe(0);
  expect(said).toContain("A sandbox lookup gave a score.");
  expect(said).toContain("The rehearsal's gateway has ended.");
}, 120_000);
