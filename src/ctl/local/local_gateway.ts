import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isLoopback } from "../../domain/local_host.ts";
import { isHeld, writePrivately } from "./state.ts";
import { PROJECT_ROOT } from "./wrangler.ts";

/** Where every running `npm start` of this checkout leaves a note, so that the operator's command line finds it. */
const NOTES = join(PROJECT_ROOT, ".wrangler", "gateways");

const OTHERS_MAY_WRITE = 0o022;

/** A gateway that `npm start` runs on this machine. */
export type LocalGateway = { readonly url: string; readonly stateDir: string; readonly startedAtMs: number };

/** True for a URL of this machine alone. */
export function isOnThisMachine(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && isLoopback(parsed.hostname);
}

/** Leaves this process's note; `forget` takes it back. */
export function noteLocalGateway(gateway: LocalGateway, notes = NOTES): { readonly forget: () => void } {
  const path = join(notes, `${process.pid}.json`);
  writePrivately(path, JSON.stringify(gateway));
  return { forget: () => rmSync(path, { force: true }) };
}

/** The gateway that was started last and still runs. Removes the notes of killed ones. */
export function findLocalGateway(notes = NOTES): LocalGateway | null {
  const running = noteFiles(notes).flatMap((path) => {
    const gateway = readNote(path);
    if (gateway === null) return [];
    if (isRunning(gateway)) return [gateway];
    rmSync(path, { force: true });
    return [];
  });
  return running.toSorted((left, right) => right.startedAtMs - left.startedAtMs)[0] ?? null;
}

function noteFiles(notes: string): string[] {
  try {
    return isOwn(notes) ? readdirSync(notes).map((name) => join(notes, name)) : [];
  } catch {
    return [];
  }
}

// The operator's token goes where the note says: it has to be this user's own, and to lead to this machine.
function readNote(path: string): LocalGateway | null {
  try {
    if (!isOwn(path)) return null;
    const { url, stateDir, startedAtMs } = JSON.parse(readFileSync(path, "utf8")) as Partial<LocalGateway>;
    if (typeof url !== "string" || typeof stateDir !== "string" || typeof startedAtMs !== "number") return null;
    return url.startsWith("http:") && isOnThisMachine(url) ? { url, stateDir, startedAtMs } : null;
  } catch {
    // Written only half: its writer is starting or was killed.
    return null;
  }
}

function isOwn(path: string): boolean {
  const { uid, mode } = lstatSync(path);
  const isMine = process.getuid === undefined || uid === process.getuid();
  return isMine && (process.platform === "win32" || (mode & OTHERS_MAY_WRITE) === 0);
}

function isRunning({ stateDir }: LocalGateway): boolean {
  try {
    return isHeld(stateDir);
  } catch {
    // Its state is gone.
    return false;
  }
}
