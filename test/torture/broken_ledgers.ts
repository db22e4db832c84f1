/** Of one place in the sources. */
export type SourceChange = {
  readonly file: string;
  /** Stands in the file once. */
  readonly intact: string;
  readonly broken: string;
};

/** A fault that somebody could make. */
export type BrokenLedger = SourceChange & {
  readonly name: string;
  /** The invariants, as the kill loop names them, of which one is found broken at least: a pattern. */
  readonly finds: string;
};

/** A ledger is cut once in each of its lives at least, where an object in use is cut after hundreds of lookups. */
export const CUT_OFTEN: SourceChange = {
  file: "src/platform/ledger/ledger_core.ts",
  intact: "const MANY_RECOVERED_ROWS = 64;",
  broken: "const MANY_RECOVERED_ROWS = 1;",
};

/** Ledgers that are broken on purpose. The kill loop has to find each of them, or it proves nothing of the one that is not. */
export const BROKEN_LEDGERS: readonly BrokenLedger[] = [
  {
    name: "settled-after-the-answer",
    file: "src/gateway/lookup_score.ts",
    intact: `const settled = await inSpan("settle", () => settleLookup(lookup, admission, { ended, answer }));`,
    broken: `lookup.waitUntil(settleLookup(lookup, admission, { ended, answer }));
  const settled = { kind: "settled", charge: null, notices: null };`,
    finds: "1 an answer has its event",
  },
  {
    name: "seq-forgets-what-was-copied",
    file: "src/platform/ledger/journal.ts",
    intact: `state = parseState(parts.map((part) => part.state).join(""));`,
    broken: `state = parseState(parts.map((part) => part.state).join(""));
      state.lastSeq = [...state.waiting.values()].at(-1)?.seq ?? 0;`,
    // Its ledgers stop as soon as D1 has other events at their numbers, some before a hole is there.
    finds: "(?:5 seq has no holes|6 D1 has what the objects have)",
  },
  {
    name: "copied-before-d1-confirms",
    file: "src/platform/ledger/copy_events.ts",
    intact: `const failure = await this.#write(next.text);
    if (failure !== null) {
      this.#failures += 1;`,
    broken: `this.#ledger.side.saveCopied(next.last, LEDGER_SCHEMA_VERSION);
    const failure = await this.#write(next.text);
    if (failure !== null) {
      this.#failures += 1;`,
    finds: "6 D1 has what the objects have",
  },
  {
    // Its position is counted: a start finds the gap, and may not go on.
    name: "journal-row-lost",
    file: "src/platform/ledger/journal.ts",
    intact: "this.#sql.exec(SQL.append, this.#position + 1, text);",
    broken: "if (Math.random() > 0.05) this.#sql.exec(SQL.append, this.#position + 1, text);",
    finds: "5 seq has no holes",
  },
  {
    // No gap tells of it: what was answered is not there after a start.
    name: "journal-row-never-written",
    file: "src/platform/ledger/journal.ts",
    intact: "this.#sql.exec(SQL.append, this.#position + 1, text);",
    broken: `if (Math.random() < 0.05) return;
    this.#sql.exec(SQL.append, this.#position + 1, text);`,
    finds: "1 an answer has its event",
  },
  {
    name: "checkpoint-one-entry-behind",
    file: "src/platform/ledger/ledger_core.ts",
    intact: `apply(this.#state, entry);
    }
    this.#tables.journal.checkpoint(this.#state);`,
    broken: `this.#tables.journal.checkpoint(this.#state);
      apply(this.#state, entry);
      return;
    }
    this.#tables.journal.checkpoint(this.#state);`,
    finds: "8 usage is the sum of the events",
  },
  {
    name: "grant-not-counted",
    file: "src/domain/ledger/apply.ts",
    intact: "addGrant(state.grants, lookup.keyId, { count: entry.granted, nowMs: atMs });",
    broken: "",
    finds: "11 a suspension holds when its call returns",
  },
];

export function brokenLedger(name: string): BrokenLedger {
  const found = BROKEN_LEDGERS.find((one) => one.name === name);
  if (found === undefined) {
    throw new Error(`there is no broken ledger ${name}, but ${BROKEN_LEDGERS.map((one) => one.name).join(", ")}`);
  }
  return found;
}
