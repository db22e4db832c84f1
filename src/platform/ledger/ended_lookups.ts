/** Some megabytes: more than the busiest ledger ends in that time. A clock that has jumped back makes none of them old. */
export const MOST_ENDED = 50_000;

/**
 * The lookups that ended lately: an admission that was held up on its way, or made again by a caller who had no reply, may
 * come after its lookup's end and must not begin another. Kept in memory for as long as such a call can come.
 */
export class EndedLookups {
  readonly #keptMs: number;
  readonly #endedAtMs: Map<string, number>;

  constructor(keptMs: number, ended: readonly { readonly id: string; readonly endedAtMs: number }[]) {
    this.#keptMs = keptMs;
    this.#endedAtMs = new Map(ended.map(({ id, endedAtMs }) => [id, endedAtMs]));
  }

  has(lookupId: string): boolean {
    return this.#endedAtMs.has(lookupId);
  }

  add(lookupId: string, nowMs: number): void {
    this.#endedAtMs.set(lookupId, nowMs);
    for (const [id, endedAtMs] of this.#endedAtMs) {
      if (nowMs - endedAtMs < this.#keptMs && this.#endedAtMs.size <= MOST_ENDED) break;
      this.#endedAtMs.delete(id);
    }
  }
}
