import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminApi } from "../../src/ctl/api/admin_api.ts";
import { limitDangers } from "../../src/ctl/commands/key_terms.ts";
import { collectOf } from "../../src/ctl/commands/read_arguments.ts";
import { wholeProgram } from "../../src/ctl/commands/whole_program.ts";
import type { KeyLimits } from "../../src/domain/ledger/terms.ts";
import { issueSentence, issueText } from "../../src/http/texts/issue_texts.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";
import type { FailureCode } from "../../src/domain/failure.ts";
import type { Issue } from "../../src/domain/issue.ts";

function leavesOf(command: Command, path: readonly string[] = []): (readonly [readonly string[], Command])[] {
  const own = command.registeredArguments.length > 0 ? [[[...path], command] as const] : [];
  return [...own, ...command.commands.flatMap((inner) => leavesOf(inner, [...path, inner.name()]))];
}

/** A value for each option that a command wants. */
const WANTED: Readonly<Record<string, string>> = {
  "--mode": "test",
  "--role": "read",
  "--period": "2026-11",
  "--amount": "1",
  "--reason": "x",
  "--price": "0,15",
  "--keys": "keys.json",
};

describe("an argument that is empty", () => {
  const LEAVES = leavesOf(wholeProgram(() => {})).filter(([path]) => path.length > 0 && path.at(-1) !== "help");

  test.each(LEAVES.map(([path, command]) => [path.join(" "), command] as const))(
    "is wrong usage, and nothing is asked: %s",
    async (path, command) => {
      const given = command.options
        .filter(({ mandatory }) => mandatory)
        .flatMap(({ long }) => [long ?? "", WANTED[long ?? ""] ?? "x"]);
      const blanks = command.registeredArguments.map(() => " ");
      const program = wholeProgram(() => {});
      const refused: unknown = await program
        .parseAsync(["node", "ctl", ...path.split(" "), ...blanks, ...given])
        .catch((error: unknown) => error);
      // An argument with a form of its own is refused by it.
      expect((refused as Error).message).toMatch(/is empty|argument value ' ' is invalid/);
    },
  );
});

describe("a change of a key's own limits", () => {
  const some: KeyLimits = { dailyLookups: 1000, monthlySpendCapMicros: 500_000_000, ratePerSecond: 10 };
  test.each<[string, KeyLimits | null, RegExp]>([
    ["all are taken away", null, /no cap.*no number/],
    ["the cap is taken away", { dailyLookups: 1000, ratePerSecond: 10 }, /no cap/],
    ["the day's lookups are taken away", { monthlySpendCapMicros: 500_000_000, ratePerSecond: 10 }, /no number/],
    ["the day's lookups are none", { ...some, dailyLookups: 0 }, /every lookup with this key is refused/],
    ["the cap is nothing", { ...some, monthlySpendCapMicros: 0 }, /that costs is refused/],
    ["the cap is tenfold", { ...some, monthlySpendCapMicros: 5_000_000_000 }, /cap changes tenfold/],
    ["the day's lookups are a tenth", { ...some, dailyLookups: 100 }, /lookups a day change tenfold/],
    ["the rate is tenfold", { ...some, ratePerSecond: 100 }, /rate changes tenfold/],
  ])("is asked about when %s", (_, after, why) => {
    expect(limitDangers(some, after).join()).toMatch(why);
  });

  test.each<[string, KeyLimits | null, KeyLimits]>([
    ["it gets some", null, some],
    ["they change a little", some, { dailyLookups: 2000, monthlySpendCapMicros: 600_000_000, ratePerSecond: 20 }],
    ["nothing changes", some, some],
  ])("is not asked about when %s", (_, before, after) => {
    expect(limitDangers(before, after)).toEqual([]);
  });
});

test("a choice that may be repeated takes no other, and each once", () => {
  const read = collectOf(["read", "operate"]);
  expect(read("operate", read("operate", read("read")))).toEqual(["read", "operate"]);
  expect(() => read("god")).toThrow("read, operate");
});

describe("what a gateway refuses is told", () => {
  let server: Server;
  let api: AdminApi;
  let refusal: { code: FailureCode; issues: readonly Issue[] };

  beforeAll(async () => {
    server = createServer((_request, response) => {
      const { code, issues } = refusal;
      const { status, title, en } = PROBLEMS[code];
      const detail = [en, ...issues.slice(0, 3).map((one) => issueSentence(one, "en"))].join(" ");
      const told = issues.map((one) => ({ path: one.path, code: one.code, message: issueText(one, "en") }));
      const body = { title: title.en, detail, code, ...(told.length === 0 ? {} : { issues: told }) };
      response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(body));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    api = new AdminApi({ url, adminToken: "a-token", tokenHint: "" });
  });

  afterAll(() => {
    server.close();
  });

  test.each<[FailureCode, readonly Issue[], string]>([
    [
      "invalid_request",
      [
        { path: "name", code: "looks_like_cpf" },
        { path: "email", code: "email" },
      ],
      "Invalid request: Something is wrong with the request:\n  name: must not hold a CPF\n  email: must be an e-mail address\n",
    ],
    [
      "document_in_use",
      [{ path: "document", code: "document_taken", params: { tenantId: "ten_1" } }],
      "repeat with --allow-duplicate.\n  document: is the CNPJ of ten_1; repeat with --allow-duplicate if that is meant\n",
    ],
    [
      "quota_exceeded",
      [{ path: "", code: "does_not_renew" }],
      "The allowance of lookups is used up.\n  this limit does",
    ],
    ["not_found", [], "Not found: /admin/v1/tenants/ten_x\n"],
    ["internal", [], "Internal error: Internal error. Tell the gateway's operator"],
  ])("once, issue by issue, in the command line's words: %s", async (code, issues, expected) => {
    refusal = { code, issues };
    const failed: unknown = await api.get("/tenants/ten_x").catch((error: unknown) => error);
    expect((failed as Error).message).toContain(expected);
    for (const one of issues)
      expect((failed as Error).message.split(issueText(one, "en").slice(0, 20))).toHaveLength(2);
  });
});
