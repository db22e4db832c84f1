import { setTimeout as pause } from "node:timers/promises";
import type { Account } from "./account.ts";
import { judgeCanary, type Tally } from "./canary_verdict.ts";
import { probeHealth, probeLookup, type DeployedGateway, type Probe } from "./gateway_check.ts";
import { deployVersions, type Split } from "./versions.ts";

export type Canary = {
  readonly account: Account;
  readonly gateway: DeployedGateway;
  readonly before: string;
  readonly candidate: string;
  readonly percent: number;
  /** Null where no admin token is at hand: then only `/healthz` is asked. */
  readonly key: string | null;
  readonly watchSeconds: number;
  readonly signal: AbortSignal;
};

export type Watched = { readonly verdict: "promote" | "return"; readonly reason: string };

/** Rounds of calls to both versions, spread evenly over the time of watching. */
const ROUNDS = 100;

/** Sends a part of the calls to the candidate. */
export async function beginCanary({ account, gateway, before, candidate, percent }: Canary): Promise<void> {
  const split: Split = [
    { versionId: before, percentage: 100 - percent },
    { versionId: candidate, percentage: percent },
  ];
  await deployVersions(account, gateway.worker, { split, message: `Canary of ${candidate}`, atOnce: false });
}

/** Calls both versions, each by name, until it is clear what to do. An interruption returns the candidate. */
export async function watchCanary(canary: Canary): Promise<Watched> {
  const measured = { candidate: { calls: 0, failures: 0 }, before: { calls: 0, failures: 0 } };
  let lastFailure = "";
  for (let round = 1; round <= ROUNDS; round += 1) {
    if (canary.signal.aborted) return { verdict: "return", reason: "interrupted" };
    const [candidate, before] = await Promise.all([
      probeVersion(canary, canary.candidate),
      probeVersion(canary, canary.before),
    ]);
    measured.candidate = add(measured.candidate, candidate);
    measured.before = add(measured.before, before);
    lastFailure = candidate.findLast(({ ok }) => !ok)?.reason ?? lastFailure;
    const verdict = judgeCanary(measured.candidate, measured.before, { isOver: round === ROUNDS });
    if (verdict !== "watch") return { verdict, reason: describeMeasured(measured, lastFailure) };
    await pause((canary.watchSeconds * 1000) / ROUNDS, undefined, { signal: canary.signal }).catch(() => undefined);
  }
  return { verdict: "return", reason: describeMeasured(measured, lastFailure) };
}

/** Calls that reached the version that was asked for: for a moment after a change, some places do not know it yet. */
async function probeVersion({ gateway, key }: Canary, versionId: string): Promise<Probe[]> {
  const health = await probeHealth(gateway, versionId);
  if (health.versionId !== null && health.versionId !== versionId) return [];
  if (key === null || !health.ok) return [health];
  return [health, await probeLookup(gateway, versionId, key)];
}

function add({ calls, failures }: Tally, probes: readonly Probe[]): Tally {
  return { calls: calls + probes.length, failures: failures + probes.filter(({ ok }) => !ok).length };
}

function describeMeasured({ candidate, before }: { candidate: Tally; before: Tally }, lastFailure: string): string {
  const last = lastFailure === "" ? "" : `; the last failure: ${lastFailure}`;
  return `${candidate.failures} of its ${candidate.calls} calls failed, ${before.failures} of ${before.calls} of the version before${last}`;
}
