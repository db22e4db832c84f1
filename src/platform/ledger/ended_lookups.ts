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
      // A clock that jumped back makes some of them stay longer, which does no harm.
      if (nowMs - endedAtMs < this.#keptMs) break;
      this.#endedAtMs.delete(id);
    }
  }
}
