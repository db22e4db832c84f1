import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCOPES } from "../../src/domain/api_key.ts";
import { type KeyGrant, parseIpRange, refuseAccess } from "../../src/domain/authorization.ts";

const NOW_MS = Date.parse("2026-11-23T15:00:00Z");
const GRANT: KeyGrant = {
  keyId: "csg_live_0123456789",
  scopes: [...SCOPES],
  expiresAtMs: null,
  revokedAtMs: null,
  allowedIps: [],
};
const ASKED = { scope: "scores:read", ip: "203.0.113.7" } as const;

describe("refuseAccess", () => {
  test("lets a plain key of an active tenant do what it may", () => {
    for (const scope of SCOPES) expect(refuseAccess(GRANT, "active", { ...ASKED, scope }, NOW_MS)).toBeNull();
  });

  test("names the first reason, the key's own state before the tenant's", () => {
    const reasons: [string, Partial<KeyGrant>][] = [
      ["revoked_api_key", { revokedAtMs: NOW_MS }],
      ["expired_api_key", { expiresAtMs: NOW_MS }],
      ["ip_not_allowed", { allowedIps: ["198.51.100.0/24"] }],
      ["insufficient_scope", { scopes: ["usage:read"] }],
    ];
    for (const [index, [code]] of reasons.entries()) {
      const grant: KeyGrant = Object.assign({}, GRANT, ...reasons.slice(index).map(([, state]) => state));
      expect(refuseAccess(grant, "active", ASKED, NOW_MS)).toEqual({ code });
      const suspended = index < 2 ? code : "tenant_suspended";
      expect(refuseAccess(grant, "suspended", ASKED, NOW_MS)).toEqual({ code: suspended });
    }
    expect(refuseAccess(undefined, "active", ASKED, NOW_MS)).toEqual({ code: "invalid_api_key" });
  });

  test("a key ends at its instant, not a millisecond before", () => {
    const ends = { ...GRANT, expiresAtMs: NOW_MS };
    expect(refuseAccess(ends, "active", ASKED, NOW_MS - 1)).toBeNull();
    expect(refuseAccess(ends, "active", ASKED, NOW_MS)).toEqual({ code: "expired_api_key" });
  });

  test("a revocation holds at once, also from a clock that is ahead of the ledger's", () => {
    const revoked = { ...GRANT, revokedAtMs: NOW_MS + 60_000 };
    expect(refuseAccess(revoked, "active", ASKED, NOW_MS)).toEqual({ code: "revoked_api_key" });
  });

  test.each<[string[], string, boolean]>([
    [["2001:db8::/32"], "2001:db8:ffff::1", true],
    [["2001:db8::/32"], "2001:db9::1", false],
    [["2001:db8::/32", "10.0.0.0/8"], "10.255.0.1", true],
    [["0.0.0.0/0"], "2001:db8::1", false],
    [["::/0"], "198.51.100.1", false],
  ])("%j holds %s: %j", (allowedIps, ip, isAllowed) => {
    expect(refuseAccess({ ...GRANT, allowedIps }, "active", { ...ASKED, ip }, NOW_MS) === null).toBe(isAllowed);
  });

  test("an address is in a range exactly when its first bits are", () => {
    const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(address, address, fc.nat(32), fc.boolean(), (network, other, bits, isNear) => {
        const ip = isNear ? network.map((byte, index) => (index * 8 + 8 <= bits ? byte : (other[index] ?? 0))) : other;
        const range = parseIpRange(`${network.join(".")}/${bits}`);
        const isWithin = bitsOf(ip).slice(0, bits) === bitsOf(network).slice(0, bits);
        const grant = { ...GRANT, allowedIps: [range ?? ""] };
        for (const written of [ip.join("."), `::ffff:${ip.join(".")}`]) {
          expect(refuseAccess(grant, "active", { ...ASKED, ip: written }, NOW_MS) === null).toBe(isWithin);
        }
      }),
    );
  });

  test("an address that is unknown or none is in no range", () => {
    const grant = { ...GRANT, allowedIps: ["0.0.0.0/0", "::/0"] };
    for (const ip of [null, "", "localhost", "203.0.113.7, 10.0.0.1", "203.0.113.256"]) {
      expect(refuseAccess(grant, "active", { ...ASKED, ip }, NOW_MS)).toEqual({ code: "ip_not_allowed" });
    }
    for (const ip of ["203.0.113.7", "2001:db8::7"]) {
      expect(refuseAccess(grant, "active", { ...ASKED, ip }, NOW_MS)).toBeNull();
    }
  });
});

describe("parseIpRange", () => {
  test.each([
    ["203.0.113.0/24", "203.0.113.0/24"],
    ["203.0.113.7", "203.0.113.7/32"],
    ["2001:db8::/32", "2001:db8::/32"],
    ["2001:DB8::7", "2001:db8::7/128"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["::/0", "::/0"],
    ["203.0.113.7/24", "203.0.113.0/24"],
    ["2001:db8:0:0:ffff::1/64", "2001:db8::/64"],
    ["::ffff:203.0.113.0/120", "203.0.113.0/24"],
    ["10.0.0.0/08", "10.0.0.0/8"],
    ["fe80::1%eth0/64", null],
    ["203.0.113.0/24/8", null],
    ["10/8", null],
    ["10.1/16", null],
    ["010.0.0.0/8", null],
    ["0x0a.0.0.0/8", null],
    ["167772160/8", null],
    ["203.0.113.0/33", null],
    ["203.0.113.0/-1", null],
    ["203.0.113.0/", null],
    ["2001:db8::/129", null],
    ["203.0.113.256/24", null],
    ["example.com", null],
    ["", null],
    [" 203.0.113.0/24", null],
  ])("%j is %j", (text, range) => {
    expect(parseIpRange(text)).toBe(range);
  });

  test("what it gives, it takes", () => {
    const octet = fc.nat(255);
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), fc.nat(32), (address, bits) => {
        const range = parseIpRange(`${address.join(".")}/${bits}`);
        expect(range).not.toBeNull();
        expect(parseIpRange(range ?? "")).toBe(range);
      }),
    );
  });
});

function bitsOf(address: readonly number[]): string {
  return address.map((byte) => byte.toString(2).padStart(8, "0")).join("");
}
