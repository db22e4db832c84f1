import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endAll, leaksInOutput, startGateway, startSandbox, stateDirs } from "./support/gateway_process.ts";
import type { RunningGateway, RunningSandbox } from "./support/gateway_process.ts";
import { newLiveTenant, type Key } from "./support/operator.ts";
import { runSeedClient, SEED_CLIENTS } from "./support/seed_client.ts";

const CUSTOMER_ID = "loja sao joao";
/** Scores are the simulator's, fixed for each CPF. */
const CPFS = [
  { kind: "an ordinary CPF", cpf: "52998224725", score: 540 },
  { kind: "a CPF that begins with zeros", cpf: "00000000191", score: 245 },
];

const dirs = stateDirs();
let sandbox: RunningSandbox;
let gateway: RunningGateway;
let live: Key;

beforeAll(async () => {
  sandbox = await startSandbox();
  gateway = await startGateway({ stateDir: dirs.make(), vars: { CLARO_BASE_URL: sandbox.url } });
  live = await newLiveTenant(gateway.url, { plan: "pay-per-use", customerId: CUSTOMER_ID });
});

afterAll(async () => {
  await endAll([gateway, sandbox]);
  dirs.remove();
});

describe.each(SEED_CLIENTS)("the seed's $name client, as it is", (client) => {
  test.for(CPFS)("prints the score of $kind", async ({ cpf, score }, context) => {
    const commands = client.commands();
    if (typeof commands === "string") return context.skip(`this machine lacks ${commands}`);
    const before = await journal();
    const filledIn = { host: gateway.url, key: live.id, secret: live.clientSecret, cpf };
    const printed = await runSeedClient(client, commands, filledIn);
    expect(/"score":\s*"?([0-9]+)/.exec(printed)?.[1]).toBe(String(score));
    // The partner is who its key says, whatever X-CustomerID the sample sends.
    const calls = (await journal()).slice(before.length);
    expect(calls.map((call) => [call.customerId, call.cpf === cpf, call.score])).toEqual([[CUSTOMER_ID, true, score]]);
  });

  test("prints it with a test key too, without any call to Claro", async (context) => {
    const commands = client.commands();
    if (typeof commands === "string") return context.skip(`this machine lacks ${commands}`);
    const before = await journal();
    const [, key = "", secret = ""] = /^(csg_test_[^_]+)_(.+)$/.exec(gateway.demoKey) ?? [];
    const printed = await runSeedClient(client, commands, { host: gateway.url, key, secret, cpf: "52998224725" });
    expect(/"score":\s*"?([0-9]+)/.exec(printed)?.[1]).toBe("540");
    expect(await journal()).toHaveLength(before.length);
  });
});

test("nothing personal was printed by gateway or sandbox", () => {
  expect(leaksInOutput()).toEqual([]);
});

type Call = { readonly customerId: string; readonly cpf: string; readonly score: number };

async function journal(): Promise<Call[]> {
  const response = await fetch(`${sandbox.url}/__sandbox/journal`);
  return (await response.json<{ entries: Call[] }>()).entries;
}
