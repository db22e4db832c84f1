import deployed, { TenantLedger as DeployedLedger } from "../../src/main.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../src/domain/ledger/commands.ts";
import { TORTURE_PATHS, type InnerFaults, type LedgerOutage } from "./inner_faults.ts";

/**
 * The gateway as it is deployed, but for its ledgers: their D1 fails, is slow, or commits and does not say so, and their
 * own replies get lost, or they are not there at all for a while. The kill loop builds this entry in place of `src/main.ts`.
 */
export * from "../../src/main.ts";

/** How long what an unreachable ledger is asked is done all the same, and only its reply is lost. */
const REPLIES_LOST_MS = 500;
/** The platform ends work beside an answer after 30 s. */
const LONGEST_WORK_MS = 40_000;

const envs = new WeakMap<Env, Env>();
/** When each piece of work began that goes on beside or after its answer. */
const pending = new Set<{ readonly beganAtMs: number }>();
let outage: (LedgerOutage & { readonly beganAtMs: number }) | null = null;

export default {
  async fetch(request, env, ctx) {
    const tortured = torturedEnv(env);
    switch (new URL(request.url).pathname) {
      case TORTURE_PATHS.scheduled:
        return await runScheduled(tortured);
      case TORTURE_PATHS.outage:
        outage = { ...(await request.json<LedgerOutage>()), beganAtMs: Date.now() };
        return Response.json({});
      case TORTURE_PATHS.pending: {
        // What the platform has cancelled tells nobody.
        const sinceMs = Date.now() - LONGEST_WORK_MS;
        const began = [...pending].map(({ beganAtMs }) => beganAtMs).filter((beganAtMs) => beganAtMs > sinceMs);
        return Response.json({ oldestMs: began.length === 0 ? null : Math.min(...began) });
      }
      default:
        return await deployed.fetch(request, tortured, watched(ctx));
    }
  },
} satisfies ExportedHandler<Env>;

async function runScheduled(env: Env): Promise<Response> {
  const controller = { type: "scheduled", cron: "", scheduledTime: Date.now(), noRetry: () => undefined } as const;
  const strayCalls = await env.DB.prepare("SELECT count(*) AS n FROM stray_calls").first<number>("n");
  await deployed.scheduled(controller, env);
  return Response.json({ strayCalls });
}

/** The context whose work is counted as long as it goes on. */
function watched(ctx: ExecutionContext): ExecutionContext {
  return new Proxy(ctx, {
    get(target, name) {
      if (name !== "waitUntil") return Reflect.get(target, name) as unknown;
      return (work: Promise<unknown>) => {
        const mark = { beganAtMs: Date.now() };
        pending.add(mark);
        target.waitUntil(work.finally(() => pending.delete(mark)));
      };
    },
  });
}

/** Exported under the deployed class's name, so that the object's binding finds this one. */
class TorturedLedger extends DeployedLedger {
  readonly #faults: InnerFaults;

  constructor(ctx: DurableObjectState, env: Env) {
    const faults = faultsOf(env);
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

function faultsOf(env: Env): InnerFaults {
  return JSON.parse((env as unknown as { TORTURE_FAULTS: string }).TORTURE_FAULTS) as InnerFaults;
}

/** One for each that the runtime gives: what the gateway keeps by its environment must last. */
function torturedEnv(env: Env): Env {
  const known = envs.get(env);
  if (known !== undefined) return known;
  const tortured = { ...env, TENANT_LEDGER: remoteLedgers(env.TENANT_LEDGER) };
  envs.set(env, tortured);
  return tortured;
}

/** The namespace as its callers have it, which throws what the platform throws while its objects are away. */
function remoteLedgers(namespace: Env["TENANT_LEDGER"]): Env["TENANT_LEDGER"] {
  type Method = (...args: unknown[]) => Promise<unknown>;
  const getByName = (name: string) => {
    const stub = namespace.getByName(name) as unknown as Record<string, Method>;
    return new Proxy(stub, {
      get: (_stub, method: string) => {
        return async (...args: unknown[]) => {
          const away = outage;
          const sinceMs = away === null ? 0 : Date.now() - away.beganAtMs;
          if (away === null || sinceMs >= away.lastsMs) return await stub[method]?.(...args);
          if (away.kind === "unreachable" && sinceMs < REPLIES_LOST_MS) await stub[method]?.(...args);
          throw awayError(away.kind);
        };
      },
    });
  };
  return { getByName } as unknown as Env["TENANT_LEDGER"];
}

function awayError(kind: LedgerOutage["kind"]): Error {
  return kind === "overloaded"
    ? Object.assign(new Error("Durable Object is overloaded. Too many requests queued."), { overloaded: true })
    : Object.assign(new Error("Network connection lost."), { retryable: true });
}

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
