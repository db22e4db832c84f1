import { withDeadline } from "../deadline.ts";
import type { Remote } from "../remote.ts";
import type { LookupCall, LookupReply } from "./messages.ts";
import type { TenantLedger } from "./tenant_ledger.ts";

/** How one call goes to its ledger. */
export type TripOptions = {
  /** It takes nobody along: a call that is made again may be the one that broke the trip. */
  readonly isAlone: boolean;
  /** Keeps a request whose trip others have boarded alive until it has ended, whoever hangs up. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** The call is on its way: what leaves from now on leaves after it. */
  readonly onLeave?: (() => void) | undefined;
};

type LedgerStub = Remote<TenantLedger, "lookupCalls" | "admit" | "settle">;

type Traveller = {
  readonly call: LookupCall;
  readonly onLeave: TripOptions["onLeave"];
  readonly resolve: (reply: LookupReply) => void;
  readonly reject: (error: unknown) => void;
};

type Trip = { readonly openedAtMs: number; readonly travellers: Traveller[] };

/** What goes on between this isolate and one ledger. */
type Route = { boarding: Trip | null; underway: number; underwaySinceMs: number };

const MOST_TRAVELLERS = 100;
/** A trip that has not left by then belongs to a request that died: nobody boards it any more. */
const BOARDING_MS = 100;
/** Longer than any call may take: a trip that has been underway since then was cut off, and is waited for no more. */
const UNDERWAY_MS = 10_000;

/**
 * Calls of many lookups to their ledgers, several to a trip. A call that finds none of its ledger underway goes at once;
 * one that does waits for the next turn of the event loop, and whoever comes meanwhile goes along. Under load a trip costs
 * more than what the ledger does for a call, for the isolate and for the one thread of the object.
 *
 * A trip is made by the request that opened it, and the others wait for its promise. The runtime hands such a promise's end
 * to the request that waits for it (https://developers.cloudflare.com/workers/configuration/compatibility-flags/, since
 * 2024-10-14), but no word of a request that died: each call needs its own deadline, and its repeat goes alone.
 */
export class SharedTrips {
  readonly #ledgers: DurableObjectNamespace<TenantLedger>;
  readonly #routes = new Map<string, Route>();
  /** Whether a promise may be waited for that another request fulfils. It may not in the tests' pool. */
  #mayShare: boolean | null = null;

  constructor(ledgers: DurableObjectNamespace<TenantLedger>) {
    this.#ledgers = ledgers;
  }

  /** Takes a call to the ledger of this name, and throws what the platform throws. */
  send(name: string, call: LookupCall, { isAlone, waitUntil, onLeave }: TripOptions): Promise<LookupReply> {
    const nowMs = Date.now();
    const { promise, resolve, reject } = Promise.withResolvers<LookupReply>();
    const traveller = { call, onLeave, resolve, reject };
    const route = this.#route(name, nowMs);
    this.#mayShare ??= Cloudflare.compatibilityFlags["handle_cross_request_promise_resolution"] === true;
    const shares = this.#mayShare && !isAlone;
    if (shares && route.boarding !== null && isOpen(route.boarding, nowMs)) {
      route.boarding.travellers.push(traveller);
      return promise;
    }
    const trip: Trip = { openedAtMs: nowMs, travellers: [traveller] };
    if (!shares || route.underway === 0) {
      void this.#travel(name, route, trip);
    } else {
      route.boarding = trip;
      waitUntil(withDeadline(UNDERWAY_MS, () => this.#travelSoon(name, route, trip)));
    }
    return promise;
  }

  #route(name: string, nowMs: number): Route {
    const known = this.#routes.get(name);
    if (known !== undefined && Math.abs(nowMs - known.underwaySinceMs) <= UNDERWAY_MS) return known;
    const route = { boarding: null, underway: 0, underwaySinceMs: nowMs };
    this.#routes.set(name, route);
    return route;
  }

  async #travelSoon(name: string, route: Route, trip: Trip): Promise<void> {
    await scheduler.wait(0);
    if (route.boarding === trip) route.boarding = null;
    await this.#travel(name, route, trip);
  }

  async #travel(name: string, route: Route, { travellers }: Trip): Promise<void> {
    if (route.underway === 0) route.underwaySinceMs = Date.now();
    route.underway += 1;
    try {
      const ledger = this.#ledgers.getByName(name) as unknown as LedgerStub;
      const replying = ask(
        ledger,
        travellers.map(({ call }) => call),
      );
      for (const { onLeave } of travellers) onLeave?.();
      const replies = await replying;
      for (const [index, { resolve, reject }] of travellers.entries()) {
        const reply = replies[index];
        if (reply?.status === "fulfilled") resolve(reply.value);
        else reject(reply?.reason);
      }
    } catch (error) {
      for (const { reject } of travellers) reject(error);
    } finally {
      route.underway -= 1;
      if (route.underway === 0 && route.boarding === null && this.#routes.get(name) === route)
        this.#routes.delete(name);
    }
  }
}

/**
 * One call goes by its own method, which every version of the object has: after a deployment or a rollback an object may
 * run the code of before for minutes, and know of no trips. What was lost with one is then made again alone.
 */
function ask(ledger: LedgerStub, calls: readonly LookupCall[]): Promise<PromiseSettledResult<LookupReply>[]> {
  const [first] = calls;
  if (first === undefined || calls.length > 1) return ledger.lookupCalls(calls);
  return Promise.allSettled([first.kind === "admit" ? ledger.admit(first.call) : ledger.settle(first.call)]);
}

function isOpen({ openedAtMs, travellers }: Trip, nowMs: number): boolean {
  return travellers.length < MOST_TRAVELLERS && Math.abs(nowMs - openedAtMs) <= BOARDING_MS;
}
