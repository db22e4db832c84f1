import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../../src/domain/ledger/commands.ts";
import gateway, {
  AccessToken as DeployedToken,
  ClaroBreaker as DeployedBreaker,
  TenantLedger as DeployedLedger,
} from "../../../src/main.ts";
import type { LookupCall, LookupReply } from "../../../src/platform/ledger/messages.ts";
import { watchedSql } from "../../support/counted_sql.ts";
import { countedEnv } from "./bindings.ts";
import { COMMAND_PATH, START_MS, type Command, type Operation, type Reading } from "./counts.ts";
import { count, step, takeTally } from "./tally.ts";

/**
 * The gateway as it is deployed, with everything counted that the platform bills. The time is the benchmark's to move, so
 * that a month of alarms passes in seconds: the runtime's own clock never gets to one. Only the benchmark builds this entry.
 */
export * from "../../../src/main.ts";

let nowMs = START_MS;
Date.now = () => nowMs;

const send = globalThis.fetch;
globalThis.fetch = (...request) => step(() => send(...request));

const writeLine = console.log;
console.log = (line: string) => {
  count("logLines");
  count("logBytes", new TextEncoder().encode(line).byteLength);
  writeLine(line);
};

type Place = { readonly namespace: "TENANT_LEDGER" | "ACCESS_TOKEN" | "CLARO_BREAKER"; readonly id: DurableObjectId };
/** By the object's id. */
const alarms = new Map<string, Place & { readonly atMs: number }>();
const ledgers = new Map<string, DurableObjectId>();

class CountedLedger extends DeployedLedger {
  readonly #commits: Commits;

  constructor(context: DurableObjectState, env: Env) {
    const commits = new Commits(context.storage, Number((env as unknown as { COMMIT_MS?: string }).COMMIT_MS ?? 0));
    super(countedState(context, "TENANT_LEDGER"), countedEnvOf(env));
    this.#commits = commits;
    ledgers.set(context.id.toString(), context.id);
  }

  override async admit(call: AdmitCall): Promise<AdmitReply> {
    return await this.#commits.hold(super.admit(call));
  }

  override async settle(call: SettleCall): Promise<SettleReply> {
    return await this.#commits.hold(super.settle(call));
  }

  override async lookupCalls(calls: readonly LookupCall[]): Promise<PromiseSettledResult<LookupReply>[]> {
    return await this.#commits.hold(super.lookupCalls(calls));
  }

  async fireAlarm(): Promise<void> {
    count("ledgerRequests");
    count("ledgerAlarms");
    await this.ctx.storage.deleteAlarm();
    await this.alarm();
  }

  evict(): void {
    this.ctx.abort("thrown out of memory");
  }

  databaseBytes(): number {
    return this.ctx.storage.sql.databaseSize;
  }
}

/** Lets a commit take its time, as where the object's storage is copied to other machines, and holds replies until then. */
class Commits {
  readonly #ms: number;
  #last: Promise<void> = Promise.resolve();

  constructor(storage: DurableObjectStorage, ms: number) {
    this.#ms = ms;
    const sync = storage.sync.bind(storage);
    if (ms > 0) storage.sync = () => (this.#last = Promise.all([sync(), scheduler.wait(ms)]).then(() => undefined));
  }

  async hold<Reply>(replying: Promise<Reply>): Promise<Reply> {
    const reply = await replying;
    if (this.#ms > 0) await this.#last;
    return reply;
  }
}

class CountedToken extends DeployedToken {
  constructor(context: DurableObjectState, env: Env) {
    super(countedState(context, "ACCESS_TOKEN"), env);
  }

  async fireAlarm(): Promise<void> {
    count("sharedRequests");
    await this.ctx.storage.deleteAlarm();
    await this.alarm();
  }
}

class CountedBreaker extends DeployedBreaker {
  constructor(context: DurableObjectState, env: Env) {
    super(countedState(context, "CLARO_BREAKER"), env);
  }
}

// Under the deployed classes' names, so that the bindings find these.
export { CountedLedger as TenantLedger, CountedToken as AccessToken, CountedBreaker as ClaroBreaker };

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === COMMAND_PATH) return Response.json(await obey(await request.json(), env));
    count("workerRequests");
    return await gateway.fetch(request, countedEnvOf(env), context);
  },
} satisfies ExportedHandler<Env>;

async function obey(command: Command, env: Env): Promise<Reading | number | null> {
  switch (command.kind) {
    case "read":
      return { nowMs, ...takeTally() };
    case "advance":
      await advance(command.toMs, env);
      return null;
    case "cron":
      count("workerRequests");
      await gateway.scheduled({} as ScheduledController, countedEnvOf(env));
      return null;
    case "evict":
      for (const id of ledgers.values())
        await stubOf(env, id)
          .evict()
          .catch(() => undefined);
      ledgers.clear();
      return null;
    case "ledgerBytes": {
      let bytes = 0;
      for (const id of ledgers.values()) bytes += await stubOf(env, id).databaseBytes();
      return bytes;
    }
  }
}

async function advance(toMs: number, env: Env): Promise<void> {
  for (;;) {
    const [first] = [...alarms].toSorted(([, left], [, right]) => left.atMs - right.atMs);
    if (first === undefined || first[1].atMs > toMs) break;
    const [key, { atMs, namespace, id }] = first;
    alarms.delete(key);
    nowMs = Math.max(nowMs, atMs);
    const stub = env[namespace].get(id) as unknown as { fireAlarm: () => Promise<void> };
    await stub.fireAlarm();
  }
  nowMs = Math.max(nowMs, toMs);
}

type Counted = { evict: () => Promise<void>; databaseBytes: () => Promise<number> };

function stubOf(env: Env, id: DurableObjectId): Counted {
  return env.TENANT_LEDGER.get(id) as unknown as Counted;
}

const countedEnvs = new WeakMap<Env, Env>();

function countedEnvOf(env: Env): Env {
  const counted = countedEnvs.get(env) ?? countedEnv(env);
  countedEnvs.set(env, counted);
  return counted;
}

/** The object's state itself, since the runtime takes no other, with its SQL and its alarm counted. */
function countedState(context: DurableObjectState, namespace: Place["namespace"]): DurableObjectState {
  const [read, written]: readonly [Operation, Operation] =
    namespace === "TENANT_LEDGER" ? ["ledgerRowsRead", "ledgerRowsWritten"] : ["sharedRowsRead", "sharedRowsWritten"];
  const { storage, id } = context;
  const watched = watchedSql(storage.sql, (rows) => {
    count(read, rows.read);
    count(written, rows.written);
  });
  Object.defineProperty(storage, "sql", { value: watched });
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = async (time) => {
    count(written);
    alarms.set(id.toString(), { namespace, id, atMs: Number(time) });
    await setAlarm(time);
  };
  return context;
}
