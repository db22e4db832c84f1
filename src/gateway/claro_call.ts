import type { Failure } from "../domain/failure.ts";
import type { LookupParties, Permit } from "../platform/claro/claro_gate.ts";
import { inSpan } from "../platform/tracing.ts";
import { askClaro } from "./ask_claro.ts";
import type { LookupIdentity } from "./idempotent_answer.ts";
import type { Lookup } from "./lookup.ts";
import type { ScoreOutcome } from "./score_outcome.ts";

/**
 * A lookup's call to Claro. On a grant of the ledger it leaves beside the admission, right after it (an early call); else
 * when the lookup is admitted. Whoever asks gets the one answer and need not know.
 */
export class ClaroCall {
  readonly #lookup: Lookup;
  readonly #permit: Permit;
  /** Where the call may leave beside the admission: as whom. */
  readonly #earlyCustomerId: string | null;
  readonly #admissionLeft = Promise.withResolvers<boolean>();
  #early: Promise<ScoreOutcome | null> | null = null;

  constructor(lookup: Lookup, permit: Permit, earlyCustomerId: string | null) {
    this.#lookup = lookup;
    this.#permit = permit;
    this.#earlyCustomerId = earlyCustomerId;
    if (earlyCustomerId === null) return;
    this.#early = this.#admissionLeft.promise.then((hasLeft) => (hasLeft ? this.#send(earlyCustomerId) : null));
  }

  /** Whether Claro is asked beside the admission. */
  get isEarly(): boolean {
    return this.#earlyCustomerId !== null;
  }

  /** What a lookup that is no repeat is refused with while the breaker is open. */
  get refusal(): Failure | null {
    const permit = this.#permit;
    return permit.kind === "refused"
      ? { code: "claro_unreachable", retryAfterSeconds: permit.retryAfterSeconds }
      : null;
  }

  /** The admission has left, or will not leave at its first try: an early call follows it, and nothing else. */
  afterAdmission(hasLeft: boolean): void {
    this.#admissionLeft.resolve(hasLeft);
  }

  /** Claro's answer to an admitted lookup. */
  async ask(customerId: string): Promise<ScoreOutcome> {
    return (await this.#early) ?? (await this.#send(customerId));
  }

  /** The lookup goes no further. What Claro answered where it was asked all the same; null where nothing was sent. */
  async abandon(): Promise<ScoreOutcome | null> {
    this.afterAdmission(false);
    const outcome = await this.#early;
    // Whoever asks Claro returns the permit.
    if (outcome === null) this.#lookup.waitUntil(this.#lookup.services.gate.leave(this.#permit, "unused"));
    return outcome;
  }

  async #send(customerId: string): Promise<ScoreOutcome> {
    const { services, deadlineMs, timings, waitUntil } = this.#lookup;
    const askedAtMs = Date.now();
    const ask = { ...partiesOf(this.#lookup), customerId, deadlineMs };
    const outcome = await inSpan("claro", () => askClaro(services, ask, { permit: this.#permit, waitUntil }));
    timings.claro = Date.now() - askedAtMs;
    return outcome;
  }
}

/**
 * Asks for the breaker's permit. Where it is refused the ledger is asked all the same: who may not call is told so, and an
 * answer that was kept is given again.
 */
export async function openClaroCall(lookup: Lookup, { subject }: LookupIdentity): Promise<ClaroCall> {
  const { services, caller, request } = lookup;
  const permit = await services.gate.enter(partiesOf(lookup));
  // A request that may be a repeat must not reach Claro before the ledger knows; nor one that tries Claro's health.
  const mayBeEarly = request.idempotencyKey === null && (permit.kind === "free" || permit.kind === "uncounted");
  return new ClaroCall(
    lookup,
    permit,
    mayBeEarly ? services.earlyCalls.take(caller.keyId, { ...request, subject }) : null,
  );
}

function partiesOf({ caller, request }: Lookup): LookupParties {
  return { mode: caller.mode, tenantId: caller.tenantId, cpf: request.cpf };
}
