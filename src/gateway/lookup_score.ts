import type { Failure } from "../domain/failure.ts";
import type { Caller } from "../platform/key_directory.ts";
import type { Services } from "../platform/services.ts";
import { inSpan } from "../platform/tracing.ts";
import { admitLookup } from "./admit_lookup.ts";
import { openClaroCall } from "./claro_call.ts";
import { openAnswer, requestIdentity } from "./idempotent_answer.ts";
import {
  beginLookup,
  withCharge,
  type Lookup,
  type LookupAnswer,
  type LookupOptions,
  type LookupReport,
  type LookupRequest,
} from "./lookup.ts";
import type { ScoreOutcome } from "./score_outcome.ts";
import { settleLookup } from "./settle_lookup.ts";

/**
 * A lookup, from admission to the answer. The intent is durable before Claro is asked, and its event before the answer
 * leaves; a score that was not admitted, or whose event could not be recorded, is not given.
 */
export async function lookupScore(
  services: Services,
  caller: Caller,
  request: LookupRequest,
  options: LookupOptions,
): Promise<LookupReport> {
  const lookup = beginLookup(services, caller, { request, ...options });
  const identity = await requestIdentity(services, caller, request);
  if (!identity.ok) return report(lookup, failed(lookup, identity.failure), { notices: null });
  const claro = await openClaroCall(lookup, identity.value);
  const admission = await inSpan("admit", () => admitLookup(lookup, claro, identity.value));
  if (admission.kind === "refused") return report(lookup, failed(lookup, admission.failure), admission);
  if (admission.kind === "replay") {
    const answer = await openAnswer(services, lookup, admission);
    return { ...report(lookup, answer, admission), replayed: true };
  }
  const ended = await claro.ask(admission.customerId);
  const answer = toAnswer(lookup, ended, admission.admittedAtMs);
  const settled = await inSpan("settle", () => settleLookup(lookup, admission, { ended, answer }));
  if (settled.kind === "unrecorded") {
    const unknown = { ...ended, outcome: "unknown", notices: admission.notices } as const;
    return report(lookup, failed(lookup, { code: "ledger_unavailable" }), unknown);
  }
  return report(lookup, withCharge(answer, settled.charge), { ...ended, notices: settled.notices });
}

type Ended = Pick<LookupReport, "notices"> & Partial<Pick<LookupReport, "outcome" | "upstreamStatus" | "cause">>;

function report(
  { timings }: Lookup,
  answer: LookupAnswer,
  { notices, outcome = null, upstreamStatus = null, cause = null }: Ended,
): LookupReport {
  return { answer, outcome, notices, replayed: false, timings, upstreamStatus, cause };
}

function toAnswer({ lookupId, caller }: Lookup, ended: ScoreOutcome, createdAtMs: number): LookupAnswer {
  if (ended.outcome !== "delivered") return { kind: "failure", lookupId, failure: ended.failure };
  const { score, transactionId, apiVersion, writtenScore } = ended;
  const claro = { apiVersion, score: writtenScore };
  return { kind: "score", lookupId, score, mode: caller.mode, billed: false, transactionId, createdAtMs, claro };
}

function failed({ lookupId }: Lookup, failure: Failure): LookupAnswer {
  return { kind: "failure", lookupId, failure };
}
