import { withDeadline } from "../deadline.ts";
import type { Remote } from "../remote.ts";
import type { LookupCall, LookupReply } from "./messages.ts";
import type { TenantLedger } from "./tenant_ledger.ts";

/** How one call goes to its ledger. */
export type SendOptions = {
  /** It shares no batch: a call that is made again may be the one that broke it. */
  readonly isAlone: boolean;
  /** Keeps a request whose batch holds calls of others alive until the batch is answered, whoever hangs up. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** The call has left: what is sent from now on leaves after it. */
  readonly onLeave?: (() => void) | undefined;
};

type LedgerStub = Remote<TenantLedger, "lookupCalls" | "admit" | "settle">;

type PendingCall = {
  readonly call: LookupCall;
  readonly onLeave: SendOptions["onLeave"];
  readonly resolve: (reply: LookupReply) => void;
  readonly reject: (error: unknown) => void;
};

type Batch = { readonly openedAtMs: number; readonly calls: PendingCall[] };

/** The calls between this isolate and one ledger. */
type Lane = { open: Batch | null; inFlight: number; inFlightSinceMs: number };

const MOST_CALLS = 100;
/** How long a batch for a busy ledger is open for more calls. It saves a quarter of the ledger's processor time at 32 lookups at once. */
const GATHERED_MS = 2;
/** A batch that has not left by then belongs to a request that died: no call joins it any more. */
const OPEN_MS = 100;
/** Longer than any call may take: a batch in flight since then was cut off, and is waited for no more. */
const IN_FLIGHT_MS = 10_000;

/**
 * Sends lookups' calls to their ledgers, several in one request. An idle ledger is called immediately; calls to a busy one
 * are gathered for a moment and leave together. Under load the request costs more, for the isolate and for
 * the one thread of the object, than what the ledger does for a call.
 *
 * A batch is sent by the request that opened it, and the others wait for its promise. The runtime hands such a promise's
 * end to the request that waits for it (compatibility flag `handle_cross_request_promise_resolution`, on since 2024-10-14),
 * but tells nothing of a request that died: each call needs its own deadline, and its repeat goes alone.
 */
export class CallBatches {
  readonly #ledgers: DurableObjectNamespace<TenantLedger>;
  readonly #lanes = new Map<string, Lane>();
  /** Whether a promise may be waited for that another request fulfils. It may not in the tests' pool. */
  #mayShare: boolean | null = null;

  constructor(ledgers: DurableObjectNamespace<TenantLedger>) {
    this.#ledgers = ledgers;
  }

  /** Sends a call to the ledger of this name, and throws what the platform throws. */
  send(name: string, call: LookupCall, { isAlone, waitUntil, onLeave }: SendOptions): Promise<LookupReply> {
    const nowMs = Date.now();
    const { promise, resolve, reject } = Promise.withResolvers<LookupReply>();
    const pending = { call, onLeave, resolve, reject };
    const lane = this.#lane(name, nowMs);
    this.#mayShare ??= Cloudflare.compatibilityFlags["handle_cross_request_promise_resolution"] === true;
    const shares = this.#mayShare && !isAlone;
    if (shares && lane.open !== null && isOpen(lane.open, nowMs)) {
      lane.open.calls.push(pending);
      return promise;
    }
    const batch: Batch = { openedAtMs: nowMs, calls: [pending] };
    if (!shares || lane.inFlight === 0) {
      void this.#send(name, lane, batch);
    } else {
      lane.open = batch;
      waitUntil(withDeadline(IN_FLIGHT_MS, () => this.#sendSoon(name, lane, batch)));
    }
    return promise;
  }

  #lane(name: string, nowMs: number): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined && Math.abs(nowMs - known.inFlightSinceMs) <= IN_FLIGHT_MS) return known;
    const lane = { open: null, inFlight: 0, inFlightSinceMs: nowMs };
    this.#lanes.set(name, lane);
    return lane;
  }

  async #sendSoon(name: string, lane: Lane, batch: Batch): Promise<void> {
    await scheduler.wait(GATHERED_MS);
    if (lane.open === batch) lane.open = null;
    await this.#send(name, lane, batch);
  }

  async #send(name: string, lane: Lane, { calls }: Batch): Promise<void> {
    if (lane.inFlight === 0) lane.inFlightSinceMs = Date.now();
    lane.inFlight += 1;
    try {
      const ledger = this.#ledgers.getByName(name) as unknown as LedgerStub;
      const replying = ask(
        ledger,
        calls.map(({ call }) => call),
      );
      for (const { onLeave } of calls) onLeave?.();
      const replies = await replying;
      for (const [index, { resolve, reject }] of calls.entries()) {
        const reply = replies[index];
        if (reply?.status === "fulfilled") resolve(reply.value);
        else reject(reply?.reason);
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    } finally {
      lane.inFlight -= 1;
      if (lane.inFlight === 0 && lane.open === null && this.#lanes.get(name) === lane) this.#lanes.delete(name);
    }
  }
}

/**
 * One call goes by its own method, which every version of the object has: after a deployment an object may run the code of
 * before for minutes. What was lost with a batch is then made again alone.
 */
function ask(ledger: LedgerStub, calls: readonly LookupCall[]): Promise<PromiseSettledResult<LookupReply>[]> {
  const [first] = calls;
  if (first === undefined || calls.length > 1) return ledger.lookupCalls(calls);
  return Promise.allSettled([first.kind === "admit" ? ledger.admit(first.call) : ledger.settle(first.call)]);
}

function isOpen({ openedAtMs, calls }: Batch, nowMs: number): boolean {
  return calls.length < MOST_CALLS && Math.abs(nowMs - openedAtMs) <= OPEN_MS;
}
