import ipaddr from "ipaddr.js";
import type { Scope } from "./api_key.ts";
import type { Failure } from "./failure.ts";

export type TenantStatus = "active" | "suspended";

/** What the ledger knows of a key: it alone says whether the key may be used now. */
export type KeyGrant = {
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** CIDR ranges, v4 or v6; empty means anywhere. */
  readonly allowedIps: readonly string[];
};

export type AccessRequest = { readonly scope: Scope; readonly ip: string | null };

/** Null when the key may do this now; else the first reason why not, the key's own state before the tenant's. */
export function refuseAccess(
  grant: KeyGrant | undefined,
  status: TenantStatus,
  request: AccessRequest,
  nowMs: number,
): Failure | null {
  if (grant === undefined) return { code: "invalid_api_key" };
  // Whatever the instant: who revoked it may have had a clock that is ahead of this one.
  if (grant.revokedAtMs !== null) return { code: "revoked_api_key" };
  if (grant.expiresAtMs !== null && grant.expiresAtMs <= nowMs) return { code: "expired_api_key" };
  if (status === "suspended") return { code: "tenant_suspended" };
  if (!isAllowedIp(grant.allowedIps, request.ip)) return { code: "ip_not_allowed" };
  if (!grant.scopes.includes(request.scope)) return { code: "insufficient_scope" };
  return null;
}

/**
 * A range as `network/bits`, or null for what is none. A plain address is a range of one, and IPv4 addresses written as
 * IPv6 are the IPv4 ones.
 */
export function parseIpRange(text: string): string | null {
  const cidr = text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`;
  if (cidr.includes("%") || !ipaddr.isValidCIDR(cidr)) return null;
  const [address, bits] = ipaddr.parseCIDR(cidr);
  if (address instanceof ipaddr.IPv6) {
    const mapped = address.isIPv4MappedAddress() && bits >= 96;
    return mapped
      ? parseIpRange(`${address.toIPv4Address().toString()}/${bits - 96}`)
      : networkOf(ipaddr.IPv6, cidr, bits);
  }
  // "10/8" and octal or hexadecimal parts are valid to the library; a person who reads them may see another range.
  return ipaddr.IPv4.isValidFourPartDecimal(cidr.split("/")[0] ?? "") ? networkOf(ipaddr.IPv4, cidr, bits) : null;
}

/** The range without what stands below its bits: `203.0.113.7/24` allows `203.0.113.0/24`, and is shown as that. */
function networkOf(family: typeof ipaddr.IPv4 | typeof ipaddr.IPv6, cidr: string, bits: number): string {
  return `${family.networkAddressFromCIDR(cidr).toString()}/${bits}`;
}

/** Whether every address of a range is in the other one; both as `parseIpRange` writes them. */
export function isRangeWithin(inner: string, outer: string): boolean {
  const [innerAddress, innerBits] = ipaddr.parseCIDR(inner);
  const [outerAddress, outerBits] = ipaddr.parseCIDR(outer);
  if (innerAddress.kind() !== outerAddress.kind() || innerBits < outerBits) return false;
  return innerAddress.match([outerAddress, outerBits]);
}

function isAllowedIp(ranges: readonly string[], ip: string | null): boolean {
  if (ranges.length === 0) return true;
  if (ip === null || !ipaddr.isValid(ip)) return false;
  const address = ipaddr.process(ip);
  return ranges.some((range) => {
    const parsed = ipaddr.parseCIDR(range);
    return parsed[0].kind() === address.kind() && address.match(parsed);
  });
}
