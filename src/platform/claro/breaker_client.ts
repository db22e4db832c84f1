import type { Remote } from "../remote.ts";
import type { ClaroBreaker } from "./claro_breaker.ts";

export type BreakerClient = Remote<
  ClaroBreaker,
  "reportCalls" | "reportTokenFailure" | "enter" | "endProbe" | "status"
>;

const BREAKER_NAME = "claro";

/** The one object that keeps the breakers. */
export function breakerOf(namespace: DurableObjectNamespace<ClaroBreaker>): BreakerClient {
  return namespace.getByName(BREAKER_NAME);
}
