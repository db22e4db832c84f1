import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { TOKEN } from "./stand_in/api_server.ts";
import { newWorld, secretsOf } from "./world.ts";

const RUN_TIMEOUT_MS = 120_000;

/** `script`, of util-linux, gives a terminal to a program. */
function hasScript(): boolean {
  try {
    return execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux");
  } catch {
    return false;
  }
}

test.skipIf(!hasScript())(
  "at a terminal it asks once, then for Claro's credentials, and shows the admin token there even when the output goes to a file",
  async () => {
    const { api, checkout } = await newWorld({ edge: false });
    const log = join(checkout.temporary, "log");
    // A terminal without a width gets every letter on a line of its own.
    const command = `stty cols 200 rows 50; ${process.execPath} ${join(checkout.dir, "src/ctl/deploy.ts")} --no-check > ${log}; exit $?`;
    const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: checkout.dir,
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        PATH: process.env["PATH"],
        SHELL: "/bin/sh",
        TERM: "xterm",
        HOME: checkout.temporary,
        TMPDIR: checkout.temporary,
        CLOUDFLARE_API_BASE_URL: api.url,
        CLOUDFLARE_API_TOKEN: TOKEN,
      } as unknown as NodeJS.ProcessEnv,
    });
    // Each question, in order, with what is typed.
    const typed: [RegExp, string][] = [
      [/Deploy this\?/, "y"],
      [/CLARO_CLIENT_ID \(/, "id-from-claro\r"],
      [/CLARO_CLIENT_SECRET \(/, "typed-by-hand-9f31\r"],
    ];
    let [screen, seenUpTo] = ["", 0];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      screen += stripVTControlCharacters(chunk);
      const [question] = typed;
      if (question === undefined || !question[0].test(screen.slice(seenUpTo))) return;
      seenUpTo = screen.length;
      typed.shift();
      setTimeout(() => child.stdin.write(question[1]), 200);
    });
    const code = await new Promise((done) => child.once("close", done));
    expect(screen).toContain("Admin token");
    expect(code).toBe(0);
    expect(typed).toEqual([]);
    const secrets = secretsOf(api);
    expect(secrets).toMatchObject({ CLARO_CLIENT_ID: "id-from-claro", CLARO_CLIENT_SECRET: "typed-by-hand-9f31" });
    expect(screen.split(secrets["ADMIN_TOKEN"]!).length - 1).toBe(1);
    expect(screen).not.toContain("typed-by-hand-9f31");
    const written = readFileSync(log, "utf8");
    expect(written).toContain("Uploaded ");
    for (const value of Object.values(secrets)) expect(written).not.toContain(value);
  },
  RUN_TIMEOUT_MS,
);
