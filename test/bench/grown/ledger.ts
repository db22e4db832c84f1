import { TenantLedger as Ledger } from "../../../src/main.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../../src/domain/ledger/commands.ts";
import { newLookupId } from "../../../src/domain/lookup_id.ts";
import { saoPauloDate } from "../../../src/domain/period.ts";
import type { FlushReply, UsageReply } from "../../../src/platform/ledger/messages.ts";
import { countedSql, rowsBetween, type RowCounts } from "../../support/counted_sql.ts";
import { makeOld } from "../../platform/ledger/old_ledger.ts";
import { replaceIn, withAlarms } from "./clock.ts";

type Call = "admit" | "settle" | "usage";

/** Rows of the ledgers' tables that each call read and wrote. They are right where an object has one call at a time. */
export type LedgerRows = { readonly [Name in Call]: RowCounts[] };

let rowsOfCalls: LedgerRows = { admit: [], settle: [], usage: [] };

/** What was counted, over all objects, since the last time that this was asked. */
export function takeRows(): LedgerRows {
  const taken = rowsOfCalls;
  rowsOfCalls = { admit: [], settle: [], usage: [] };
  return taken;
}

let isD1Down = false;

/** Whether the ledgers reach D1 from now on. The Worker does. */
export function setD1Down(isDown: boolean): void {
  isD1Down = isDown;
}

function withOwnD1(env: Env): Env {
  const down = {
    prepare: (sql: string) => env.DB.prepare(sql),
    batch: () => Promise.reject(new Error("D1_ERROR: Network connection lost.")),
  } as unknown as D1Database;
  return {
    ...env,
    get DB() {
      return isD1Down ? down : env.DB;
    },
  };
}

const newId = () => newLookupId(Date.now(), crypto.getRandomValues(new Uint8Array(10)));

const LOOKUPS_AT_ONCE = 500;
/** One in so many lookups has no score. */
const NOT_FOUND_ONE_IN = 20;

/** The ledger as it is, its rows counted, with a way to put many lookups behind it soon. */
export class TenantLedger extends Ledger {
  readonly #rows: () => RowCounts;

  constructor(ctx: DurableObjectState, env: Env) {
    const { sql, rows } = countedSql(ctx.storage.sql);
    super(replaceIn(withAlarms(ctx), { sql }), withOwnD1(env));
    this.#rows = rows;
  }

  override async admit(call: AdmitCall): Promise<AdmitReply> {
    return await this.#counted("admit", () => super.admit(call));
  }

  override async settle(call: SettleCall): Promise<SettleReply> {
    return await this.#counted("settle", () => super.settle(call));
  }

  override usage(range: { from: string; to: string }): UsageReply {
    const before = this.#rows();
    const reply = super.usage(range);
    rowsOfCalls.usage.push(rowsBetween(before, this.#rows()));
    return reply;
  }

  /** Asked first, what the object's start read and wrote. */
  rowsSinceStart(): RowCounts {
    return this.#rows();
  }

  /** Throws the object out of memory, with all that is under way in it. */
  restart(): void {
    this.ctx.abort("the benchmark starts it again");
  }

  /** Makes the object one of schema version 1 with events that D1 does not have, which the next start takes over. */
  age(waiting: number): void {
    const { sql } = this.ctx.storage;
    const terms = this.terms();
    this.ctx.storage.transactionSync(() => {
      makeOld(sql);
      sql.exec(`UPDATE ledger SET terms = ?, price_version = 1`, JSON.stringify(terms));
      sql.exec(`INSERT INTO prices VALUES (1, ?)`, JSON.stringify(terms?.plan.tiers));
      sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO lookups (n, id, key_id, reference, cpf_reference, admitted_at, price_version, idempotency_key,
           occurred_at, day, outcome, billed, units, unit_price_micros, amount_micros, transaction_id, kind, corrects)
         SELECT i, printf('lkp_%032x', i), ?2, 'order-' || i, printf('v1:%032x', i), ?3, 1, NULL,
           ?3 + 100, ?4, 'delivered', 1, 1, 150000, 150000, printf('%032x', i), 'lookup', NULL FROM n`,
        waiting,
        terms?.keys[0]?.keyId ?? "",
        Date.now(),
        saoPauloDate(Date.now()),
      );
    });
  }

  /** How many rows its journal has. */
  held(): number {
    return this.ctx.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM journal").one().n;
  }

  /** Admits, settles and flushes lookups as the Worker and the alarm would, without anything in between. */
  async grow(keyId: string, lookups: number, atOnce = LOOKUPS_AT_ONCE): Promise<void> {
    for (let left = lookups; left > 0; left -= atOnce) {
      const lookupIds = Array.from({ length: Math.min(left, atOnce) }, newId);
      await this.#admitAll(lookupIds, keyId);
      await Promise.all(
        lookupIds.map((lookupId, index) => {
          const outcome = index % NOT_FOUND_ONE_IN === 0 ? "not_found" : "delivered";
          return super.settle({ lookupId, outcome, transactionId: crypto.randomUUID(), answer: null });
        }),
      );
      if (!isD1Down) await this.alarm();
    }
  }

  /** Admits lookups, and waits for the rate where a quick machine is ahead of it. */
  async #admitAll(lookupIds: readonly string[], keyId: string): Promise<void> {
    const access = { keyId, scope: "scores:read", ip: null } as const;
    const replies = await Promise.all(
      lookupIds.map((lookupId) =>
        super.admit({
          ...access,
          lookupId,
          reference: `order-${lookupId.slice(-8)}`,
          cpfReference: `v1:${crypto.randomUUID().replaceAll("-", "")}`,
          idempotency: null,
        }),
      ),
    );
    const refused = lookupIds.filter((_, index) => replies[index]?.kind !== "admitted");
    if (refused.length === 0) return;
    const reasons = replies.flatMap((reply) => (reply.kind === "refused" ? [reply.failure.code] : []));
    if (reasons.some((code) => code !== "rate_limited")) throw new Error(`lookups were refused: ${reasons.join(", ")}`);
    await scheduler.wait(100);
    await this.#admitAll(refused, keyId);
  }

  /** Leaves nothing that waits for an alarm. */
  async tidy(): Promise<FlushReply> {
    const reply = await this.flush();
    await this.alarm();
    return reply;
  }

  async #counted<Reply>(call: Call, work: () => Promise<Reply>): Promise<Reply> {
    const before = this.#rows();
    const reply = await work();
    rowsOfCalls[call].push(rowsBetween(before, this.#rows()));
    return reply;
  }
}
