/** The tenant that a sweep looked at last, by the order of the register. */
export type SweepPlaceAt = readonly [createdAtMs: number, tenantId: string];

const NAME = "sweep:place";

/** Where the last sweep ended, in KV. When it is forgotten or read too old, some ledgers are looked at once more. */
export class SweepPlace {
  readonly #kv: KVNamespace;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  async read(): Promise<SweepPlaceAt | null> {
    return await this.#kv.get<SweepPlaceAt>(NAME, "json");
  }

  /** Null lets the next sweep begin at the first tenant. */
  async write(place: SweepPlaceAt | null): Promise<void> {
    await this.#kv.put(NAME, JSON.stringify(place));
  }
}
