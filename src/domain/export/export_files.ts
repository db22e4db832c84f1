import { eventsCsv } from "./events_csv.ts";
import { eventsJsonl } from "./events_jsonl.ts";
import { eventsPtbrCsv } from "./events_ptbr_csv.ts";
import type { EventEncoder } from "./exported_event.ts";
import { focusCsv } from "./focus_csv.ts";

/** A file of a statement, the manifest aside. */
export type ExportFile = { readonly name: string; readonly mediaType: string; readonly encoder: EventEncoder };

/** Every file that one pass over a period's events writes. */
export const EXPORT_FILES: readonly ExportFile[] = [
  { name: "events.jsonl", mediaType: "application/jsonl; charset=utf-8", encoder: eventsJsonl },
  { name: "events.csv", mediaType: "text/csv; charset=utf-8; header=present", encoder: eventsCsv },
  { name: "events.pt-br.csv", mediaType: "text/csv; charset=utf-8; header=present", encoder: eventsPtbrCsv },
  { name: "focus.csv", mediaType: "text/csv; charset=utf-8; header=present", encoder: focusCsv },
];
