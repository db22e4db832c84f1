import type { ChildProcess } from "node:child_process";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { relayOutput } from "../../src/ctl/local/relay_output.ts";

const HIDDEN = "watch-0123";

async function relayed(written: { stdout?: string[]; stderr?: string[] }): Promise<{ out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const shown = { out: "", err: "" };
  relayOutput({ stdout, stderr } as unknown as ChildProcess, HIDDEN, {
    line: (line) => (shown.out += `${line}\n`),
    warn: (text) => (shown.err += `${text}\n`),
  });
  for (const chunk of written.stdout ?? []) stdout.write(chunk);
  for (const chunk of written.stderr ?? []) stderr.write(chunk);
  await new Promise((done) => setTimeout(done, 0));
  return shown;
}

const CRON_WARNING = `\u001b[33m▲ \u001b[43;33m[\u001b[43;30mWARNING\u001b[43;33m]\u001b[0m \u001b[1mScheduled Workers are not automatically triggered during local development.\u001b[0m

  To manually trigger a scheduled event, run:
    curl "http://localhost:8787/cdn-cgi/local/scheduled"

`;

test("shows the gateway's lines and none of wrangler's, however they arrive", async () => {
  const line = '{"event":"request","route":"/v1/scores","note":"ção"}\n';
  const bytes = Buffer.from(line);
  const stdout = ["[wrangler:info] Ready on http://localhost:8787\n{", line.slice(1, 9), line.slice(9)];
  expect((await relayed({ stdout })).out).toBe(line);
  // A character that two chunks share.
  const cut = bytes.indexOf(Buffer.from("ç")) + 1;
  const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)] as unknown as string[];
  expect((await relayed({ stdout: chunks })).out).toBe(line);
});

test("leaves out the warning of every start, and nothing that follows it", async () => {
  const real = "✘ [ERROR] The bundle is broken\n\n    src/main.ts:3:1\n";
  const { err } = await relayed({ stderr: [CRON_WARNING, real, CRON_WARNING, "✘ [ERROR] Again\n"] });
  expect(err).toBe("✘ [ERROR] The bundle is broken\n    src/main.ts:3:1\n✘ [ERROR] Again\n");
});

test("shows of a URL only its origin", async () => {
  const stderr = [
    "✘ [ERROR] POST http://127.0.0.1:8787/v1/scores?cpf=52998224725 (failed after 1 attempt): Network connection lost.\n",
    "✘ [ERROR] GET http://127.0.0.1:8787/52998224725: 'https://[::1]:9/52998224725' and http://localhost:1#52998224725\n",
    "✘ [ERROR] see https://developers.cloudflare.com.\n",
  ];
  expect((await relayed({ stderr })).err).toBe(
    [
      "✘ [ERROR] POST http://127.0.0.1:8787/… (failed after 1 attempt): Network connection lost.",
      "✘ [ERROR] GET http://127.0.0.1:8787/… 'https://[::1]:9/…' and http://localhost:1/…",
      "✘ [ERROR] see https://developers.cloudflare.com.",
      "",
    ].join("\n"),
  );
});

test("hides the requests of the watch, and nobody else's", async () => {
  const lines = [
    `{"event":"request","requestId":"${HIDDEN}"}`,
    '{"event":"request","requestId":"npm-start-watch"}',
    `{"event":"request","requestId":"a","note":"\\"requestId\\":\\"${HIDDEN}\\""}`,
    `{"event":"request","requestId":"${HIDDEN}x"}`,
  ];
  const { out } = await relayed({ stdout: lines.map((line) => `${line}\n`) });
  expect(out).toBe(`${lines.slice(1).join("\n")}\n`);
});

test("of what wrangler says nothing steers a terminal", async () => {
  const { err } = await relayed({ stderr: ["✘ [ERROR] a\u001b]0;title\u0007b \u009b31m red \u202e turned\n"] });
  expect(err.trimEnd()).not.toMatch(/[\p{Cc}\u202e]/u);
});
