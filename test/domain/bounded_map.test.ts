import { expect, test } from "vitest";
import { BoundedMap } from "../../src/domain/bounded_map.ts";

test("a bounded map forgets what was set longest ago, and nothing for what it has already", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1).set("b", 2).set("a", 3);
  expect([...map]).toEqual([
    ["b", 2],
    ["a", 3],
  ]);
  map.set("c", 4);
  expect([...map]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
  map.delete("a");
  map.set("d", 5);
  expect([...map.keys()]).toEqual(["c", "d"]);
});
