import { TenantLedger as Ledger } from "../../../src/main.ts";
import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../../src/domain/ledger/commands.ts";
import { newLookupId } from "../../../src/domain/lookup_id.ts";
import type { FlushReply, UsageReply } from "../../../src/platform/ledger/messages.ts";
import { countedSql, rowsBetween, type RowCounts } from "../../support/counted_sql.ts";
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

const newId = () => newLookupId(Date.now(), crypto.getRandomValues(new Uint8Array(10)));

const LOOKUPS_AT_ONCE = 500;
/** One in so many lookups has no score. */
const NOT_FOUND_ONE_IN = 20;

/** The ledger as it is, its rows counted, with a way to put many lookups behind it soon. */
export class TenantLedger extends Ledger {
  readonly #rows: () => RowCounts;

  constructor(ctx: DurableObjectState, env: Env) {
    const { sql, rows } = countedSql(ctx.storage.sql);
    super(replaceIn(withAlarms(ctx), { sql }), env);
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

  /** How many rows its journal has. */
  held(): number {
    return this.ctx.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM journal").one().n;
  }

  /** Admits, settles and flushes lookups as the Worker and the alarm would, without anything in between. */
  async grow(keyId: string, lookups: number): Promise<void> {
    const access = { keyId, scope: "scores:read", ip: null } as const;
    for (let left = lookups; left > 0; left -= LOOKUPS_AT_ONCE) {
      const lookupIds = Array.from({ length: Math.min(left, LOOKUPS_AT_ONCE) }, newId);
      const admitted = await Promise.all(
        lookupIds.map((lookupId, index) =>
          super.admit({
            ...access,
            lookupId,
            reference: `order-${left - index}`,
            cpfReference: `v1:${crypto.randomUUID().replaceAll("-", "")}`,
            idempotency: null,
          }),
        ),
      );
      if (admitted.some(({ kind }) => kind !== "admitted")) throw new Error("a lookup was not admitted");
      await Promise.all(
        lookupIds.map((lookupId, index) => {
          const outcome = index % NOT_FOUND_ONE_IN === 0 ? "not_found" : "delivered";
          return super.settle({ lookupId, outcome, transactionId: crypto.randomUUID(), answer: null });
        }),
      );
      await this.alarm();
    }
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
