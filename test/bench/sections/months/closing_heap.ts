import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ADMIN_TOKEN, newTenant } from "../../contenders.ts";
import { IsolateMemory } from "../../runtime/isolate_memory.ts";
import { startSandbox } from "../../runtime/sandbox.ts";
import { MEMORY_DIR } from "../../runtime/worker.ts";
import { grow, HOUR_MS, MONTH, PERIOD, setClock, startGrown, type GrownGateway } from "../growth/grown_gateway.ts";

/** What a heap may have, in the order in which the limits are tried. */
const HEAPS_MIB = [16, 20, 24, 28, 32, 36, 40];
const MOST_CALLS = 100;
const MOST_LOOKS = 100;
const BETWEEN_LOOKS_MS = 50;

export type ClosingHeap = {
  /** The events of each tenant's month. */
  readonly months: readonly number[];
  /** The least limit of the heap with which all of them close, of those tried. */
  readonly closesWithMib: number;
  /** The limits with which they do not. */
  readonly failsWithMib: readonly number[];
  /** The most that the isolate's buffers had beside that heap. */
  readonly buffersMib: number;
  /** The Worker's own processor time with that heap: the smaller it is, the more often garbage is collected. */
  readonly ownSeconds: number;
};

/**
 * What a close needs, where watching it says what it takes: V8 collects garbage when it likes, and with no limit it does so
 * late. Here a month of as many tenants as `months` has numbers is closed with a heap that may have only so much, until one
 * is enough.
 */
export async function measureClosingHeap(
  months: readonly number[],
  heapsMib: readonly number[] = HEAPS_MIB,
): Promise<ClosingHeap> {
  const stateDir = mkdtempSync(join(MEMORY_DIR, "bench-"));
  const sandbox = await startSandbox({ latencyMs: 0 });
  try {
    await growMonths(sandbox.url, stateDir, months);
    const failsWithMib: number[] = [];
    for (const mostHeapMib of heapsMib) {
      const closed = await closeWithin(sandbox.url, { stateDir, mostHeapMib });
      if (closed !== null) return { months, closesWithMib: mostHeapMib, failsWithMib, ...closed };
      failsWithMib.push(mostHeapMib);
    }
    throw new Error(`no heap was enough for a close, up to ${heapsMib.at(-1)} MiB`);
  } finally {
    sandbox.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function growMonths(claroUrl: string, stateDir: string, months: readonly number[]): Promise<void> {
  const gateway = await startGrown(claroUrl, "months", { stateDir });
  for (const events of months) {
    await setClock(gateway, MONTH.startMs);
    await grow(gateway, await newTenant(gateway.url), events);
  }
  await gateway.worker.stop();
}

type Trial = { readonly stateDir: string; readonly mostHeapMib: number };

/** Null where the heap was not enough. */
async function closeWithin(
  claroUrl: string,
  trial: Trial,
): Promise<Pick<ClosingHeap, "buffersMib" | "ownSeconds"> | null> {
  const gateway = await startedWithin(claroUrl, trial);
  if (gateway === null) return null;
  try {
    await setClock(gateway, MONTH.endMs + HOUR_MS);
    const memory = await IsolateMemory.of(gateway.worker, gateway.name);
    const { buffersMib, ownSeconds } = await memory.measureDuring(async () => await closeAll(gateway));
    memory.close();
    return { buffersMib, ownSeconds };
  } catch (error) {
    // V8 ends the process where a heap is full. Any other failure is a fault.
    if (!(await hasEnded(gateway.worker.pid))) throw error;
    return null;
  } finally {
    await gateway.worker.stop();
  }
}

/** Null where the heap is not enough for the gateway's code. */
async function startedWithin(claroUrl: string, trial: Trial): Promise<GrownGateway | null> {
  try {
    return await startGrown(claroUrl, "months", trial);
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_RUNTIME_FAILURE") return null;
    throw error;
  }
}

/** A process that ends closes its connections first. */
async function hasEnded(pid: number): Promise<boolean> {
  for (let look = 0; look < MOST_LOOKS && existsSync(`/proc/${pid}`); look += 1) await pause(BETWEEN_LOOKS_MS);
  return !existsSync(`/proc/${pid}`);
}

async function closeAll({ url }: GrownGateway): Promise<void> {
  for (let call = 0; call < MOST_CALLS; call += 1) {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await fetch(`${url}/admin/v1/periods/${PERIOD}/close`, { method: "POST", headers });
    const answer = await response.json<{ status: string; failures: readonly unknown[] }>();
    if (!response.ok || answer.failures.length > 0) throw new Error(`not closed: ${JSON.stringify(answer)}`);
    if (answer.status === "closed") return;
  }
  throw new Error("a month never closes");
}
