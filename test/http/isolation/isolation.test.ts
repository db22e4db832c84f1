import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { ENDPOINTS } from "../../../src/app.ts";
import { call, sandbox } from "../../support/gateway.ts";
import { answerWrongTokensAtOnce } from "../../support/wrong_credentials.ts";
import { CASES, type Attempt } from "./cases.ts";
import { makeWorld, stateOf, textOf, type World } from "./world.ts";

const served = ENDPOINTS.map(({ method, path }) => `${method} ${path}`);

let world: World;

beforeAll(async () => {
  answerWrongTokensAtOnce();
  world = await makeWorld();
});

describe("no call of one tenant sees or changes anything of another", () => {
  test("every route and method that is served has its cases here", () => {
    expect(Object.keys(CASES).toSorted()).toEqual(served.toSorted());
  });

  test("what must not be shown is what the victim has, and the intruder has the like", async () => {
    for (const party of [world.victim, world.intruder]) {
      const state = await stateOf(party);
      expect(party.marks.filter((mark) => !state.includes(mark)).length, "but for its test lookup").toBe(2);
    }
    expect(world.victim.marks.filter((mark) => world.intruder.marks.includes(mark))).toEqual([]);
  });

  test.each(Object.keys(CASES))("%s", async (route) => {
    const before = await stateOf(world.victim);
    const register = await registerCounts();
    await sandbox("reset");
    for (const attempt of CASES[route]?.(world) ?? []) {
      const response = await perform(attempt);
      expect(attempt.statuses, attempt.what).toContain(response.status);
      const shown = `${[...response.headers].join("\n")}\n${await textOf(response)}`;
      expect(
        world.victim.marks.filter((mark) => shown.includes(mark)),
        `${attempt.what} shows what is the victim's`,
      ).toEqual([]);
      expect(response.headers.get("idempotency-replayed"), attempt.what).toBe(
        attempt.what === "the same idempotency key" && attempt.path === "/v1/scores" ? "true" : null,
      );
    }
    // What reached Claro went in the name of the one who asked.
    const { entries } = await sandbox<{ entries: { customerId: string | null }[] }>("journal");
    for (const entry of entries) expect(entry.customerId).toBe(world.intruder.customerId);
    expect(await stateOf(world.victim)).toBe(before);
    expect(await registerCounts()).toEqual(register);
  });
});

describe("test keys and live data", () => {
  test("a test lookup never reaches Claro and counts for nothing live; a live one for nothing test", async () => {
    const { live, test: sandboxed } = world.intruder;
    await sandbox("reset");
    const before = { live: await requests(live.key, "live"), test: await requests(live.key, "test") };
    const score = { data: { customer: { idCpf: "11144477735" } } };
    for (const headers of [{ "x-api-key": sandboxed.key }, { authorization: `Bearer ${sandboxed.key}` }]) {
      expect((await call("/v1/scores", { headers, body: { cpf: "11144477735" } })).status).toBe(200);
    }
    const headers = { authorization: `Bearer ${sandboxed.token}` };
    expect((await call("/customers/v1/scores", { headers, body: score })).status).toBe(200);
    expect((await sandbox<{ scoreCalls: number }>("counts")).scoreCalls).toBe(0);
    expect(await requests(live.key, "live")).toBe(before.live);
    expect(await requests(live.key, "test")).toBe(before.test + 3);
    expect(
      (await call("/v1/scores", { headers: { "x-api-key": live.key }, body: { cpf: "11144477735" } })).status,
    ).toBe(200);
    expect((await sandbox<{ scoreCalls: number }>("counts")).scoreCalls).toBe(1);
    expect(await requests(live.key, "test")).toBe(before.test + 3);
  });
});

async function perform({ path, method, headers, body }: Attempt): Promise<Response> {
  return await call(path, { method, headers, ...(body === undefined ? {} : { body }) });
}

async function requests(key: string, mode: string): Promise<number> {
  const usage = await call(`/v1/usage?mode=${mode}`, { headers: { "x-api-key": key } });
  return (await usage.json<{ totals: { requests: number } }>()).totals.requests;
}

/** How much the operator's tables hold: no intruder's call adds to them. What the operator reads here is in the audit. */
async function registerCounts(): Promise<unknown> {
  const counts = [
    "tenants",
    "api_keys",
    "adjustments",
    "statements",
    "closings",
    "reconciliations",
    "subject_restrictions",
  ].map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  const changes = `(SELECT count(*) FROM audit WHERE action <> 'statement.read') AS changes`;
  return await env.DB.prepare(`SELECT ${[...counts, changes].join(", ")}`).first();
}
