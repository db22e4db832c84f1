import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseCpf } from "../../src/domain/cpf.ts";
import { accessReportHtml, type AccessReport } from "../../src/domain/export/access_report.ts";

const CPF = "52998224725";
const LOOKUP = {
  id: "lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e",
  occurredAt: "2026-11-28T00:20:40.000Z",
  tenantName: "Loja <São João>",
  tenantDocument: "12ABC34501DE35",
  purpose: "credit_granting",
  legalBasis: null,
  outcome: "delivered",
  reference: "pedido-1234",
  transactionId: "0d5a7f3c",
};
const RESTRICTION = {
  id: "rst_0123456789abcdef0123",
  status: "in_force",
  reason: "oposição 119",
  createdAt: "2026-11-28T00:20:40.000Z",
  createdBy: "dpo@example.com",
  until: null,
  endedAt: null,
  endedBy: null,
};

type Asked = { readonly path: string; readonly method: string; readonly body: Record<string, unknown> };

let asked: Asked[] = [];
let answers: object[] = [];
let server: Server;
let url = "";
let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "subjects-"));
  server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
      asked.push({ path: request.url ?? "", method: request.method ?? "", body });
      const { problem, ...answer } = (answers.shift() ?? {}) as { problem?: object };
      const headers = { "content-type": "application/json", ...(problem === undefined ? {} : { "retry-after": "0" }) };
      response.writeHead(problem === undefined ? 200 : 503, headers).end(JSON.stringify(problem ?? answer));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  asked = [];
  answers = [];
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function subjects(args: readonly string[], input: string) {
  const env = { ...process.env, CLARO_GATEWAY_URL: url, CLARO_GATEWAY_ADMIN_TOKEN: "a-token" };
  const child = spawn(process.execPath, ["src/ctl/ctl.ts", "subjects", ...args], { env });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output.stderr += chunk));
  child.stdin.end(input);
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, ...output };
}

/** `script`, of util-linux, gives a terminal to a program. */
function hasScript(): boolean {
  return spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ?? false;
}

/** At a terminal: what stands on it, and which processes there are once something was typed. */
async function atTerminal(command: string, typed: [RegExp, string][]) {
  const line = `stty cols 200 rows 50; ${process.execPath} src/ctl/ctl.ts subjects ${command}; exit $?`;
  const env = {
    ...process.env,
    SHELL: "/bin/sh",
    TERM: "xterm",
    CLARO_GATEWAY_URL: url,
    CLARO_GATEWAY_ADMIN_TOKEN: "a",
  };
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], { env });
  let [screen, processes] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    screen += stripVTControlCharacters(chunk);
    if (typed[0]?.[0].test(screen) !== true) return;
    const [, text] = typed.shift() ?? [];
    setTimeout(() => child.stdin.write(`${text}`), 200);
    setTimeout(() => {
      processes = spawnSync("ps", ["axww", "-o", "args"], { encoding: "utf8" }).stdout;
      child.stdin.write("\r");
    }, 500);
  });
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { screen, processes, code };
}

const page = (data: object[], nextCursor: string | null) => ({
  data,
  nextCursor,
  progress: { tenants: 1, of: 2 },
  restrictions: [RESTRICTION],
});

describe("subjects access", () => {
  test("takes the CPF from a pipe, follows the search to its end, and writes a report for its owner's eyes", async () => {
    answers = [page([], "next"), page([LOOKUP], null)];
    const report = join(folder, "acesso.html");
    const args = ["access", "--reason", "pedido 118", "--from", "2026-11-01", "--report", report];
    const { code, stdout, stderr } = await subjects(args, "529.982.247-25\n");
    expect([code, stderr]).toMatchObject([0, expect.stringContaining(report)]);
    const body = { cpf: CPF, reason: "pedido 118", from: "2026-11-01" };
    expect(asked.map((one) => one.body)).toEqual([body, { ...body, cursor: "next" }]);
    expect(stdout).toContain("Loja <São João>");
    expect(stdout).toContain(RESTRICTION.id);
    expect(`${stdout}${stderr}`).not.toMatch(/529\.?982/);
    const text = readFileSync(report, "utf8");
    expect(statSync(report).mode & 0o777).toBe(0o600);
    expect(text).toContain("***.982.247-**");
    expect(text).not.toMatch(/52998224725|529\.982/);
  });

  test("waits for a ledger or a store that is away, and goes on where it was", async () => {
    const problem = { code: "ledger_unavailable", status: 503, title: "Ledger unavailable" };
    const unreadable = { code: "statement_unavailable", status: 503, title: "Statement unavailable" };
    answers = [page([LOOKUP], "next"), { problem }, { problem: unreadable }, page([], null)];
    const { code, stdout } = await subjects(["access", "--json"], CPF);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { data: [LOOKUP] }]);
    expect(asked.map(({ body }) => body["cursor"])).toEqual([undefined, "next", "next", "next"]);
  });

  test("ends with the tenant that stays away, writes no report, and asks no more than it must", async () => {
    const message = "the records of tenant ten_1 cannot be read now";
    const problem = { code: "ledger_unavailable", status: 503, issues: [{ path: "", code: "tenant_unread", message }] };
    answers = [page([LOOKUP], "next"), ...Array.from({ length: 20 }, () => ({ problem }))];
    const report = join(folder, "half.html");
    const { code, stdout, stderr } = await subjects(["access", "--report", report], CPF);
    expect([code, stdout, existsSync(report), asked.length]).toEqual([1, "", false, 8]);
    expect(stderr).toContain("ten_1");
    answers = [{ problem: { code: "role_required", status: 403 } }, page([], null)];
    expect((await subjects(["access"], CPF)).code).toBe(1);
    expect(asked.length).toBe(9);
  });

  test("prints all of it as JSON, and overwrites no file", async () => {
    answers = [page([LOOKUP], null)];
    const { code, stdout } = await subjects(["access", "--json"], CPF);
    expect([code, JSON.parse(stdout)]).toEqual([0, { data: [LOOKUP], restrictions: [RESTRICTION] }]);
    const taken = join(folder, "taken.html");
    writeFileSync(taken, "mine");
    const refused = await subjects(["access", "--report", taken], CPF);
    expect([refused.code, asked.length, readFileSync(taken, "utf8")]).toEqual([2, 1, "mine"]);
  });

  test.each(["", "529.982.247-26", "not a cpf"])(
    "asks the gateway nothing for %j, and does not say it again",
    async (input) => {
      const { code, stderr } = await subjects(["access"], input);
      expect([code, asked]).toEqual([2, []]);
      if (input !== "") expect(stderr).not.toContain(input);
    },
  );

  test.skipIf(!hasScript())("asks for the CPF on a terminal, without an echo, and no process is told it", async () => {
    answers = [page([LOOKUP], null)];
    const { screen, processes, code } = await atTerminal("access --reason 'pedido 118'", [[/CPF/, "529.982.247-25"]]);
    expect([code, asked.map(({ body }) => body["cpf"])]).toEqual([0, [CPF]]);
    expect(screen).toContain("Loja <São João>");
    for (const text of [screen, processes]) expect(text).not.toMatch(/529\.?982/);
    expect(processes).toContain("subjects access");
  });

  test("takes no CPF as an argument", async () => {
    const { code } = await subjects(["access", CPF], "");
    expect([code, asked]).toEqual([2, []]);
  });
});

describe("subjects restrict", () => {
  test("sends reason and end, and shows the restriction", async () => {
    answers = [RESTRICTION];
    const until = "2027-01-31T23:59:59-03:00";
    const { code, stdout } = await subjects(["restrict", "--reason", "oposição 119", "--until", until], CPF);
    expect([code, asked[0]?.body]).toEqual([
      0,
      { cpf: CPF, reason: "oposição 119", until: "2027-02-01T02:59:59.000Z" },
    ]);
    expect(stdout).toContain(RESTRICTION.id);
  });

  test("is ended by its id, when that is confirmed", async () => {
    answers = [{ ...RESTRICTION, endedAt: "2026-11-29T00:00:00.000Z" }];
    expect((await subjects(["unrestrict", RESTRICTION.id], "")).code).toBe(2);
    expect((await subjects(["unrestrict", RESTRICTION.id, "--yes"], "")).code).toBe(0);
    expect(asked).toMatchObject([{ method: "DELETE", path: `/admin/v1/subjects/restrictions/${RESTRICTION.id}` }]);
  });
});

describe("the report for a person", () => {
  const cpf = parseCpf(CPF);
  if (!cpf.ok) throw new Error("a CPF");
  const report: AccessReport = {
    cpf: cpf.value,
    from: null,
    to: "2026-11-30",
    lookups: [{ ...LOOKUP, id: "lkp_2", occurredAt: "2026-11-29T00:00:00.000Z" }, LOOKUP],
    restrictions: [RESTRICTION],
    issuedAtMs: Date.parse("2026-12-01T12:00:00-03:00"),
  };

  test("is in Portuguese, in São Paulo's time, oldest first, and cannot be made to hold markup", () => {
    const text = accessReportHtml(report);
    expect(text).toContain('<html lang="pt-BR">');
    expect(text).toContain("27/11/2026 21:20:40");
    expect(text).toContain("até 30/11/2026");
    expect(text).toContain("concessão de crédito");
    expect(text).toContain("12.ABC.345/01DE-35");
    expect(text).toContain("Loja &lt;São João&gt;");
    expect(text).not.toMatch(/<script|https?:/);
    expect(text.indexOf("27/11/2026")).toBeLessThan(text.indexOf("28/11/2026"));
    expect(text).toContain("oposição 119 (em vigor)");
  });

  test("says so where there is nothing", () => {
    const text = accessReportHtml({ ...report, lookups: [], restrictions: [] });
    expect(text).toContain("Não há consulta sobre o titular");
    expect(text).toContain("Nunca houve restrição");
  });
});
