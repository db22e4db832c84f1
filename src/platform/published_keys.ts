import type { ListedExportKey } from "../domain/statement.ts";
import type { Clock } from "./clock.ts";
import { logEvent, messageOf } from "./log.ts";
import { isOutage } from "./outage.ts";

const KNOWN_MS = 300_000;
const PAUSE_AFTER_OUTAGE_MS = 5000;

/**
 * The keys that ever signed a manifest, for anybody who asks. They are read from R2 once in five minutes, however many
 * ask, and known ones are given while it is down: who has no credentials may cost little, and D1 nothing.
 */
export class PublishedKeys {
  readonly #read: () => Promise<readonly ListedExportKey[]>;
  readonly #clock: Clock;
  #known: readonly ListedExportKey[] | null = null;
  #readAgainAtMs = 0;

  constructor(read: () => Promise<readonly ListedExportKey[]>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** Null when none are known and R2 cannot be asked. */
  async used(): Promise<readonly ListedExportKey[] | null> {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#readAgainAtMs) return this.#known;
    // While this call reads, others are given what is known.
    if (this.#known !== null) this.#readAgainAtMs = nowMs + KNOWN_MS;
    try {
      this.#known = await this.#read();
      this.#readAgainAtMs = nowMs + KNOWN_MS;
    } catch (error) {
      if (!isOutage(error)) throw error;
      logEvent("warn", { event: "export_keys_not_read", error: messageOf(error) });
      this.#readAgainAtMs = nowMs + PAUSE_AFTER_OUTAGE_MS;
    }
    return this.#known;
  }
}
