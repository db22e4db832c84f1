import type { ScoreCall } from "../../sandbox/claro_answers.ts";

/** One score call that reached the sandbox whole, and what became of it. */
export type JournalEntry = {
  readonly at: string;
  readonly token: string | null;
  readonly customerId: string | null;
  readonly cpf: string | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Null until the answer starts; it stays null when none was given. */
  status: number | null;
  transactionId: string | null;
  /** The usable score, 0 to 1000, that the answer carries. */
  score: number | null;
  /** True once the whole body was handed to a socket that was still open. */
  finished: boolean;
};

/** The marks that a call leaves behind while it is answered. */
export type CallRecord = {
  readonly answering: (answer: Pick<JournalEntry, "status" | "transactionId" | "score">) => void;
  /** Called once, when the call is over: answered, dropped, or left by its caller. */
  readonly closed: (finished: boolean) => void;
};

/**
 * What the sandbox received and what it delivered, independent of what any gateway believes. Without entries it counts
 * only, which costs nothing per call.
 */
export class Journal {
  readonly #keepsEntries: boolean;
  #entries: JournalEntry[] = [];
  #tokenCalls = 0;
  #scoreCalls = 0;
  #delivered = 0;
  #inFlight = 0;
  /** Grows with each reset: a call from before it must not count after it. */
  #epoch = 0;

  constructor(options: { keepsEntries: boolean }) {
    this.#keepsEntries = options.keepsEntries;
  }

  receiveTokenCall(): CallRecord {
    this.#tokenCalls++;
    this.#inFlight++;
    return { answering: () => {}, closed: () => this.#inFlight-- };
  }

  receiveScoreCall(call: ScoreCall, headers: JournalEntry["headers"]): CallRecord {
    this.#scoreCalls++;
    this.#inFlight++;
    const epoch = this.#epoch;
    const outcome = { status: null, transactionId: null, score: null, finished: false };
    const at = this.#keepsEntries ? new Date().toISOString() : "";
    const entry: JournalEntry = { at, ...call, headers, ...outcome };
    if (this.#keepsEntries) this.#entries.push(entry);
    return {
      answering: (answer) => Object.assign(entry, answer),
      closed: (finished) => {
        entry.finished = finished;
        this.#inFlight--;
        if (finished && entry.score !== null && epoch === this.#epoch) this.#delivered++;
      },
    };
  }

  /** The entries from index `since` on, at most `limit` of them, and the index after the last of these. */
  entries(since: number, limit: number): { entries: readonly JournalEntry[]; next: number } {
    const entries = this.#entries.slice(since, since + limit);
    return { entries, next: since + entries.length };
  }

  /** `delivered`: score calls whose whole answer, with a usable score, was handed over. */
  counts(): { tokenCalls: number; scoreCalls: number; delivered: number; inFlight: number } {
    return {
      tokenCalls: this.#tokenCalls,
      scoreCalls: this.#scoreCalls,
      delivered: this.#delivered,
      inFlight: this.#inFlight,
    };
  }

  /** Forgets everything but the calls in flight, which are still counted as such. */
  reset(): void {
    this.#entries = [];
    this.#tokenCalls = 0;
    this.#scoreCalls = 0;
    this.#delivered = 0;
    this.#epoch++;
  }
}
