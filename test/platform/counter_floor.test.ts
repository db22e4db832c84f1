import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { CounterFloor } from "../../src/platform/counter_floor.ts";

test("a reader that was overtaken by another tells no less than that one did", async () => {
  const other = new CounterFloor(env.STATEMENTS);
  await other.raise({ lookups: [1, 1] });
  let isOvertaken = false;
  const overtaken = new Proxy(env.STATEMENTS, {
    get(bucket, name) {
      if (name !== "put") return (Reflect.get(bucket, name) as () => unknown).bind(bucket);
      return async (...given: Parameters<R2Bucket["put"]>) => {
        // Between its reading and its writing.
        if (!isOvertaken) await other.raise({ lookups: [9, 1] });
        isOvertaken = true;
        return await bucket.put(...given);
      };
    },
  });
  expect(await new CounterFloor(overtaken).raise({ lookups: [5, 7] })).toEqual({ lookups: [9, 7] });
  expect(await other.raise({ lookups: [0, 0] })).toEqual({ lookups: [9, 7] });
});
