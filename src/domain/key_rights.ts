import type { Scope } from "./api_key.ts";
import { isRangeWithin } from "./authorization.ts";
import type { Issue } from "./issue.ts";
import type { KeyLimits } from "./ledger/terms.ts";
import type { Mode } from "./meter_event.ts";

/** What a key may do, from where, how much and until when. */
export type KeyRights = {
  readonly mode: Mode;
  readonly scopes: readonly Scope[];
  readonly allowedIps: readonly string[];
  readonly expiresAtMs: number | null;
  readonly limits?: KeyLimits | null;
};

/**
 * What `asked` has beyond `own`: a key passes on only rights that it has. One with limits of its own makes no keys at all,
 * for each new key would count from zero.
 */
export function rightsBeyond(own: KeyRights, asked: KeyRights): Issue[] {
  const beyond: (readonly [boolean, string])[] = [
    [own.limits !== undefined && own.limits !== null, "limits"],
    [own.mode === "test" && asked.mode === "live", "mode"],
    [asked.scopes.some((scope) => !own.scopes.includes(scope)), "scopes"],
    [!areWithin(asked.allowedIps, own.allowedIps), "allowedIps"],
    [own.expiresAtMs !== null && (asked.expiresAtMs === null || asked.expiresAtMs > own.expiresAtMs), "expiresAt"],
  ];
  return beyond.filter(([is]) => is).map(([, path]) => ({ path, code: "beyond_own_rights" }));
}

/** An empty list means anywhere. */
function areWithin(asked: readonly string[], own: readonly string[]): boolean {
  if (own.length === 0) return true;
  return asked.length > 0 && asked.every((range) => own.some((outer) => isRangeWithin(range, outer)));
}
