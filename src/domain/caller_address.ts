import ipaddr from "ipaddr.js";

const IPV6_BITS_OF_ONE_CALLER = 64;

/**
 * What stands for one caller when calls are counted by address: an IPv4 address, or the /64 that an IPv6 caller has
 * been given to choose its addresses from. Null for what is no address.
 */
export function countedAddress(ip: string | null): string | null {
  if (ip === null || !ipaddr.isValid(ip)) return null;
  const address = ipaddr.process(ip);
  if (address.kind() === "ipv4") return address.toString();
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${IPV6_BITS_OF_ONE_CALLER}`);
  return `${network.toString()}/${IPV6_BITS_OF_ONE_CALLER}`;
}
