/** What the platform bills, counted where it happens. */
const OPERATIONS = [
  /** Requests to the Worker, and runs of its cron. */
  "workerRequests",
  /** Calls of a ledger's methods, and its alarms. */
  "ledgerRequests",
  "ledgerAlarms",
  /** In the ledgers' SQLite; an alarm that is set is a written row. */
  "ledgerRowsRead",
  "ledgerRowsWritten",
  /** The objects that all tenants share: Claro's token and Claro's breaker. */
  "sharedRequests",
  "sharedRowsRead",
  "sharedRowsWritten",
  "kvReads",
  /** Writes, deletes and lists, which have one price. */
  "kvWrites",
  "d1RowsRead",
  "d1RowsWritten",
  "r2ClassA",
  "r2ClassB",
  "r2Bytes",
  "logLines",
  "logBytes",
] as const;

export type Operation = (typeof OPERATIONS)[number];
export type Counts = Readonly<Record<Operation, number>>;

function countsOf(valueOf: (operation: Operation) => number): Counts {
  return Object.fromEntries(OPERATIONS.map((operation) => [operation, valueOf(operation)])) as Counts;
}

export const NOTHING = countsOf(() => 0);

export function plus(...all: readonly Counts[]): Counts {
  return countsOf((operation) => all.reduce((sum, counts) => sum + counts[operation], 0));
}

export function minus(left: Counts, right: Counts): Counts {
  return countsOf((operation) => left[operation] - right[operation]);
}

export function times(counts: Counts, factor: number): Counts {
  return countsOf((operation) => counts[operation] * factor);
}

/** When the counting Worker's time begins: so far ahead that the runtime, which goes by its own clock, fires no alarm. */
export const START_MS = Date.parse("2041-02-27T12:00:00Z");

/** What the counting Worker is told at `COMMAND_PATH`. */
export type Command =
  | { readonly kind: "read" }
  /** Lets time pass until then; every alarm that comes due on the way is fired at its time. */
  | { readonly kind: "advance"; readonly toMs: number }
  | { readonly kind: "cron" }
  /** Throws the ledgers out of memory, as happens to those that nobody asks for a while. */
  | { readonly kind: "evict" }
  /** How large the ledgers' databases are together. */
  | { readonly kind: "ledgerBytes" };

export type Reading = {
  readonly nowMs: number;
  readonly counts: Counts;
  /** The most calls that waited for one another since the last reading: to objects, KV, D1, R2 and Claro. */
  readonly steps: number;
  readonly d1Bytes: number;
};

export const COMMAND_PATH = "/counting";
