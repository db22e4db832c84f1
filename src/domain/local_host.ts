const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/;
/** Names of it, too, by RFC 6761. */
const LOCAL_NAME = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[^.]+\.)*localhost\.?)$/i;
/** RFC 6761 keeps `.test` out of the world's DNS, so no deployed gateway can have such a name. */
const TEST_NAME = /\.test$/i;

/** True for a host, as `URL.hostname` writes it, that only this machine can reach. */
export function isLocalHost(hostname: string): boolean {
  return LOCAL_NAME.test(hostname) || TEST_NAME.test(hostname);
}

/** True for this machine by its address, or by the one name that every resolver takes for it. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}
