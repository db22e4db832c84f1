import type { KeyedRequest, RequestIdentity } from "./commands.ts";

/** A request under the secret in force, and under former ones. */
export function identitiesOf(request: KeyedRequest | null): RequestIdentity[] {
  return request === null ? [] : [request, ...(request.former ?? [])];
}
