import type { Mode } from "../../domain/meter_event.ts";
import type { BreakerWord, ProbeResult } from "../../domain/circuit_breaker.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { logEvent, messageOf } from "../log.ts";
import type { Remote } from "../remote.ts";
import type { BreakerStatus, ClaroBreaker } from "./claro_breaker.ts";

/** The leave of one lookup to call Claro. */
export type Passage =
  | { readonly kind: "free" }
  | { readonly kind: "uncounted" }
  | { readonly kind: "probe"; readonly number: number }
  | { readonly kind: "refused"; readonly retryAfterSeconds: number };

type BreakerStub = Remote<ClaroBreaker, "report" | "enter" | "endProbe" | "status">;

const BREAKER_NAME = "claro";
const CALL_TIMEOUT_MS = 1000;
/** Failures that come together are reported together. */
const REPORT_AFTER_MS = 50;
/** Successes count beside a failure for this long: older ones say nothing of Claro as it is now. */
const RECENT_MS = 10_000;

/** What this isolate knows: until when the breaker is open, and how its calls ended that nobody was told of. */
const isolate = { openUntilMs: null as number | null, failures: 0, successes: 0, sinceMs: 0 };

/**
 * The breaker as a lookup meets it. While all is well nothing is asked and nothing told: an isolate learns that the
 * breaker is open from the answer to its own report of a failure. Its own failure never keeps a lookup from Claro.
 */
export class ClaroGate {
  readonly #namespace: DurableObjectNamespace<ClaroBreaker>;

  constructor(namespace: DurableObjectNamespace<ClaroBreaker>) {
    this.#namespace = namespace;
  }

  /** Test lookups reach no Claro, and pass. */
  async enter(mode: Mode): Promise<Passage> {
    if (mode === "test") return { kind: "uncounted" };
    if (isolate.openUntilMs === null) return { kind: "free" };
    const waitMs = isolate.openUntilMs - Date.now();
    if (waitMs > 0) return refused(waitMs);
    const word = await this.#ask((breaker) => breaker.enter());
    switch (word?.kind) {
      case "open":
        return refused(word.forMs);
      case "probe":
        return word;
      case "closed":
      case undefined:
        return { kind: "free" };
    }
  }

  /** Says how the call ended; a refusal of one lookup is a success of Claro. What has to be reported is, after the answer. */
  leave(passage: Passage, result: ProbeResult, waitUntil: (work: Promise<unknown>) => void): void {
    if (passage.kind === "probe") {
      const { number } = passage;
      waitUntil(this.#ask((breaker) => breaker.endProbe({ number, result })));
    } else if (passage.kind === "free" && result !== "unused") {
      const nowMs = Date.now();
      if (nowMs - isolate.sinceMs > RECENT_MS) Object.assign(isolate, { successes: 0, sinceMs: nowMs });
      if (result === "succeeded") isolate.successes += 1;
      else isolate.failures += 1;
      if (result === "failed") waitUntil(this.#report());
    }
  }

  /** For the operator; null when the breaker cannot be asked. */
  async status(): Promise<BreakerStatus | null> {
    try {
      const stub = this.#namespace.getByName(BREAKER_NAME) as unknown as BreakerStub;
      const status = await withDeadline(CALL_TIMEOUT_MS, () => stub.status());
      return isDeadlinePassed(status) ? null : status;
    } catch {
      return null;
    }
  }

  async #report(): Promise<void> {
    await scheduler.wait(REPORT_AFTER_MS);
    const { failures, successes } = isolate;
    if (failures === 0) return;
    Object.assign(isolate, { failures: 0, successes: 0 });
    await this.#ask((breaker) => breaker.report({ failures, successes }));
  }

  async #ask(call: (breaker: BreakerStub) => Promise<BreakerWord>): Promise<BreakerWord | null> {
    try {
      const stub = this.#namespace.getByName(BREAKER_NAME) as unknown as BreakerStub;
      const word = await withDeadline(CALL_TIMEOUT_MS, () => call(stub));
      if (isDeadlinePassed(word)) return null;
      isolate.openUntilMs = word.kind === "closed" ? null : Date.now() + (word.kind === "open" ? word.forMs : 0);
      return word;
    } catch (error) {
      logEvent("warn", { event: "claro_breaker_unreachable", error: messageOf(error) });
      return null;
    }
  }
}

function refused(waitMs: number): Passage {
  return { kind: "refused", retryAfterSeconds: Math.max(Math.ceil(waitMs / 1000), 1) };
}
