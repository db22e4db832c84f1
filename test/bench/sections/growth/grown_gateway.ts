import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { periodBounds, parsePeriod, type InstantRange } from "../../../../src/domain/period.ts";
import type { BenchTenant, Contender } from "../../contenders.ts";
import { startGateway } from "../../contenders.ts";
import type { Counts } from "../../grown/worker.ts";
import type { WorkerOptions } from "../../runtime/worker.ts";

/** The gateway with the benchmark's own calls beside it. */
export type GrownGateway = Contender & { readonly name: string };

/** The month that events fall into, by the clock of the gateway. */
export const PERIOD = "2026-10";
export const MONTH = monthOf(PERIOD);

export const HOUR_MS = 3_600_000;

/** As many steps as the month has days, and no step longer than this. */
const DAYS = 31;
const LOOKUPS_A_STEP = 10_000;

/** One for all: a gateway refuses another key under the name of one that it has used. */
let signingKey: Promise<string> | null = null;

export async function startGrown(
  claroUrl: string,
  name: string,
  options: Pick<WorkerOptions, "stateDir" | "mostHeapMib"> = {},
): Promise<GrownGateway> {
  signingKey ??= newSigningKey();
  const vars = { EXPORT_SIGNING_KEY: await signingKey };
  const entry = "test/bench/grown/worker.ts";
  const gateway = await startGateway(claroUrl, { name, entry, vars, tenants: 0, inspected: true, ...options });
  return { ...gateway, name };
}

export async function setClock(gateway: GrownGateway, atMs: number): Promise<void> {
  await order(gateway, "clock", { atMs });
}

/** Puts lookups behind a tenant, on every day of the month alike, flushed to D1. */
export async function grow(gateway: GrownGateway, tenant: BenchTenant, lookups: number): Promise<void> {
  const { tenantId, keyId } = tenant;
  const steps = DAYS * Math.ceil(lookups / DAYS / LOOKUPS_A_STEP);
  for (let step = 0; step < steps; step += 1) {
    await setClock(gateway, MONTH.startMs + ((MONTH.endMs - MONTH.startMs) * (step + 0.5)) / steps);
    const share = Math.floor((lookups * (step + 1)) / steps) - Math.floor((lookups * step) / steps);
    await order(gateway, "grow", { tenantId, keyId, lookups: share });
  }
  await setClock(gateway, MONTH.endMs - HOUR_MS);
  await flush(gateway, tenant);
}

/** Has the tenant's ledger bring D1 up to date and drop what has had its time. */
export async function flush(gateway: GrownGateway, { tenantId }: BenchTenant): Promise<void> {
  const flushed = await order<{ kind: string }>(gateway, "flush", { tenantId });
  if (flushed.kind !== "flushed") throw new Error("the ledger could not be flushed");
}

/** What was counted since this was called last. */
export async function takeCounts(gateway: GrownGateway): Promise<Counts> {
  return await order<Counts>(gateway, "counts", {});
}

/** Has the gateway do what only the benchmark can ask for. */
export async function order<Answer>(
  { url }: GrownGateway,
  name: string,
  given: Readonly<Record<string, string | number>>,
): Promise<Answer> {
  const query = new URLSearchParams(Object.entries(given).map(([key, value]) => [key, String(value)]));
  // `fetch` gives up after five minutes without an answer, and a month of three million events takes longer to close.
  const sent = request(`${url}/bench/${name}?${query}`, { method: "POST" }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const answer = await text(response);
  if (response.statusCode !== 200) throw new Error(`${name} answered ${response.statusCode}: ${answer}`);
  return JSON.parse(answer) as Answer;
}

async function newSigningKey(): Promise<string> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const { kty, crv, x, d } = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
  return JSON.stringify({ kty, crv, x, d, kid: "bench" });
}

function monthOf(written: string): InstantRange {
  const period = parsePeriod(written);
  if (!period.ok) throw new Error(`${written} is no month`);
  return periodBounds(period.value);
}
