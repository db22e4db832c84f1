import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCOPES } from "../../src/domain/api_key.ts";
import { isRangeWithin, parseIpRange, refuseAccess } from "../../src/domain/authorization.ts";
import { rightsBeyond, type KeyRights } from "../../src/domain/key_rights.ts";

const ALL: KeyRights = { mode: "live", scopes: [...SCOPES], allowedIps: [], expiresAtMs: null, limits: null };

describe("the rights that a key passes on", () => {
  test.each<[string, Partial<KeyRights>, Partial<KeyRights>, string[]]>([
    ["all from all", {}, {}, []],
    ["a test key from a live one", {}, { mode: "test" }, []],
    ["a live key from a test one", { mode: "test" }, { mode: "live" }, ["mode"]],
    ["a scope that it lacks", { scopes: ["keys:manage", "usage:read"] }, { scopes: ["scores:read"] }, ["scopes"]],
    ["anywhere from somewhere", { allowedIps: ["203.0.113.0/24"] }, { allowedIps: [] }, ["allowedIps"]],
    ["a part of its addresses", { allowedIps: ["203.0.113.0/24"] }, { allowedIps: ["203.0.113.128/25"] }, []],
    ["more than its addresses", { allowedIps: ["203.0.113.0/24"] }, { allowedIps: ["203.0.112.0/23"] }, ["allowedIps"]],
    [
      "other addresses beside",
      { allowedIps: ["203.0.113.0/24"] },
      { allowedIps: ["203.0.113.0/25", "::1/128"] },
      ["allowedIps"],
    ],
    ["for ever from for a while", { expiresAtMs: 10 }, { expiresAtMs: null }, ["expiresAt"]],
    ["for longer", { expiresAtMs: 10 }, { expiresAtMs: 11 }, ["expiresAt"]],
    ["for as long", { expiresAtMs: 10 }, { expiresAtMs: 10 }, []],
    ["another count from a counted one", { limits: { dailyLookups: 5 } }, { limits: { dailyLookups: 5 } }, ["limits"]],
    ["limits from none", {}, { limits: { dailyLookups: 5 } }, []],
  ])("are: %s", (_what, own, asked, paths) => {
    expect(rightsBeyond({ ...ALL, ...own }, { ...ALL, ...asked }).map(({ path }) => path)).toEqual(paths);
  });

  test("never let the new key do what the old one may not, wherever from", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const address = fc.tuple(fc.constantFrom(10, 11), octet, octet, octet).map((parts) => parts.join("."));
    const range = fc
      .tuple(address, fc.integer({ min: 4, max: 32 }))
      .map(([ip, bits]) => parseIpRange(`${ip}/${bits}`) ?? "");
    const rights = fc.record({
      mode: fc.constant("live" as const),
      scopes: fc.subarray([...SCOPES], { minLength: 1 }),
      allowedIps: fc.array(range, { maxLength: 2 }),
      expiresAtMs: fc.option(fc.integer({ min: 1, max: 9 })),
    });
    fc.assert(
      fc.property(
        rights,
        rights,
        fc.constantFrom(...SCOPES),
        address,
        fc.integer({ min: 0, max: 10 }),
        (own, asked, scope, ip, nowMs) => {
          fc.pre(rightsBeyond(own, asked).length === 0);
          const refusal = (key: KeyRights) =>
            refuseAccess({ ...key, keyId: "k", revokedAtMs: null }, "active", { scope, ip }, nowMs);
          expect(refusal(own) !== null && refusal(asked) === null).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["10.0.0.0/8", "0.0.0.0/0", true],
    ["::/0", "0.0.0.0/0", false],
    ["2001:db8:1::/48", "2001:db8::/32", true],
    ["2001:db9::/48", "2001:db8::/32", false],
  ])("%s within %s: %s", (inner, outer, is) => {
    expect(isRangeWithin(inner, outer)).toBe(is);
  });
});
