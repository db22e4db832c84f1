import { setTimeout as wait } from "node:timers/promises";
import type { TorturedGateway } from "./gateway.ts";
import type { Clients } from "./clients.ts";
import { changeTenant, type TorturedPartner } from "./partners.ts";

/** Between the answer that a tenant is suspended and the call that lets it work again. */
export type Suspension = { readonly tenantId: string; readonly fromMs: number; readonly untilMs: number };

const SHORTEST_MS = 200;
const LONGEST_MS = 600;
const LONGEST_WORK_MS = 300;
const REPEAT_MS = 200;
/** When nothing is wrong with the gateway any more, a change takes less. */
const LAST_CHANGE_MS = 30_000;

/** An operator who suspends one tenant and lets it work again, all the time, and goes on until each call has succeeded. */
export class Suspensions {
  readonly all: Suspension[] = [];
  readonly #gateway: Pick<TorturedGateway, "url" | "whenUp">;
  readonly #clients: Pick<Clients, "askFor">;
  readonly #partner: TorturedPartner;
  readonly #random: () => number;
  #isStopped = false;
  #isGivenUp = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    gateway: Pick<TorturedGateway, "url" | "whenUp">,
    options: { clients: Pick<Clients, "askFor">; partner: TorturedPartner; random: () => number },
  ) {
    this.#gateway = gateway;
    this.#clients = options.clients;
    this.#partner = options.partner;
    this.#random = options.random;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Whether the tenant works again. */
  async stop(): Promise<boolean> {
    this.#isStopped = true;
    const late = new AbortController();
    const running = this.#running.then(() => true);
    const isDone = await Promise.race([running, wait(LAST_CHANGE_MS, false, { signal: late.signal, ref: false })]);
    late.abort();
    this.#isGivenUp = true;
    return isDone;
  }

  async #run(): Promise<void> {
    const { tenantId } = this.#partner;
    while (!this.#isStopped) {
      await wait(this.#random() * LONGEST_WORK_MS);
      // Early calls are granted by now, which may not leave any more when it is suspended.
      await this.#clients.askFor(this.#partner, 2);
      await this.#change("suspended");
      const fromMs = Date.now();
      await Promise.all([
        this.#clients.askFor(this.#partner, 4),
        wait(SHORTEST_MS + this.#random() * (LONGEST_MS - SHORTEST_MS)),
      ]);
      this.all.push({ tenantId, fromMs, untilMs: Date.now() });
      await this.#change("active");
    }
  }

  async #change(status: "active" | "suspended"): Promise<void> {
    while (!this.#isGivenUp) {
      await this.#gateway.whenUp();
      if (await changeTenant(this.#gateway.url, this.#partner.tenantId, { status })) return;
      await wait(REPEAT_MS);
    }
  }
}
