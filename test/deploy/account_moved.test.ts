import { expect, test } from "vitest";
import { newSecret } from "../../src/ctl/deploy/secrets.ts";
import { dumpSql } from "./stand_in/runbook_routes.ts";
import { WORKER } from "./checkout.ts";
import { mustSucceed, newWorld, secretsOf } from "./world.ts";

const MOVED = ["CPF_HMAC_SECRET", "IDEMPOTENCY_SECRET", "ACCESS_TOKEN_SECRET", "EXPORT_SIGNING_KEY"];

test("a deployment beside storage that was brought along takes it, and the secrets that it is given", async () => {
  const before = await newWorld({ edge: false });
  await mustSucceed(before.deploy());
  const [old] = [...before.api.account.databases.values()];
  old!.sql.exec(
    `INSERT INTO tenants (id, name, document, customer_id, plan, status, created_at)
     VALUES ('ten_moved', 'Loja', '12ABC34501DE35', 'loja', '{}', 'suspended', 1)`,
  );

  const { api, checkout } = await newWorld({ edge: false });
  const { uuid } = api.account.makeDatabase(`${WORKER}-moved`);
  const brought = api.account.databases.get(uuid)!.sql;
  brought.exec(dumpSql(old!.sql));
  api.account.buckets.add(`${WORKER}-statements-moved`);
  const secrets = Object.fromEntries(MOVED.map((name) => [name, newSecret(name)]));

  const run = await checkout.deploy(api, ["--yes", "--no-check", "--env", "moved"], { env: secrets });
  expect([run.code, run.stderr]).toEqual([0, ""]);
  for (const value of Object.values(secrets)) expect(run.stdout).not.toContain(value);
  expect(run.stdout).not.toContain("Applied the schema");
  expect(secretsOf(api, `${WORKER}-moved`)).toMatchObject(secrets);
  expect(api.account.databases.size).toBe(1);
  expect([...api.account.buckets]).toEqual([`${WORKER}-statements-moved`]);
  expect(brought.prepare("SELECT id FROM tenants").all()).toEqual([{ id: "ten_moved" }]);
}, 180_000);
