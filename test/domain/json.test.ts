import fc from "fast-check";
import { expect, test } from "vitest";
import { repeatedName } from "../../src/domain/json.ts";

test("no text that JSON.stringify writes repeats a name", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
      expect(repeatedName(JSON.stringify(value, null, indent), value)).toBeNull();
    }),
  );
});

test("a name that is written twice in one object is found, wherever the object is", () => {
  const members = fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue()), { selector: ([name]) => name, minLength: 1 });
  fc.assert(
    fc.property(
      members,
      fc.nat(),
      fc.jsonValue(),
      fc.constantFrom("%", '[1,%,{"a":{}}]', '{"x":[%],"y":2}'),
      (all, place, extra, around) => {
        const twice = [...all, [(all[place % all.length] as [string, unknown])[0], extra] as const];
        const text = `{${twice.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
        const json = around.replace("%", () => text);
        expect(repeatedName(json, JSON.parse(json))).toBe(all[place % all.length]?.[0]);
      },
    ),
  );
});

test.each([
  ['{"cpf":1,"cpf":1}', "cpf"],
  ['{"cpf":1,"\\u0063pf":2}', "cpf"],
  ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', null],
  ['{"a":"a\\":b\\"","b":"{\\"a\\":1,\\"a\\":2}"}', null],
  ['["a","a",{"a":"a"},{"a":":"}]', null],
  ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ['{"":1,"":2}', ""],
  ["7", null],
])("%s: %s", (json, expected) => {
  expect(repeatedName(json, JSON.parse(json))).toBe(expected);
});
