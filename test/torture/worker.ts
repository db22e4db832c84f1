import { TenantLedger as DeployedLedger } from "../../src/main.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../src/domain/ledger/commands.ts";
import type { InnerFaults } from "./faults.ts";

/**
 * The gateway as it is deployed, but for its ledgers: their D1 fails, is slow, or commits and does not say so, and their
 * own replies get lost. The kill loop builds this entry in place of `src/main.ts`.
 */
export * from "../../src/main.ts";
export { default } from "../../src/main.ts";

/** Exported under the deployed class's name, so that the object's binding finds this one. */
class TorturedLedger extends DeployedLedger {
  readonly #faults: InnerFaults;

  constructor(ctx: DurableObjectState, env: Env) {
    const faults = JSON.parse((env as unknown as { TORTURE_FAULTS: string }).TORTURE_FAULTS) as InnerFaults;
    super(ctx, { ...env, DB: faultyDatabase(env.DB, faults) });
    this.#faults = faults;
  }

  override async admit(call: AdmitCall): Promise<AdmitReply> {
    return await this.#tortured(async () => await super.admit(call));
  }

  override async settle(call: SettleCall): Promise<SettleReply> {
    return await this.#tortured(async () => await super.settle(call));
  }

  async #tortured<Reply>(decide: () => Promise<Reply>): Promise<Reply> {
    const { ledgerSlow, ledgerSlowMs, replyLost, objectReset } = this.#faults;
    if (Math.random() < ledgerSlow) await scheduler.wait(Math.random() * ledgerSlowMs);
    const reply = await decide();
    const draw = Math.random();
    if (draw < replyLost) {
      await this.ctx.storage.sync();
      throw new Error("torture: the reply is lost");
    }
    if (draw < replyLost + objectReset) this.ctx.abort("torture: the object is reset");
    return reply;
  }
}
export { TorturedLedger as TenantLedger };

function faultyDatabase(db: D1Database, faults: InnerFaults): D1Database {
  const statements = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      run: () => strike(faults, () => statement.run()),
      all: () => strike(faults, () => statement.all()),
      first: (column: string) => strike(faults, () => statement.first(column)),
      raw: () => strike(faults, () => statement.raw()),
    } as unknown as D1PreparedStatement;
    statements.set(wrapped, statement);
    return wrapped;
  };
  return {
    prepare: (sql: string) => wrap(db.prepare(sql)),
    batch: (list: D1PreparedStatement[]) => {
      return strike(faults, () => db.batch(list.map((statement) => statements.get(statement) ?? statement)));
    },
  } as unknown as D1Database;
}

async function strike<Value>(faults: InnerFaults, call: () => Promise<Value>): Promise<Value> {
  const draw = Math.random();
  if (draw < faults.d1Down) throw new Error("D1_ERROR: torture: D1 is down");
  if (draw < faults.d1Down + faults.d1Ambiguous) {
    await call();
    throw new Error("D1_ERROR: Network connection lost.");
  }
  if (draw < faults.d1Down + faults.d1Ambiguous + faults.d1Slow) await scheduler.wait(faults.d1SlowMs);
  return await call();
}
