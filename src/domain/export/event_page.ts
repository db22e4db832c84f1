import { EVENT_FIELDS, OWN_FIELDS } from "../event_fields.ts";
import type { ExportedEvent } from "../event_row.ts";

const SHARED_FIELDS = EVENT_FIELDS.map(({ name }) => name).filter((name) => !OWN_FIELDS.has(name));
const OWN_TEXTS = EVENT_FIELDS.filter(({ name, type }) => type === "text" && OWN_FIELDS.has(name)).map(
  ({ name }) => name,
);

/** What stands in every format as it is: nearly every id and reference. A spreadsheet's `_x` begins an escape. */
const PLAIN_TEXT = /^(?!.*_x)\w(?:[\w.:/+@ -]*\w)?$/i;

/** Some events in their order, as the files of a period take them. */
export class EventPage {
  readonly events: readonly ExportedEvent[];
  /** For each event a text that is the same for those that differ in their own fields only. */
  readonly sharedKeys: readonly string[];
  /** For each event whether no format has to guard, quote or escape any of its own texts. */
  readonly arePlain: readonly boolean[];

  constructor(events: readonly ExportedEvent[]) {
    this.events = events;
    this.sharedKeys = sharedKeysOf(events);
    this.arePlain = events.map(isPlain);
  }
}

function sharedKeysOf(events: readonly ExportedEvent[]): string[] {
  let before: ExportedEvent | null = null;
  let key = "";
  return events.map((event) => {
    if (before === null || !hasSameShared(event, before)) {
      key = JSON.stringify(SHARED_FIELDS.map((name) => event[name]));
    }
    before = event;
    return key;
  });
}

function hasSameShared(one: ExportedEvent, other: ExportedEvent): boolean {
  for (const name of SHARED_FIELDS) if (one[name] !== other[name]) return false;
  return true;
}

function isPlain(event: ExportedEvent): boolean {
  for (const name of OWN_TEXTS) {
    const text = event[name];
    if (text !== null && !PLAIN_TEXT.test(text as string)) return false;
  }
  return true;
}
