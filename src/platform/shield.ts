import { countedAddress } from "../domain/caller_address.ts";
import { BoundedMap } from "../domain/bounded_map.ts";
import { FAILED_LOGINS_MS, MOST_FAILED_LOGINS } from "../domain/alarms.ts";
import type { Alarms } from "./alarms.ts";
import type { Clock } from "./clock.ts";
import { logEvent, messageOf } from "./log.ts";

/**
 * What a caller got wrong. `malformed` costs no I/O: no key, or one whose check is wrong. `unknown_key` has cost a read
 * of KV. They are counted apart, so that noise of the first kind never stands in the way of a key that is well formed.
 */
export type FailedLogin = "malformed" | "unknown_key" | "operator";

/** The `period` of the limiters in wrangler.toml: whoever was turned away may come again after it. */
export const SHIELD_SECONDS = 60;
const REMEMBERED_ADDRESSES = 10_000;

/**
 * A coarse shield against floods of callers who cannot say who they are. Only failures are counted, by address, by
 * Cloudflare's limiter (one a location, not exact). Who is known to the isolate is never held up; a well-formed key that
 * it does not know yet is, for a minute, while others send made-up keys from the same address: only a read of KV could
 * tell the two apart, and that read is what is being spared.
 */
export class Shield {
  readonly #limiters: { readonly callers: RateLimit; readonly operators: RateLimit };
  readonly #clock: Clock;
  readonly #alarms: Pick<Alarms, "noteFailedLogins">;
  /** Addresses from which unknown keys came too often, and until when. An isolate's own memory: nothing is asked for it. */
  readonly #shutUntilMs = new BoundedMap<string, number>(REMEMBERED_ADDRESSES);
  /** What this isolate saw of late, from all addresses together. */
  readonly #failures = new Map<FailedLogin, { count: number; sinceMs: number }>();

  constructor(
    limiters: { callers: RateLimit; operators: RateLimit },
    { clock, alarms }: { clock: Clock; alarms: Pick<Alarms, "noteFailedLogins"> },
  ) {
    this.#limiters = limiters;
    this.#clock = clock;
    this.#alarms = alarms;
  }

  /** Counts a failed login; true when its address had too many. Where the address is unknown nobody is counted. */
  async isFlood(kind: FailedLogin, ip: string | null): Promise<boolean> {
    await this.#count(kind);
    const address = countedAddress(ip);
    if (address === null) return false;
    const limiter = kind === "operator" ? this.#limiters.operators : this.#limiters.callers;
    try {
      const { success } = await limiter.limit({ key: `${kind}:${address}` });
      if (!success && kind === "unknown_key") {
        this.#shutUntilMs.set(address, this.#clock.nowMs() + SHIELD_SECONDS * 1000);
      }
      return !success;
    } catch (error) {
      logEvent("warn", { event: "shield_unavailable", error: messageOf(error) });
      return false;
    }
  }

  /** True while keys that this isolate does not know are turned away from an address unread. */
  isShut(ip: string | null): boolean {
    const address = countedAddress(ip);
    return address !== null && (this.#shutUntilMs.get(address) ?? 0) > this.#clock.nowMs();
  }

  /** Notes once in ten minutes that there were too many. */
  async #count(kind: FailedLogin): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const known = this.#failures.get(kind);
    const isOver = known === undefined || Math.abs(nowMs - known.sinceMs) >= FAILED_LOGINS_MS;
    const seen = isOver ? { count: 0, sinceMs: nowMs } : known;
    seen.count += 1;
    this.#failures.set(kind, seen);
    if (seen.count !== MOST_FAILED_LOGINS[kind]) return;
    try {
      await this.#alarms.noteFailedLogins(kind, seen);
    } catch (error) {
      logEvent("error", { event: "failed_logins", kind, count: seen.count, error: messageOf(error) });
    }
  }
}
