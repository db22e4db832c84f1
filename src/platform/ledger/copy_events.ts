import { batchText } from "../../domain/event_row.ts";
import type { DaySums } from "../../domain/ledger/day_sums.ts";
import { D1_WRITE_MS } from "../../domain/ledger/times.ts";
import { LEDGER_SCHEMA_VERSION } from "../../domain/ledger/schema_version.ts";
import type { Clock } from "../clock.ts";
import { isDeadlinePassed, withDeadline } from "../deadline.ts";
import { ConflictingEventsError, writeDays, writeEvents } from "../event_copy.ts";
import { logEvent, messageOf } from "../log.ts";
import { BacklogReports } from "./backlog_reports.ts";
import { Batches } from "./batches.ts";
import type { LedgerCore } from "./ledger_core.ts";
import type { FlushReply, RecopyReply } from "./messages.ts";
import type { SideTables } from "./side_tables.ts";

/** From this age of the oldest waiting event on, every failed copy is a warning of a backlog. */
const BACKLOG_WARNING_MS = 300_000;
const REPORT_MS = 5000;
/** Sooner than a report is forgotten. */
const REPORT_AGAIN_MS = 1_800_000;
/** As many batches as one call writes to D1 again. */
const RECOPIED_BATCHES = 20;

const DAYS_A_WRITE = 100;
const CONFLICT = "D1 has other events at these numbers";

type Ledger = {
  readonly core: LedgerCore;
  readonly batches: Batches;
  readonly side: SideTables;
  readonly clock: Clock;
  /** D1 has other events at these seqs. */
  readonly onConflict: () => void;
};

/** Brings a ledger's batches to D1, one at a time, and tells the operator while D1 does not take them. */
export class EventCopy {
  readonly #ledger: Ledger;
  readonly #bindings: () => Pick<Env, "DB" | "KEYS">;
  #copying: Promise<FlushReply> | null = null;
  #failures = 0;
  #reportedAtMs: number | null = null;

  constructor(ledger: Ledger, bindings: () => Pick<Env, "DB" | "KEYS">) {
    this.#ledger = ledger;
    this.#bindings = bindings;
  }

  /** In a row, up to now. */
  get failures(): number {
    return this.#failures;
  }

  /** Something else than D1 went wrong: the next try comes later, too. */
  noteFailure(): void {
    this.#failures += 1;
  }

  /** Copies every batch up to `target`, at most `most` of them. */
  async through(target: number, most = Number.POSITIVE_INFINITY): Promise<FlushReply> {
    for (let copied = 0; ; copied += 1) {
      const flushedThrough = this.#ledger.side.copiedThrough();
      if (flushedThrough >= target || copied >= most) return { kind: "flushed", flushedThrough };
      const reply = await this.#next();
      if (reply.kind === "failed" || reply.flushedThrough === flushedThrough) return reply;
    }
  }

  /** Writes to D1 again what it once had after `afterSeq`, some batches a call, for a D1 that has lost it. */
  async again(afterSeq: number): Promise<RecopyReply> {
    const rows = this.#ledger.batches.after(afterSeq, RECOPIED_BATCHES);
    let through = afterSeq;
    let events = 0;
    for (const row of rows) {
      const failure = await this.#write(Batches.textOf(row));
      // From here on D1 has another ledger's life: what was shared before is there again.
      if (failure === CONFLICT) return { kind: "recopied", through, events, isDone: true };
      if (failure !== null) return { kind: "failed", reason: failure };
      events += row.last_seq - row.first_seq + 1;
      through = row.last_seq;
    }
    const isDone = rows.length < RECOPIED_BATCHES;
    // Of months that have left the ledger too: D1 may have lost what their days come to.
    const failure = isDone ? await this.#writeAllDays() : null;
    return failure === null ? { kind: "recopied", through, events, isDone } : { kind: "failed", reason: failure };
  }

  /** When the oldest event that D1 does not have occurred; null when there is none. */
  oldestUncopiedAtMs(): number | null {
    const [oldest] = this.#ledger.core.eventsAfter(this.#ledger.side.copiedThrough());
    return oldest?.occurred_at ?? null;
  }

  /**
   * The batch that has the first event after a seq. What waits is one, too, that grows until it is packed: D1 has it under
   * its first seq, and takes the longer one in its place.
   */
  #nextAfter(seq: number): { readonly last: number; readonly text: string } | null {
    const [row] = this.#ledger.batches.after(seq, 1);
    if (row !== undefined) return { last: row.last_seq, text: Batches.textOf(row) };
    const waiting = this.#ledger.core.nextBatch();
    const last = waiting.at(-1)?.seq ?? 0;
    return last > seq ? { last, text: batchText(waiting) } : null;
  }

  /** One batch. However many ask, it is one at a time: the promise is shared, with no await between check and assignment. */
  #next(): Promise<FlushReply> {
    this.#copying ??= this.#copyBatch().finally(() => {
      this.#copying = null;
    });
    return this.#copying;
  }

  async #copyBatch(): Promise<FlushReply> {
    const copiedThrough = this.#ledger.side.copiedThrough();
    const next = this.#nextAfter(copiedThrough);
    if (next === null) return { kind: "flushed", flushedThrough: copiedThrough };
    const failure = await this.#write(next.text);
    if (failure !== null) {
      this.#failures += 1;
      logEvent("warn", { event: "ledger_flush_failed", error: failure });
      await this.#reportBacklog();
      return { kind: "failed", reason: "D1 does not take the events now" };
    }
    this.#failures = 0;
    this.#ledger.side.saveCopied(next.last, LEDGER_SCHEMA_VERSION);
    await this.#takeBackReport();
    return { kind: "flushed", flushedThrough: next.last };
  }

  /** Null when D1 has the events, else why not; it may have them all the same. */
  async #write(text: string): Promise<string | null> {
    const terms = this.#ledger.core.state.terms;
    if (terms === null) return "the ledger has no terms";
    try {
      const write = () => writeEvents(this.#bindings().DB, terms, { events: text, days: this.#daysOf(text) });
      const written = await withDeadline(D1_WRITE_MS, write);
      return isDeadlinePassed(written) ? `D1 gave no answer within ${D1_WRITE_MS} ms` : null;
    } catch (error) {
      if (!(error instanceof ConflictingEventsError)) return messageOf(error);
      this.#ledger.onConflict();
      return CONFLICT;
    }
  }

  async #writeAllDays(): Promise<string | null> {
    const terms = this.#ledger.core.state.terms;
    if (terms === null) return null;
    const days = this.#ledger.core.daySums({ from: "0000-00-00", to: "9999-12-31" });
    try {
      for (let start = 0; start < days.length; start += DAYS_A_WRITE) {
        const some = days.slice(start, start + DAYS_A_WRITE);
        const written = await withDeadline(D1_WRITE_MS, () => writeDays(this.#bindings().DB, terms, some));
        if (isDeadlinePassed(written)) return `D1 gave no answer within ${D1_WRITE_MS} ms`;
      }
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  // Absolute values with their seq: D1 keeps the higher one, so that repeats and late writes change nothing.
  #daysOf(text: string): DaySums[] {
    const days = (JSON.parse(text) as { day?: string }[]).flatMap(({ day }) => (day === undefined ? [] : [day]));
    // A clock that jumped back within the month leaves the days out of order.
    const dates = new Set(days);
    const [from, ...others] = [...dates].toSorted();
    if (from === undefined) return [];
    const to = others.at(-1) ?? from;
    return this.#ledger.core.daySums({ from, to }).filter(({ date }) => dates.has(date));
  }

  async #reportBacklog(): Promise<void> {
    const terms = this.#ledger.core.state.terms;
    const oldestUnflushedAtMs = this.oldestUncopiedAtMs();
    if (terms === null || oldestUnflushedAtMs === null) return;
    const { tenantId, mode } = terms;
    const ageMs = this.#ledger.clock.nowMs() - oldestUnflushedAtMs;
    if (ageMs >= BACKLOG_WARNING_MS) {
      const batches = this.#ledger.batches.countAfter(this.#ledger.side.copiedThrough());
      logEvent("warn", { event: "ledger_backlog", tenantId, mode, batches, ageSeconds: Math.round(ageMs / 1000) });
    }
    if (this.#reportedAtMs !== null && Date.now() - this.#reportedAtMs < REPORT_AGAIN_MS) return;
    this.#reportedAtMs = Date.now();
    await this.#withReports((reports) => reports.report({ tenantId, mode, oldestUnflushedAtMs }));
  }

  async #takeBackReport(): Promise<void> {
    const terms = this.#ledger.core.state.terms;
    if (this.#reportedAtMs === null || terms === null) return;
    this.#reportedAtMs = null;
    await this.#withReports((reports) => reports.takeBack(terms));
  }

  // A report is a help to the operator; a copy does not fail for it.
  async #withReports(use: (reports: BacklogReports) => Promise<void>): Promise<void> {
    try {
      await withDeadline(REPORT_MS, () => use(new BacklogReports(this.#bindings().KEYS)));
    } catch (error) {
      logEvent("warn", { event: "ledger_report_failed", error: messageOf(error) });
    }
  }
}
