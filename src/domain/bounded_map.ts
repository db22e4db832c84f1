/** A map that forgets what was set longest ago when it would hold more than `limit`. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override set(key: Key, value: Value): this {
    // Put last, so that the first is always the one that was set longest ago.
    this.delete(key);
    const oldest = this.keys().next();
    if (this.size >= this.#limit && oldest.done !== true) this.delete(oldest.value);
    return super.set(key, value);
  }
}
