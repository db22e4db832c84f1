import { PromisedLookups, WORD_MS } from "../../domain/ample_room.ts";

/** For how many lookups at once an isolate keeps a ledger's word, by key. */
const LOOKUPS_A_KEY = 32;
const KEPT_KEYS = 10_000;

type Kept = { readonly customerId: string; readonly promised: PromisedLookups };

/** The words that ledgers gave this isolate. Nothing here admits a lookup: it says what may be done before the ledger does. */
export class LedgerWords {
  readonly #byKey = new Map<string, Kept>();

  /** Uses up a word for one lookup: the customer id to ask Claro with, or null where there is none. */
  take(keyId: string): string | null {
    const kept = this.#byKey.get(keyId);
    return kept?.promised.take(Date.now()) === true ? kept.customerId : null;
  }

  /** For how many lookups a word is worth asking for. */
  wanted(keyId: string): number {
    return LOOKUPS_A_KEY - (this.#byKey.get(keyId)?.promised.left(Date.now()) ?? 0);
  }

  /** What the ledger said when it was asked at `askedAtMs`. */
  note(keyId: string, reply: { customerId: string; room: number | null; askedAtMs: number }): void {
    const { customerId, room, askedAtMs } = reply;
    if (room === null || this.#byKey.get(keyId)?.customerId !== customerId) this.#byKey.delete(keyId);
    if (room === null || room === 0) return;
    const kept = this.#byKey.get(keyId) ?? { customerId, promised: new PromisedLookups() };
    kept.promised.add(room, askedAtMs + WORD_MS);
    const oldest = this.#byKey.size >= KEPT_KEYS ? this.#byKey.keys().next().value : undefined;
    if (oldest !== undefined) this.#byKey.delete(oldest);
    this.#byKey.set(keyId, kept);
  }

  /** After a refusal the isolate knows nothing of the key any more. */
  forget(keyId: string): void {
    this.#byKey.delete(keyId);
  }
}
