import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wholeProgram } from "../../src/ctl/commands/whole_program.ts";
import { textWidth } from "../../src/ctl/terminal/text_width.ts";
import { periodBounds, periodOf, previousPeriod } from "../../src/domain/period.ts";
import { commandsOf, USES, wrongUsesOf, type Furnished } from "./support/ctl_uses.ts";
import { END_OF_USE } from "./support/end_of_use.ts";
import { ADMIN_TOKEN, endAll, startGateway, stateDirs, type RunningGateway } from "./support/gateway_process.ts";
import { post } from "./support/operator.ts";
import { run } from "./support/processes.ts";
import { HAS_TERMINAL, inTerminal } from "./support/terminal.ts";

/** Every command, its right uses and its wrong ones, as a person sees them on a terminal. */
const WIDTHS = [80, 120];
const COMMANDS = commandsOf(wholeProgram(() => {})).map((one) => ({ ...one, name: one.path.join(" ") }));
/** A terminal obeys these; ours are taken out before, and no other may be left. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
const STACK = /^ +at .*:\d+:\d+\)?$|node:internal|Unexpected: /m;
/** Longer than a line, with what a terminal draws two columns wide. */
const LONG_NAME = `Padaria 日本 👩‍🍳 do João ${"e outros sócios ".repeat(6)}`.trim();

const dirs = stateDirs();
let gateway: RunningGateway | undefined;
let env: Record<string, string>;
let furnished: Omit<Furnished, "dir">;

beforeAll(async () => {
  if (!HAS_TERMINAL) return;
  gateway = await startGateway({ stateDir: dirs.make(), as: "node" });
  const { url } = gateway;
  env = { CLARO_GATEWAY_URL: url, CLARO_GATEWAY_ADMIN_TOKEN: ADMIN_TOKEN, XDG_CONFIG_HOME: dirs.make() };
  furnished = await furnish(url);
});

afterAll(async () => {
  await endAll([gateway]);
  dirs.remove();
});

/** A tenant with a lookup in the month before, which is closed and downloaded, and one in this month. */
async function furnish(url: string): Promise<Omit<Furnished, "dir">> {
  const admin = `${url}/admin/v1`;
  const openMonth = periodOf(Date.now());
  const endedMonth = previousPeriod(openMonth);
  const newTenant = async () => {
    const document = { document: "12ABC34501DE35", allowDuplicate: true, customerId: "cliente_1" };
    const plan = { name: "pay-per-use", monthlySpendCapMicros: 5_000_000_000 };
    return (await post<{ id: string }>(`${admin}/tenants`, { name: LONG_NAME, ...document, plan })).id;
  };
  const newKeyOf = async (tenantId: string) =>
    await post<{ id: string; key: string }>(`${admin}/tenants/${tenantId}/keys`, { mode: "live", label: "caixa 1" });
  await post(`${admin}/local-clock`, { offsetMs: periodBounds(endedMonth).startMs + 86_400_000 - Date.now() });
  const tenantId = await newTenant();
  const key = await newKeyOf(tenantId);
  const lookUp = async () => {
    const headers = { "x-api-key": key.key, "content-type": "application/json" };
    const body = JSON.stringify({ cpf: "52998224725", reference: "pedido-7" });
    const response = await fetch(`${url}/v1/scores`, { method: "POST", headers, body });
    expect(response.status).toBe(200);
    return (await response.json<{ id: string }>()).id;
  };
  const lookupId = await lookUp();
  await post(`${admin}/local-clock`, { offsetMs: null });
  const downloads = dirs.make();
  const download = async (...args: string[]) =>
    expect(await run(process.execPath, ["src/ctl/ctl.ts", ...args], env).exited, args.join(" ")).toBe(0);
  await download("statements", "close", "--period", endedMonth, "--yes");
  await download("statements", "download", tenantId, "--period", endedMonth, "--dir", downloads);
  await download("audit", "download", downloads);
  return {
    tenantId,
    keyId: key.id,
    lookupId,
    endedMonth,
    openMonth,
    downloads,
    newTenant,
    newKey: async () => (await newKeyOf(tenantId)).id,
    newOperator: async () => (await post<{ id: string }>(`${admin}/operators`, { name: "Rui", roles: ["read"] })).id,
    newRestriction: async () =>
      (await post<{ id: string }>(`${admin}/subjects/restrictions`, { cpf: "11144477735", reason: "pedido" })).id,
  };
}

function furnishedFor(columns: number): Furnished {
  const dir = join(dirs.make(), String(columns));
  mkdirSync(dir);
  return { ...furnished, dir };
}

/** Runs uses one after the other on one terminal. */
async function inSeries(uses: readonly (readonly string[])[], columns: number): Promise<Ended[]> {
  const script = "test/e2e/support/ctl_series.ts";
  const { shown } = await inTerminal([script, JSON.stringify(uses)], { columns, env, timeoutMs: 110_000 }).ended;
  const texts = shown.replaceAll("\r\n", "\n").split(END_OF_USE);
  const codes = texts.slice(1).map((text) => Number.parseInt(text, 10));
  return uses.map((argv, index) => ({
    argv,
    code: codes[index] ?? `it never ended: ${texts.at(-1)}`,
    shown: (texts[index] ?? "").replace(/^\d+\n/, ""),
  }));
}

/** Lines that the terminal would break: only what is one whole may be so long, an id, an address or a command to paste. */
function tooWide(shown: string, columns: number): string[] {
  const isWhole = (line: string) => /^ *np[mx] |^ *\S+$/.test(line);
  return shown.split("\n").filter((line) => textWidth(line) > columns && !isWhole(line));
}

type Ended = { readonly argv: readonly string[]; readonly code: number | string | null; readonly shown: string };

/** What a person could not read, or should not see. */
function faultsOf({ argv, shown }: Ended, columns: number): string[] {
  const wide = tooWide(shown, columns).map((line) => `wider than ${columns}: ${line}`);
  const others = [
    [STACK.test(shown), "a stack"],
    [CONTROLS.test(shown), "a control character"],
    [shown.trim() === "", "nothing"],
  ] as const;
  const seen = others.flatMap(([isThere, what]) => (isThere ? [`shows ${what}: ${shown}`] : []));
  return [...wide, ...seen].map((fault) => `${argv.join(" ")}: ${fault}`);
}

test("every command of the program is tried, and no other", () => {
  expect(Object.keys(USES).toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
});

test("what asks before it does something is tried with a no", () => {
  const asking = COMMANDS.filter(({ command }) => command.options.some(({ long }) => long === "--yes"));
  expect(Object.keys(USES).filter((name) => USES[name]?.asked !== undefined)).toEqual(asking.map(({ name }) => name));
});

describe.skipIf(!HAS_TERMINAL).each(WIDTHS)("on a terminal of %i columns", (columns) => {
  test("every command's right use ends well and can be read", async () => {
    const uses: string[][] = [];
    for (const { name, path } of COMMANDS) {
      if (USES[name]?.typed !== undefined) continue;
      for (const argv of (await USES[name]?.right(furnishedFor(columns))) ?? []) uses.push([...path, ...argv]);
    }
    const ended = await inSeries(uses, columns);
    // A gateway on this machine says of its health what is not set.
    const isWell = ({ argv, code }: Ended) => code === 0 || (argv[0] === "health" && code === 4);
    expect(ended.filter((one) => !isWell(one))).toEqual([]);
    expect(ended.flatMap((one) => faultsOf(one, columns))).toEqual([]);
  });

  test("every group and command has its help", async () => {
    const groups = [[], ...COMMANDS.flatMap(({ path }) => path.map((_, index) => path.slice(0, index + 1)))];
    const once = [...new Set(groups.map((path) => path.join(" ")))].map((text) => text.split(" ").filter(Boolean));
    const ended = await inSeries(
      once.map((path) => [...path, "--help"]),
      columns,
    );
    expect(ended.filter(({ code }) => code !== 0)).toEqual([]);
    expect(ended.flatMap((one) => faultsOf(one, columns))).toEqual([]);
  });

  test("every command's wrong uses end as documented, and say what to do", async () => {
    const wrong = COMMANDS.flatMap(wrongUsesOf);
    expect(wrong.length).toBeGreaterThan(300);
    const ended = await inSeries(
      wrong.map(({ argv }) => argv),
      columns,
    );
    const misended = ended.flatMap(({ code, ...one }, index) =>
      code === wrong[index]?.code ? [] : [{ ...one, why: wrong[index]?.why, code, expected: wrong[index]?.code }],
    );
    expect(misended).toEqual([]);
    const HINT = { 1: /not found|not_found/i, 2: /--help|was a variable never set/ } as const;
    const silent = ended.filter(({ code, shown }) => !HINT[code as 1 | 2].test(shown));
    expect(silent).toEqual([]);
    expect(ended.flatMap((one) => faultsOf(one, columns))).toEqual([]);
  });

  const TYPED = COMMANDS.filter(({ name }) => USES[name]?.typed !== undefined);
  test.concurrent.each(TYPED)("$name asks for what must be no argument", async ({ name, path }) => {
    const { right, typed = "" } = USES[name]!;
    const [argv = []] = await right(furnishedFor(columns));
    const terminal = inTerminal(["src/ctl/ctl.ts", ...path, ...argv], { columns, env });
    await terminal.shows(/└/);
    terminal.type(typed);
    const { code, shown } = await terminal.ended;
    expect(code, shown).toBe(0);
    expect(shown).not.toContain(typed.trim());
    expect(faultsOf({ argv: [...path, ...argv], code, shown: shown.replaceAll("\r\n", "\n") }, columns)).toEqual([]);
  });

  const ASKED = COMMANDS.filter(({ name }) => USES[name]?.asked !== undefined);
  test.concurrent.each(ASKED)("$name asks, and a no changes nothing", async ({ name, path }) => {
    const argv = [...path, ...((await USES[name]?.asked?.(furnishedFor(columns))) ?? [])];
    const terminal = inTerminal(["src/ctl/ctl.ts", ...argv], { columns, env });
    await terminal.shows(/Yes.*No/s);
    terminal.type("n");
    const { code, shown } = await terminal.ended;
    expect(code).toBe(2);
    expect(shown).toContain("Not confirmed: nothing was changed.");
    expect(faultsOf({ argv, code, shown: shown.replaceAll("\r\n", "\n") }, columns)).toEqual([]);
  });
});
