import { randomUUID } from "node:crypto";
import { cpfCheckDigits, parseCpf, type Cpf } from "../../src/domain/cpf.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";
import type { TorturedGateway } from "./gateway.ts";

/** A tenant as the clients use it. `usesIdempotency`: each of its lookups has a key, and is tried until it has an end. */
export type Partner = {
  readonly tenantId: string;
  readonly customerId: string;
  readonly key: string;
  readonly usesIdempotency: boolean;
  /** How much of the load is this partner's. */
  readonly share: number;
  /** Comes for some seconds, then not at all until its ledger has dropped all that it flushed. */
  readonly isOccasional: boolean;
};

/** One request as its client saw it. */
export type Attempt = {
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** Null when no whole answer came. */
  readonly status: number | null;
  readonly code: string | null;
  readonly answer: ScoreAnswer | null;
  readonly isReplay: boolean;
};

type ScoreAnswer = { readonly id: string; readonly score: number; readonly transactionId: string | null };

/** What a client wanted to know once. No two lookups ask for the same CPF, so that every record can be told apart by it. */
export type ClientLookup = {
  readonly partner: Partner;
  readonly cpf: Cpf;
  readonly idempotencyKey: string | null;
  readonly attempts: Attempt[];
};

const CLIENT_TIMEOUT_MS = 20_000;
const IMPATIENT_CHANCE = 0.02;
const LONGEST_PATIENCE_MS = 120;
const FIRST_RETRY_PAUSE_MS = 200;
const LONGEST_RETRY_PAUSE_MS = 4000;
/** Between two lookups of one client, so that the machine keeps some time for the gateway. */
const LONGEST_PAUSE_MS = 60;
/** After a 503: clients that came at once again would only pile up refusals and repeats. */
const REFUSED_PAUSE_MS = 1000;
const MOST_ATTEMPTS = 20;
const ASKED_AT_ONCE = 8;
/** When nothing is wrong with the gateway any more: an intent's time and a pause are less. */
const LAST_REPEATS_MS = 30_000;
/** How often an occasional partner comes, and for how long. */
const OCCASION_MS = 24_000;
const PRESENCE_MS = 4000;

/** Clients that look up one CPF after the other, and keep what they were told. */
export class Clients {
  readonly lookups: ClientLookup[] = [];
  readonly #gateway: Pick<TorturedGateway, "url" | "whenUp">;
  readonly #partners: readonly Partner[];
  readonly #random: () => number;
  #counter: number;
  #isStopped = false;
  #isLate = false;
  #running: Promise<void>[] = [];
  readonly #repeating: Promise<void>[] = [];

  constructor(options: {
    gateway: Pick<TorturedGateway, "url" | "whenUp">;
    partners: readonly Partner[];
    random: () => number;
  }) {
    this.#gateway = options.gateway;
    this.#partners = options.partners;
    this.#random = options.random;
    this.#counter = Math.floor(this.#random() * 500_000_000);
  }

  start(count: number): void {
    this.#running = Array.from({ length: count }, () => this.#client());
  }

  /** No new lookups; those with an idempotency key are brought to their end, where they have one in time. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const timer = setTimeout(() => (this.#isLate = true), LAST_REPEATS_MS);
    await Promise.all(this.#running);
    await Promise.all(this.#repeating);
    clearTimeout(timer);
  }

  /**
   * Each lookup with an idempotency key that its client gave up is asked once more. An answer that was recorded is kept for
   * it, and its charge stands, so it must be had.
   */
  async askAgain(): Promise<void> {
    const givenUp = this.lookups.filter((lookup) => lookup.idempotencyKey !== null && !hasEnd(lookup)).values();
    const ask = async () => {
      for (const lookup of givenUp) lookup.attempts.push(await this.repeat(lookup));
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask));
  }

  /** Asks once more, as a client does that lost the answer. */
  async repeat(lookup: ClientLookup): Promise<Attempt> {
    return await this.#attempt(lookup, CLIENT_TIMEOUT_MS);
  }

  /** Some lookups of one partner at once. */
  async askFor(partner: Partner, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#lookUp(this.#newLookup(partner))));
  }

  async #client(): Promise<void> {
    while (!this.#isStopped) {
      const lookup = this.#newLookup(this.#choosePartner());
      await this.#lookUp(lookup);
      const isRefused = lookup.attempts[0]?.status === 503;
      await pause(isRefused ? REFUSED_PAUSE_MS : this.#random() * LONGEST_PAUSE_MS);
    }
  }

  #newLookup(partner: Partner): ClientLookup {
    const idempotencyKey = partner.usesIdempotency ? randomUUID() : null;
    const lookup = { partner, cpf: this.#nextCpf(), idempotencyKey, attempts: [] };
    this.lookups.push(lookup);
    return lookup;
  }

  async #lookUp(lookup: ClientLookup): Promise<void> {
    const isImpatient = this.#random() < IMPATIENT_CHANCE;
    const patienceMs = isImpatient ? this.#random() * LONGEST_PATIENCE_MS : CLIENT_TIMEOUT_MS;
    lookup.attempts.push(await this.#attempt(lookup, patienceMs));
    // Beside the load, which would otherwise come to wait for intents to expire.
    if (lookup.idempotencyKey !== null) this.#repeating.push(this.#repeatUntilEnd(lookup));
  }

  async #repeatUntilEnd(lookup: ClientLookup): Promise<void> {
    let pauseMs = FIRST_RETRY_PAUSE_MS;
    while (!hasEnd(lookup) && lookup.attempts.length < MOST_ATTEMPTS && !this.#isLate) {
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_PAUSE_MS);
      // Sometimes two at once, as a client does whose first try still hangs.
      const tries = this.#random() < 0.2 ? 2 : 1;
      const attempts = Array.from({ length: tries }, () => this.#attempt(lookup, CLIENT_TIMEOUT_MS));
      lookup.attempts.push(...(await Promise.all(attempts)));
    }
  }

  async #attempt({ partner, cpf, idempotencyKey }: ClientLookup, patienceMs: number): Promise<Attempt> {
    await this.#gateway.whenUp();
    const sentAtMs = Date.now();
    const lost = { sentAtMs, status: null, code: null, answer: null, isReplay: false };
    try {
      const response = await fetch(`${this.#gateway.url}/v1/scores`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${partner.key}`,
          "content-type": "application/json",
          ...(idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey }),
        },
        body: JSON.stringify({ cpf }),
        signal: AbortSignal.timeout(patienceMs),
      });
      const body = await response.json<ScoreAnswer & { code?: string }>();
      return {
        sentAtMs,
        endedAtMs: Date.now(),
        status: response.status,
        code: body.code ?? null,
        answer: response.status === 200 ? body : null,
        isReplay: response.headers.get("idempotency-replayed") === "true",
      };
    } catch {
      return { ...lost, endedAtMs: Date.now() };
    }
  }

  #choosePartner(): Partner {
    const isQuiet = Date.now() % OCCASION_MS > PRESENCE_MS;
    const present = this.#partners.filter(({ isOccasional }) => !(isOccasional && isQuiet));
    const total = present.reduce((sum, { share }) => sum + share, 0);
    let draw = this.#random() * total;
    return present.find(({ share }) => (draw -= share) < 0) ?? (present[0] as Partner);
  }

  #nextCpf(): Cpf {
    for (;;) {
      const firstNine = String(this.#counter++).padStart(9, "0");
      const cpf = parseCpf(`${firstNine}${cpfCheckDigits(firstNine)}`);
      if (cpf.ok && !MAGIC_CPFS.some((magic) => magic.cpf === cpf.value)) return cpf.value;
    }
  }
}

/** Whether a client with an idempotency key has nothing left to hope for. */
function hasEnd({ attempts }: ClientLookup): boolean {
  return attempts.some(({ status }) => status !== null && [200, 400, 403, 404, 504].includes(status));
}

async function pause(durationMs: number): Promise<void> {
  await new Promise((done) => setTimeout(done, durationMs));
}
