import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** SQLite's SQLITE_BUSY. */
const BUSY = 5;
const STICKY = 0o1000;
const OTHERS = 0o077;

/** A directory that is there, can be written to, and is its owner's alone when it had to be made. Throws `WriteError`. */
export function ensureWritable(dir: string): void {
  const probe = join(dir, `.probe-${process.pid}`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(probe, "", { mode: 0o600 });
    rmSync(probe);
  } catch (error) {
    throw new WriteError(dir, error);
  }
}

/** A place that cannot be written to, in one plain sentence. */
export class WriteError extends Error {
  readonly path: string;

  constructor(path: string, cause: unknown) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    const why = REASONS[code] ?? `cannot be written (${code || String(cause)})`;
    super(`${path} ${why}.`, { cause });
    this.path = path;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EROFS: "is on a read-only disk",
  EACCES: "may not be written by you",
  EPERM: "may not be written by you",
  ENOSPC: "is on a full disk",
  EDQUOT: "is on a disk on which you may store no more",
  ENOTDIR: "is no directory and cannot become one",
  EEXIST: "is no directory and cannot become one",
};

/**
 * Hides from others what earlier releases let them read: the state holds Claro's token. Follows no link, and leaves
 * shared directories such as /tmp alone.
 */
export function hideState(stateDir: string): void {
  if ((lstatSync(stateDir).mode & STICKY) === 0) hide(stateDir);
  for (const name of ["v3", "demo.json", "gateway.log", "gateway.log.1", "gateway.lock", "gateway.json"]) {
    hideTree(join(stateDir, name));
  }
}

function hideTree(path: string): void {
  const isDirectory = hide(path);
  if (isDirectory) for (const name of readdirSync(path)) hideTree(join(path, name));
}

function hide(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isSymbolicLink()) return false;
  if ((stats.mode & OTHERS) !== 0) chmodSync(path, stats.mode & 0o700);
  return stats.isDirectory();
}

/** A state that is this process's. */
export type HeldState = { readonly release: () => void };

/**
 * Takes a state for this process, or answers null when another has it. The lock is the kernel's, through SQLite: it goes
 * with the process, however that ends, and needs no guess about process ids.
 */
export function holdState(stateDir: string, note: { readonly url: string }): HeldState | null {
  const lock = lockFile(stateDir);
  if (lock === null) return null;
  writePrivately(notePath(stateDir), JSON.stringify(note));
  return { release: () => lock.close() };
}

/** Whether a running gateway has the state. */
export function isHeld(stateDir: string): boolean {
  const lock = lockFile(stateDir);
  lock?.close();
  return lock === null;
}

/** Where the gateway that has the state said that it is. */
export function addressOfHolder(stateDir: string): string | null {
  try {
    return (JSON.parse(readFileSync(notePath(stateDir), "utf8")) as { url: string }).url;
  } catch {
    // It has the lock, and has not written its note yet.
    return null;
  }
}

/** Writes a file that only its owner can read, also where it was there before. */
export function writePrivately(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}

function notePath(stateDir: string): string {
  return join(stateDir, "gateway.json");
}

// Nothing else of this process may open the file: closing it would give the lock up.
function lockFile(stateDir: string): DatabaseSync | null {
  const database = new DatabaseSync(join(stateDir, "gateway.lock"));
  try {
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === BUSY) return null;
    throw new WriteError(join(stateDir, "gateway.lock"), error);
  }
}
