import { Zip, ZipDeflate } from "fflate";
import { guardedText } from "./guarded_text.ts";
import type { SheetCell, SheetColumn } from "./portuguese_columns.ts";

/** What a sheet of Excel holds, its header included. */
const MOST_ROWS = 1_048_576;
/** Texts that are kept once for the whole file, as long as they are few: words, names, keys. */
const MOST_SHARED_TEXTS = 5000;
const LONGEST_SHARED_TEXT = 64;
/** Fast rather than small: a month of a million lookups is a gigabyte of XML. */
const COMPRESSION_LEVEL = 1;
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
  '<xf numFmtId="0" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1"/>' +
  [49, 164, 165, 1]
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

/**
 * A workbook (Office Open XML) that is written from its first row to its last and keeps none: typed cells, a frozen header
 * with a filter, a further sheet wherever one is full. The same rows give the same bytes. Each call returns what is ready.
 */
export class Workbook {
  readonly #columns: readonly SheetColumn[];
  readonly #letters: readonly string[];
  readonly #sheetName: string;
  readonly #mostRows: number;
  readonly #zip: Zip;
  readonly #utf8 = new TextEncoder();
  readonly #sharedTexts = new Map<string, number>();
  #ready: Uint8Array[] = [];
  #sheet: ZipDeflate | null = null;
  /** The rows of each sheet that is done. */
  readonly #doneRows: number[] = [];
  #row = 0;

  constructor(
    columns: readonly SheetColumn[],
    { sheetName, mostRows = MOST_ROWS }: { sheetName: string; mostRows?: number },
  ) {
    this.#columns = columns;
    this.#letters = columns.map((_column, index) => columnLetters(index));
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
    return this.#take();
  }

  /** Rows with a cell for each column. */
  addRows(rows: readonly (readonly SheetCell[])[]): Uint8Array {
    let xml: string[] = [];
    for (const cells of rows) {
      if (this.#row === this.#mostRows) {
        this.#write(xml.join(""));
        xml = [];
        this.#endSheet();
        this.#beginSheet();
      }
      this.#row += 1;
      xml.push(this.#rowXml(cells));
    }
    this.#write(xml.join(""));
    return this.#take();
  }

  end(): Uint8Array {
    this.#endSheet();
    this.#addPart("xl/sharedStrings.xml", sharedStringsXml([...this.#sharedTexts.keys()]));
    this.#addPart("xl/_rels/workbook.xml.rels", workbookRelations(this.#doneRows.length));
    this.#addPart("xl/workbook.xml", this.#workbookXml());
    this.#zip.end();
    return this.#take();
  }

  #beginSheet(): void {
    const number = this.#doneRows.length + 1;
    this.#sheet = this.#newPart(`xl/worksheets/sheet${number}.xml`);
    this.#row = 1;
    const columns = this.#columns.map(
      ({ width }, index) => `<col min="${index + 1}" max="${index + 1}" width="${width}" customWidth="1"/>`,
    );
    const selected = number === 1 ? ' tabSelected="1"' : "";
    const names = this.#columns.map(({ header }, index) => this.#textXml(header, index, STYLE.header));
    this.#write(
      `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView${selected} workbookViewId="0"><pane ySplit="1" ` +
        'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
        `<cols>${columns.join("")}</cols><sheetData><row r="1">${names.join("")}</row>`,
    );
  }

  #endSheet(): void {
    this.#write(`</sheetData><autoFilter ref="A1:${this.#letters.at(-1)}${this.#row}"/></worksheet>`);
    this.#sheet?.push(new Uint8Array(0), true);
    this.#sheet = null;
    this.#doneRows.push(this.#row);
  }

  #rowXml(cells: readonly SheetCell[]): string {
    const xml = cells.map((cell, column) => (cell === null ? "" : this.#cellXml(cell, column)));
    return `<row r="${this.#row}">${xml.join("")}</row>`;
  }

  #cellXml(cell: NonNullable<SheetCell>, column: number): string {
    if (cell.type === "text") return this.#textXml(guardedText(cell.text), column, STYLE.text);
    return `<c r="${this.#letters[column]}${this.#row}" s="${STYLE[cell.type]}"><v>${numberOf(cell)}</v></c>`;
  }

  #textXml(text: string, column: number, style: number): string {
    const place = `<c r="${this.#letters[column]}${this.#row}" s="${style}"`;
    const shared = this.#sharedPlace(text, column);
    return shared === null
      ? `${place} t="inlineStr"><is>${textElement(text)}</is></c>`
      : `${place} t="s"><v>${shared}</v></c>`;
  }

  /** Where a text is kept for the whole file; null for one that is not likely to come again. */
  #sharedPlace(text: string, column: number): number | null {
    if (this.#row > 1 && this.#columns[column]?.isRepeated === false) return null;
    const known = this.#sharedTexts.get(text);
    if (known !== undefined) return known;
    if (text.length > LONGEST_SHARED_TEXT || this.#sharedTexts.size === MOST_SHARED_TEXTS) return null;
    this.#sharedTexts.set(text, this.#sharedTexts.size);
    return this.#sharedTexts.size - 1;
  }

  #workbookXml(): string {
    const names = this.#doneRows.map((_rows, index) => `${this.#sheetName}${index === 0 ? "" : ` ${index + 1}`}`);
    const sheets = names.map((name, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`);
    // A filter is one for programs only with this name beside it.
    const filters = names.map(
      (name, index) =>
        `<definedName name="_xlnm._FilterDatabase" localSheetId="${index}" hidden="1">'${name}'!$A$1:` +
        `$${this.#letters.at(-1)}$${this.#doneRows[index]}</definedName>`,
    );
    return (
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${sheets.join("")}</sheets>` +
      `<definedNames>${filters.join("")}</definedNames></workbook>`
    );
  }

  #write(xml: string): void {
    if (xml !== "") this.#sheet?.push(this.#utf8.encode(xml));
  }

  #newPart(name: string): ZipDeflate {
    const part = new ZipDeflate(name, { level: COMPRESSION_LEVEL });
    part.mtime = NO_TIME;
    this.#zip.add(part);
    return part;
  }

  #addPart(name: string, xml: string): void {
    this.#newPart(name).push(this.#utf8.encode(xml), true);
  }

  #take(): Uint8Array {
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
}

const MICROS_PER_REAL = 1_000_000;
const DAY_MS = 86_400_000;
/** Days from the spreadsheets' first to 1970. */
const DAYS_BEFORE_1970 = 25_569;

function numberOf(cell: Exclude<SheetCell, null | { type: "text" }>): number {
  switch (cell.type) {
    case "integer":
      return cell.value;
    case "money":
      return cell.micros / MICROS_PER_REAL;
    case "time":
      return Date.parse(`${cell.localTime}Z`) / DAY_MS + DAYS_BEFORE_1970;
  }
}

function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : `${columnLetters(Math.floor(index / 26) - 1)}${last}`;
}

function textElement(text: string): string {
  const space = /^\s|\s$|[\t\n]/.test(text) ? ' xml:space="preserve"' : "";
  return `<t${space}>${xmlText(text)}</t>`;
}

// What XML cannot hold is written as spreadsheets do, `_xHHHH_`; what looks like that from the start is escaped itself.
const UNWRITABLE = /(?![\t\n])[\p{Cc}\ufffe\uffff]|_(?=x[0-9a-f]{4}_)/giu;

/** Nearly every text: nothing in it has to be written otherwise. It is only here for speed. */
const PLAIN_TEXT = /^[ !#-%'-;=?-^`-~]*$/;

function xmlText(text: string): string {
  if (PLAIN_TEXT.test(text)) return text;
  const writable = text
    .toWellFormed()
    .replaceAll(UNWRITABLE, (sign) => `_x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`);
  return writable.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function sharedStringsXml(texts: readonly string[]): string {
  return `${XML}<sst xmlns="${MAIN}">${texts.map((text) => `<si>${textElement(text)}</si>`).join("")}</sst>`;
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
