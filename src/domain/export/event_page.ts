import { EVENT_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";
import { csvText } from "./csv.ts";
import type { ExportContext } from "./exported_event.ts";
import { PORTUGUESE_COLUMNS, type SheetValue } from "./portuguese_columns.ts";

/** Only texts can be what others wrote; the rest is in the gateway's own words and has nothing to guard. */
const CELLS = EVENT_FIELDS.map(({ name, type }) => ({ name, isText: type === "text" }));

/**
 * Some events in their order, and what several files of a period have of them, each made when it is first asked for: a
 * month's files are written side by side, and formatting is most of the work.
 */
export class EventPage {
  readonly events: readonly ExportedEvent[];
  readonly #context: ExportContext;
  #csvTexts: readonly string[] | null = null;
  #portugueseRows: readonly (readonly SheetValue[])[] | null = null;

  constructor(events: readonly ExportedEvent[], context: ExportContext) {
    this.events = events;
    this.#context = context;
  }

  /** Each event's cells in the order of `EVENT_FIELDS`, with commas between them. */
  get csvTexts(): readonly string[] {
    return (this.#csvTexts ??= this.events.map(csvTextOf));
  }

  /** Each event's values in the order of `PORTUGUESE_COLUMNS`. */
  get portugueseRows(): readonly (readonly SheetValue[])[] {
    if (this.#portugueseRows === null) {
      const valuesOf = PORTUGUESE_COLUMNS.map((column) => column.values(this.#context));
      this.#portugueseRows = this.events.map((event) => valuesOf.map((valueOf) => valueOf(event)));
    }
    return this.#portugueseRows;
  }
}

function csvTextOf(event: ExportedEvent): string {
  let text = String(event.seq);
  for (let index = 1; index < CELLS.length; index += 1) {
    const { name, isText } = CELLS[index] as (typeof CELLS)[number];
    const value = event[name];
    if (value === null) text += ",";
    else text += isText ? `,${csvText(value)}` : `,${value}`;
  }
  return text;
}
