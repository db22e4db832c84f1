import { Zip, ZipDeflate } from "fflate";
import { DAY_MS } from "../instant.ts";
import { MICROS_PER_REAL } from "../money.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { guardedText } from "./guarded_text.ts";
import type { SheetColumn, SheetValue } from "./portuguese_columns.ts";
import { RowDeflate } from "./row_deflate.ts";

/** What a sheet of Excel holds, its header included. */
const MOST_ROWS = 1_048_576;
/** Texts that are kept once for the whole file, as long as they are few: words, names, keys. */
const MOST_SHARED_TEXTS = 5000;
const LONGEST_SHARED_TEXT = 64;
/** Rows that are compressed at once. */
const ROWS_AT_ONCE = 50;
// Zip files keep local times without a zone, so this is the same for whoever makes one.
const NO_TIME = new Date(1980, 0, 1);

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/** Places in `STYLES`. */
const STYLE = { header: 1, text: 2, time: 3, money: 4, integer: 5 } as const;

const STYLES =
  `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm:ss"/>` +
  '<numFmt numFmtId="165" formatCode="[$R$-416]\\ #,##0.00####;[Red]\\-[$R$-416]\\ #,##0.00####"/></numFmts>' +
  '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>' +
  '<font><b/><sz val="11"/><color rgb="FFFFFFFF"/><name val="Calibri"/></font></fonts>' +
  '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>' +
  '<fill><patternFill patternType="solid"><fgColor rgb="FF1F3A5F"/></patternFill></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="6">' +
  '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
  '<xf numFmtId="0" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1" applyAlignment="1">' +
  // Indented, so that a text does not stick to the number before it.
  '<alignment horizontal="left" indent="1"/></xf>' +
  '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">' +
  '<alignment horizontal="left" indent="1"/></xf>' +
  [164, 165, 1]
    .map((format) => `<xf numFmtId="${format}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`)
    .join("") +
  '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>';

// Sheets are the default type of an XML part, so that this comes first although their number is known last.
const CONTENT_TYPES =
  `${XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
  '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
  `<Default Extension="xml" ContentType="${SHEET_TYPE}.worksheet+xml"/>` +
  `<Override PartName="/xl/workbook.xml" ContentType="${SHEET_TYPE}.sheet.main+xml"/>` +
  `<Override PartName="/xl/styles.xml" ContentType="${SHEET_TYPE}.styles+xml"/>` +
  `<Override PartName="/xl/sharedStrings.xml" ContentType="${SHEET_TYPE}.sharedStrings+xml"/></Types>`;

const ROOT_RELATIONS =
  `${XML}<Relationships xmlns="${RELATIONS}"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" ` +
  'Target="xl/workbook.xml"/></Relationships>';

type Column = Pick<SheetColumn, "header" | "width" | "type" | "isOwn">;

/**
 * A workbook (Office Open XML) that is written from its first row to its last and keeps none: typed cells, a frozen header
 * with a filter, a further sheet wherever one is full. The same rows give the same bytes.
 */
export class Workbook {
  readonly #columns: readonly Column[];
  readonly #sheetName: string;
  readonly #mostRows: number;
  readonly #zip: Zip;
  readonly #sharedTexts = new Map<string, number>();
  #ready: Uint8Array[] = [];
  #sheet: RowDeflate | null = null;
  /** The rows of each sheet that is done. */
  readonly #doneRows: number[] = [];
  #row = 0;
  /** Rows that are not compressed yet. */
  readonly #rows = new ByteBuffer();

  constructor(
    columns: readonly Column[],
    { sheetName, mostRows = MOST_ROWS }: { sheetName: string; mostRows?: number },
  ) {
    this.#columns = columns;
    this.#sheetName = sheetName;
    this.#mostRows = mostRows;
    this.#zip = new Zip((error, bytes) => {
      if (error !== null) throw error;
      this.#ready.push(bytes);
    });
  }

  /** The file's start, with the header of the first sheet. */
  begin(): Uint8Array {
    this.#addPart("[Content_Types].xml", CONTENT_TYPES);
    this.#addPart("_rels/.rels", ROOT_RELATIONS);
    this.#addPart("xl/styles.xml", STYLES);
    this.#beginSheet();
    return this.take();
  }

  /**
   * Writes a cell of a column. One without its place stands behind the one before it, so that an empty one has to be there.
   */
  putCell(out: ByteBuffer, value: SheetValue, { type, isOwn }: Column, isPlain = false): void {
    if (value === null) return out.putText("<c/>");
    switch (type) {
      case "text":
        return this.#putTextCell(out, String(value), { isOwn, isPlain });
      case "integer":
        return putNumber(out, Number(value), STYLE.integer);
      case "money":
        return putNumber(out, Number(value) / MICROS_PER_REAL, STYLE.money);
      case "time":
        return putNumber(out, serialTime(String(value)), STYLE.time);
    }
  }

  /** A row, whose cells are written one behind the other, as many as there are columns. */
  addRow(putCells: (out: ByteBuffer) => void): void {
    if (this.#row === this.#mostRows) {
      this.#endSheet();
      this.#beginSheet();
    }
    this.#row += 1;
    this.#rows.putText(`<row r="${this.#row}">`);
    putCells(this.#rows);
    this.#rows.putText("</row>");
    if (this.#row % ROWS_AT_ONCE === 0) this.#write();
  }

  /** What is ready of the file since this was asked last. Rows stay together as they are, whenever this is asked. */
  take(): Uint8Array {
    const ready = this.#ready;
    this.#ready = [];
    const bytes = new Uint8Array(ready.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const part of ready) {
      bytes.set(part, at);
      at += part.byteLength;
    }
    return bytes;
  }

  end(): Uint8Array {
    this.#endSheet();
    this.#addPart("xl/sharedStrings.xml", sharedStringsXml([...this.#sharedTexts.keys()]));
    this.#addPart("xl/_rels/workbook.xml.rels", workbookRelations(this.#doneRows.length));
    this.#addPart("xl/workbook.xml", this.#workbookXml());
    this.#zip.end();
    return this.take();
  }

  #putTextCell(out: ByteBuffer, value: string, { isOwn, isPlain }: { isOwn: boolean; isPlain: boolean }): void {
    const text = isPlain ? value : guardedText(value);
    const shared = isOwn ? null : this.#sharedXml(text, STYLE.text);
    if (shared !== null) return out.putText(shared);
    out.putText(`<c s="${STYLE.text}" t="inlineStr"><is><t`);
    out.putText(isPlain ? ">" : spaceOf(text));
    out.putText(isPlain ? text : xmlText(text));
    out.putText("</t></is></c>");
  }

  #beginSheet(): void {
    const number = this.#doneRows.length + 1;
    this.#sheet = new RowDeflate(`xl/worksheets/sheet${number}.xml`, NO_TIME);
    this.#zip.add(this.#sheet);
    this.#row = 1;
    const columns = this.#columns.map(
      ({ width }, index) => `<col min="${index + 1}" max="${index + 1}" width="${width}" customWidth="1"/>`,
    );
    const selected = number === 1 ? ' tabSelected="1"' : "";
    // The first texts of the file, so that there is room for them.
    const names = this.#columns.map(({ header }) => this.#sharedXml(header, STYLE.header));
    this.#rows.putText(
      `${XML}<worksheet xmlns="${MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><sheetViews><sheetView${selected} workbookViewId="0"><pane ySplit="1" ` +
        'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
        `<cols>${columns.join("")}</cols><sheetData><row r="1">${names.join("")}</row>`,
    );
    this.#write();
  }

  #endSheet(): void {
    this.#write();
    const lastColumn = columnLetters(this.#columns.length - 1);
    this.#rows.putText(
      `</sheetData><autoFilter ref="A1:${lastColumn}${this.#row}"/>` +
        // On paper: A4 lengthwise, every column on the page.
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>',
    );
    this.#sheet?.push(this.#rows.take(), true);
    this.#sheet = null;
    this.#doneRows.push(this.#row);
  }

  /** A cell whose text is kept once for the whole file; null for one that is not likely to come again. */
  #sharedXml(text: string, style: number): string | null {
    let place = this.#sharedTexts.get(text);
    if (place === undefined) {
      if (text.length > LONGEST_SHARED_TEXT || this.#sharedTexts.size === MOST_SHARED_TEXTS) return null;
      this.#sharedTexts.set(text, (place = this.#sharedTexts.size));
    }
    return `<c s="${style}" t="s"><v>${place}</v></c>`;
  }

  #workbookXml(): string {
    const names = this.#doneRows.map((_rows, index) => `${this.#sheetName}${index === 0 ? "" : ` ${index + 1}`}`);
    const sheets = names.map((name, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`);
    // A filter is one for programs only with this name beside it.
    const filters = names.map(
      (name, index) =>
        `<definedName name="_xlnm._FilterDatabase" localSheetId="${index}" hidden="1">'${name}'!$A$1:` +
        `$${columnLetters(this.#columns.length - 1)}$${this.#doneRows[index]}</definedName>` +
        `<definedName name="_xlnm.Print_Titles" localSheetId="${index}">'${name}'!$1:$1</definedName>`,
    );
    return (
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${sheets.join("")}</sheets>` +
      `<definedNames>${filters.join("")}</definedNames></workbook>`
    );
  }

  #write(): void {
    this.#sheet?.push(this.#rows.take());
  }

  #addPart(name: string, xml: string): void {
    const part = new ZipDeflate(name);
    part.mtime = NO_TIME;
    this.#zip.add(part);
    part.push(new TextEncoder().encode(xml), true);
  }
}

const DAY_SECONDS = 86_400;
/** Days from the spreadsheets' first to 1970. */
const DAYS_BEFORE_1970 = 25_569;

function putNumber(out: ByteBuffer, value: number, style: number): void {
  out.putText(`<c s="${style}"><v>`);
  out.putText(String(value));
  out.putText("</v></c>");
}

/** A local time as spreadsheets count: days and parts of one. */
function serialTime(localTime: string): number {
  const seconds = (twoDigits(localTime, 11) * 60 + twoDigits(localTime, 14)) * 60 + twoDigits(localTime, 17);
  const year = twoDigits(localTime, 0) * 100 + twoDigits(localTime, 2);
  const dayMs = Date.UTC(year, twoDigits(localTime, 5) - 1, twoDigits(localTime, 8));
  return dayMs / DAY_MS + DAYS_BEFORE_1970 + seconds / DAY_SECONDS;
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : `${columnLetters(Math.floor(index / 26) - 1)}${last}`;
}

/** The end of a text's tag: without the attribute, blanks at the ends are not part of it. */
function spaceOf(text: string): string {
  return /^\s|\s$|[\t\n]/.test(text) ? ' xml:space="preserve">' : ">";
}

// What XML cannot hold is written as spreadsheets do, `_xHHHH_`; what looks like that from the start is escaped itself.
const UNWRITABLE = /(?![\t\n])[\p{Cc}\ufffe\uffff]|_(?=x[0-9a-f]{4}_)/giu;

/** Nearly every text: nothing in it has to be written otherwise. It is only here for speed. */
const PLAIN_TEXT = /^(?:[ !#-%'-;=?-^`-~]|_(?!x))*$/i;

function xmlText(text: string): string {
  if (PLAIN_TEXT.test(text)) return text;
  const writable = text
    .toWellFormed()
    .replaceAll(UNWRITABLE, (sign) => `_x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`);
  return writable.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function sharedStringsXml(texts: readonly string[]): string {
  return `${XML}<sst xmlns="${MAIN}">${texts.map((text) => `<si><t${spaceOf(text)}${xmlText(text)}</t></si>`).join("")}</sst>`;
}

function workbookRelations(sheets: number): string {
  const relation = (id: number, type: string, target: string) =>
    `<Relationship Id="rId${id}" Type="${OFFICE}/${type}" Target="${target}"/>`;
  const ofSheets = Array.from({ length: sheets }, (_, index) =>
    relation(index + 1, "worksheet", `worksheets/sheet${index + 1}.xml`),
  );
  const others = [
    relation(sheets + 1, "styles", "styles.xml"),
    relation(sheets + 2, "sharedStrings", "sharedStrings.xml"),
  ];
  return `${XML}<Relationships xmlns="${RELATIONS}">${[...ofSheets, ...others].join("")}</Relationships>`;
}
