import { DEMONSTRATIVO_POLICY, demonstrativoHtml } from "./demonstrativo_html.ts";
import { eventosXlsx } from "./eventos_xlsx.ts";
import { eventsCsv } from "./events_csv.ts";
import { eventsJsonl } from "./events_jsonl.ts";
import { eventsPtbrCsv } from "./events_ptbr_csv.ts";
import type { ExportContext } from "./exported_event.ts";
import type { FileEncoder } from "./file_encoder.ts";
import { focusCsv } from "./focus_csv.ts";

/** A file of a statement, the manifest aside. */
export type ExportFile = {
  readonly name: string;
  readonly mediaType: string;
  /** The Content-Security-Policy that it is served with, where it is a page. */
  readonly contentSecurityPolicy?: string;
  /** Begins one such file. */
  encode(context: ExportContext): FileEncoder;
};

/** The file that needs no rule to be read back: what is read of a closed month is read from it. */
export const EVENTS_FILE = "events.jsonl";

const CSV = "text/csv; charset=utf-8; header=present";

/** Every file that one pass over a period's events writes. */
export const EXPORT_FILES: readonly ExportFile[] = [
  { name: EVENTS_FILE, mediaType: "application/jsonl; charset=utf-8", encode: eventsJsonl },
  { name: "events.csv", mediaType: CSV, encode: eventsCsv },
  { name: "events.pt-br.csv", mediaType: CSV, encode: eventsPtbrCsv },
  { name: "focus.csv", mediaType: CSV, encode: focusCsv },
  {
    name: "eventos.xlsx",
    mediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    encode: eventosXlsx,
  },
  {
    name: "demonstrativo.html",
    mediaType: "text/html; charset=utf-8",
    contentSecurityPolicy: DEMONSTRATIVO_POLICY,
    encode: demonstrativoHtml,
  },
];
