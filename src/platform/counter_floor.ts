import { StoreError } from "./outage.ts";

type Counters = Readonly<Record<string, readonly number[]>>;

const KEY = "metrics/counters.json";
/** More readings at once than these have to wait for one another. */
const TRIES = 5;

/**
 * What counters were last told as, in R2. D1 can be restored to an earlier point; a counter that went back would be taken
 * for one that began anew, and all that it ever counted for new. So it stands still until D1 has caught up.
 */
export class CounterFloor {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /** The higher of what is given and what was told before, value by value. It is kept when this returns. */
  async raise<Given extends Counters>(counters: Given): Promise<Given> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const object = await this.#bucket.get(KEY);
      const kept = object === null ? null : await object.json<Partial<Counters>>();
      const raised = Object.fromEntries(
        Object.entries(counters).map(([name, values]) => [
          name,
          values.map((value, index) => Math.max(value, kept?.[name]?.[index] ?? 0)),
        ]),
      ) as unknown as Given;
      // A gateway without traffic writes nothing.
      if (kept !== null && JSON.stringify(raised) === JSON.stringify(kept)) return raised;
      const onlyIf = object === null ? { etagDoesNotMatch: "*" } : { etagMatches: object.etag };
      const httpMetadata = { contentType: "application/json" };
      const put = await this.#bucket.put(KEY, JSON.stringify(raised), { onlyIf, httpMetadata });
      if (put !== null) return raised;
    }
    throw new StoreError("the counters' floor is being written by others");
  }
}
