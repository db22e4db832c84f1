import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeApiKey, modeOfKeyId, parseApiKey } from "../../src/domain/api_key.ts";
import { MODES } from "../../src/domain/meter_event.ts";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const seededBytes = fc.integer().map((seed) => {
  let state = seed >>> 0;
  return (count: number) =>
    Uint8Array.from({ length: count }, () => (state = (state * 1_664_525 + 1_013_904_223) >>> 0) >>> 24);
});
const keys = fc.tuple(fc.constantFrom(...MODES), seededBytes).map(([mode, bytes]) => makeApiKey(mode, bytes));

test("a new key is what the contract says, and is read back", () => {
  fc.assert(
    fc.property(keys, (key) => {
      expect(key.text).toMatch(/^csg_(live|test)_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}$/);
      expect(key.text === `${key.keyId}_${key.clientSecret}`).toBe(true);
      expect(modeOfKeyId(key.keyId)).toBe(key.mode);
      const parsed = parseApiKey(key.text);
      expect(parsed.ok && JSON.stringify(parsed.value) === JSON.stringify(key)).toBe(true);
      // More than 57 bytes would be wrapped by the seed's curl client.
      expect(`${key.keyId}:${key.clientSecret}`.length).toBeLessThanOrEqual(57);
    }),
  );
});

test("the check is the CRC-32 of what stands before it", () => {
  fc.assert(
    fc.property(keys, (key) => {
      const written = key.text
        .slice(-6)
        .split("")
        .reduce((sum, digit) => sum * 62 + BASE62.indexOf(digit), 0);
      expect(written).toBe(crc32(key.text.slice(0, -6)));
    }),
  );
});

test("any one wrong character, and any two that changed places, are noticed", () => {
  fc.assert(
    fc.property(keys, fc.nat(), fc.constantFrom(...BASE62), (key, place, character) => {
      const at = place % key.text.length;
      const changed = `${key.text.slice(0, at)}${character}${key.text.slice(at + 1)}`;
      expect(parseApiKey(changed).ok).toBe(changed === key.text);
      const swapped = `${key.text.slice(0, at)}${key.text[at + 1] ?? ""}${key.text[at]}${key.text.slice(at + 2)}`;
      expect(parseApiKey(swapped).ok).toBe(swapped === key.text);
    }),
  );
});

test("a key of the other mode, a longer one and a shorter one are none", () => {
  fc.assert(
    fc.property(keys, (key) => {
      const other = key.mode === "live" ? key.text.replace("_live_", "_test_") : key.text.replace("_test_", "_live_");
      const spoiled = [other, `${key.text}0`, key.text.slice(0, -1), ` ${key.text}`, `${key.text}\n`, key.keyId, ""];
      expect(spoiled.filter((text) => parseApiKey(text).ok)).toEqual([]);
    }),
  );
});

test("characters are drawn evenly: bytes that would favour the first ones are left out", () => {
  const high = (count: number) => new Uint8Array(count).fill(255);
  let calls = 0;
  const bytes = (count: number) => (calls++ % 2 === 0 ? high(count) : new Uint8Array(count).fill(247));
  expect(makeApiKey("live", bytes).text.startsWith(`csg_live_${"z".repeat(10)}_${"z".repeat(26)}`)).toBe(true);
});

test.each([
  ["csg_live_0123456789", "live"],
  ["csg_test_abcdefghij", "test"],
  ["csg_live_012345678", null],
  ["csg_prod_0123456789", null],
  ["csg_live_0123456789_", null],
  ["xcsg_live_0123456789", null],
])("the mode of %s is %s", (keyId, mode) => {
  expect(modeOfKeyId(keyId)).toBe(mode);
});
