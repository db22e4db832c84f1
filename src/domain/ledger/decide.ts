import { assert } from "../assert.ts";
import { nextPeriod, periodBounds } from "../period.ts";
import { decideAdmit } from "./admit.ts";
import { decideAuthorize } from "./authorize.ts";
import type { Command, Facts, Replies } from "./commands.ts";
import { decideConfigure, decideRevokeNow } from "./configure.ts";
import { decideAdjust, decidePutRight } from "./correct.ts";
import type { Entry } from "./entries.ts";
import { decideExpire, decideSettle } from "./settle.ts";
import type { LedgerState } from "./state.ts";
import { decideHoldStream } from "./streams.ts";

/** What follows from a command: the entries that become true, and what the caller is told. */
export type Decision<Reply> = { readonly entries: readonly Entry[]; readonly reply: Reply };

/**
 * The rules of the ledger. Pure: it reads the state, what the command says, the rows that it names (`facts`) and one
 * instant, and changes nothing; `apply` makes its entries true.
 */
export function decide<Kind extends Command["kind"]>(
  state: LedgerState,
  command: Extract<Command, { kind: Kind }>,
  facts: Facts,
  nowMs: number,
): Decision<Replies[Kind]> {
  return decideAny(state, command, { facts, nowMs }) as Decision<Replies[Kind]>;
}

function decideAny(
  state: LedgerState,
  command: Command,
  { facts, nowMs }: { facts: Facts; nowMs: number },
): Decision<Replies[Command["kind"]]> {
  switch (command.kind) {
    case "configure":
      return decideConfigure(state, command.terms, nowMs);
    case "authorize":
      return decideAuthorize(state, command.call, nowMs);
    case "hold_stream":
      return decideHoldStream(state, command.call, nowMs);
    case "admit":
      return decideAdmit(state, command.call, { facts, nowMs });
    case "settle":
      return decideSettle(state, command.call, { facts, nowMs });
    case "put_right":
      return decidePutRight(state, command.call, { facts, nowMs });
    case "adjust":
      return decideAdjust(state, command.call, { facts, nowMs });
    case "expire":
      return decideExpire(state, command.lookupId, nowMs);
    case "close":
      return decideClose(state, command.period, nowMs);
    case "revoke_now":
      return decideRevokeNow(state, command.keyId, nowMs);
    case "stop":
      return decideStop(state, command.reason, nowMs);
    default:
      command satisfies never;
      assert(false, "a command that is none");
  }
}

function decideClose(
  state: LedgerState,
  period: Extract<Command, { kind: "close" }>["period"],
  atMs: number,
): Decision<null> {
  const next = nextPeriod(period);
  if (state.period !== null && state.period >= next) return { entries: [], reply: null };
  const { startMs: nextStartMs } = periodBounds(next);
  return { entries: [{ type: "period_closed", v: 1, atMs, period: next, nextStartMs }], reply: null };
}

function decideStop(state: LedgerState, reason: "diverged", atMs: number): Decision<null> {
  return { entries: state.stopped === null ? [{ type: "stopped", v: 1, atMs, reason }] : [], reply: null };
}
