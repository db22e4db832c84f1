import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";
import { WORKER } from "./checkout.ts";
import { answering, newWorld, secretsOf } from "./world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url).href);
const PAGE_TIMEOUT_MS = 300_000;
const section =
  /^## Deploying$[\s\S]*?(?=^## |$(?![\s\S]))/m.exec(readFileSync(join(ROOT, "docs/operations.md"), "utf8"))?.[0] ?? "";

/** What an operator types, without what stands after it for the reader. */
const commands = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
  block
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== ""),
);

test(
  "docs/operations.md, Deploying: every command, in the order of the page, does what the page says",
  async () => {
    expect(commands.length).toBeGreaterThan(7);
    const { checkout, api, edge, deploy, deployWithToken } = await newWorld({ edge: true });
    for (const command of commands) {
      // The one step before, which needs a browser; the stand-in's token takes its place.
      if (command === "npx wrangler login") continue;
      if (command === "npm run ctl -- health") {
        const { stdout } = await promisify(execFile)(
          process.execPath,
          [join(checkout.dir, "src/ctl/ctl.ts"), "health"],
          {
            env: {
              PATH: process.env["PATH"],
              CLARO_GATEWAY_URL: edge!.url,
              CLARO_GATEWAY_ADMIN_TOKEN: secretsOf(api)["ADMIN_TOKEN"],
            } as unknown as NodeJS.ProcessEnv,
          },
        );
        const [commit] = Object.keys(answering(api));
        expect(stdout).toMatch(
          new RegExp(
            `0\\.1\\.0 \\(${commit}\\), ledger schema ${LEDGER_SCHEMA_VERSION}, environment production, since `,
          ),
        );
        continue;
      }
      expect(command).toMatch(/^npm run deploy(?: --(?= ))?/);
      const args = command.split(" ").slice(4);
      const isFirst = !api.account.workers.has(WORKER);
      checkout.commit(command);
      const isElsewhere = args.includes("--env");
      const run = await (isFirst || args.includes("--dry-run") ? deploy : deployWithToken)(
        ...args,
        ...(args.includes("--canary") ? ["--watch", "5"] : []),
        ...(isElsewhere ? ["--no-check"] : []),
      );
      expect(run, command).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout, command).not.toBe("");
    }
    expect(Object.keys(answering(api, `${WORKER}-staging`)).length).toBe(1);
  },
  PAGE_TIMEOUT_MS,
);
