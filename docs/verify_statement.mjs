#!/usr/bin/env node

// src/ctl/verify_statement.ts
import { resolve as resolve2 } from "node:path";
import { parseArgs } from "node:util";

// src/domain/instant.ts
var HOUR_MS = 36e5;
var DAY_MS = 24 * HOUR_MS;

// src/domain/result.ts
function ok(value) {
  return { ok: true, value };
}
function fail(failure) {
  return { ok: false, failure };
}

// src/domain/period.ts
var TIME_ZONE = "America/Sao_Paulo";
var FIRST_MS = Date.UTC(1970, 0, 1, 3);
var END_MS = Date.UTC(1e4, 0, 1, 3);
var PERIOD = /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])$/;
var wallClock = new Intl.DateTimeFormat("en-US", {
  timeZone: TIME_ZONE,
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric"
});
var lastUtcDay = { startMs: Number.NaN, date: "" };
var lastMinute = { minute: Number.NaN, text: "" };
var lastPeriod = null;
function parsePeriod(text) {
  return PERIOD.test(text) ? ok(text) : fail("invalid_period");
}
function periodBounds(period) {
  if (lastPeriod?.period !== period) {
    const [year, month] = numbersOf(period);
    const bounds = { startMs: instantOf(Date.UTC(year, month - 1)), endMs: instantOf(Date.UTC(year, month)) };
    lastPeriod = { period, bounds };
  }
  return lastPeriod.bounds;
}
function nextPeriod(period) {
  return neighbour(period, 1);
}
function offsetAt(ms) {
  const wholeSecondMs = Math.floor(ms / 1e3) * 1e3;
  const fields = {};
  for (const { type, value } of wallClock.formatToParts(wholeSecondMs)) fields[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecondMs;
}
function instantOf(wallMs) {
  const before = wallMs - offsetAt(wallMs - DAY_MS);
  const after = wallMs - offsetAt(wallMs + DAY_MS);
  const shown = [Math.min(before, after), Math.max(before, after)].find((ms) => ms + offsetAt(ms) === wallMs);
  return shown ?? before;
}
function neighbour(period, months) {
  const [year, month] = numbersOf(period);
  const text = new Date(Date.UTC(year, month - 1 + months)).toISOString().slice(0, 7);
  const parsed = parsePeriod(text);
  if (!parsed.ok) throw new RangeError(`no period ${months} months from ${period}`);
  return parsed.value;
}
function numbersOf(text) {
  return [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))];
}

// src/domain/canonical_json.ts
function spellCanonically(value, isSpelled = Number.isFinite) {
  if (typeof value === "number" && !isSpelled(value)) throw new RangeError(`${value} has no canonical form`);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map((item) => spellCanonically(item, isSpelled)).join(",")}]`;
  const fields = Object.entries(value).toSorted(([left], [right]) => left < right ? -1 : 1);
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${spellCanonically(field, isSpelled)}`).join(",")}}`;
}
function isList(value) {
  return Array.isArray(value);
}

// src/domain/ed25519.ts
var ALGORITHM = { name: "Ed25519" };
async function isSignedBy(key, bytes, signature) {
  const { kty, crv, x } = key;
  const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x }, ALGORITHM, false, ["verify"]);
  const given = fromBase64Url(signature);
  return given !== null && await crypto.subtle.verify(ALGORITHM, publicKey, given, ownBytes(bytes));
}
function ownBytes(bytes) {
  return bytes;
}
function fromBase64Url(text) {
  if (!/^[\w-]+$/.test(text)) return null;
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

// src/domain/money.ts
var MICROS_PER_REAL = 1e6;
var MICROS_PER_CENTAVO = 1e4;
function formatMicros(micros) {
  const [sign2, whole, rest] = split(micros, MICROS_PER_REAL);
  const places = String(rest).padStart(6, "0").replace(/0{1,2}$/, "");
  return `${sign2}${whole}.${places}`;
}
function roundToCentavos(micros) {
  const [sign2, whole, rest] = split(micros, MICROS_PER_CENTAVO);
  const centavos = rest * 2 >= MICROS_PER_CENTAVO ? whole + 1 : whole;
  return sign2 === "-" && centavos > 0 ? -centavos : centavos;
}
function formatCentavos(centavos) {
  const [sign2, whole, rest] = split(centavos, 100);
  return `${sign2}${whole}.${String(rest).padStart(2, "0")}`;
}
function addExact(left, right) {
  const sum = left + right;
  if (!Number.isSafeInteger(sum)) throw new RangeError("a sum of money or units is not a safe integer");
  return sum;
}
function split(amount, unit) {
  if (!Number.isSafeInteger(amount)) throw new RangeError("an amount of money is not a safe integer");
  const size = Math.abs(amount);
  const rest = size % unit;
  return [amount < 0 ? "-" : "", (size - rest) / unit, rest];
}

// src/domain/statement.ts
var EXPORT_KEYS_PATH = "/.well-known/claro-score-gateway/export-keys.json";
function carriedOut({ period, totals }) {
  const { carriedOutCentavos = 0 } = totals;
  return carriedOutCentavos === 0 ? null : { from: period, centavos: carriedOutCentavos };
}
function canonicalJson(value) {
  return spellCanonically(value, Number.isSafeInteger);
}
async function verifyManifest(text, publicKeys) {
  const parsed = parseObject(text);
  if (parsed === null || !isCanonical(parsed, text)) return fail("unreadable_manifest");
  const { signature, ...unsigned } = parsed;
  if (typeof signature !== "string") return fail("not_signed");
  const key = publicKeys.find(({ kid }) => kid === unsigned["keyId"]);
  if (key === void 0) return fail("unknown_key");
  const isSigned = await isSignedBy(key, signedBytes(unsigned), signature);
  return isSigned ? ok(parsed) : fail("bad_signature");
}
async function sha256Hex(data) {
  const bytes = ownBytes(typeof data === "string" ? new TextEncoder().encode(data) : data);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
function signedBytes(unsigned) {
  return new TextEncoder().encode(canonicalJson(unsigned));
}
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? value : null;
  } catch {
    return null;
  }
}
function isCanonical(value, text) {
  try {
    return `${canonicalJson(value)}
` === text;
  } catch {
    return false;
  }
}

// src/domain/statement_bundle.ts
async function verifyBundle(files, manifestText, options) {
  const verified = await verifyManifest(manifestText, options.publicKeys);
  if (!verified.ok) return [{ name: verified.failure, subject: "manifest.json" }];
  const manifest = verified.value;
  return [...fileProblems(files, manifest), ...sumProblems(manifest), ...await chainProblems(manifest, options)];
}
function fileProblems(files, manifest) {
  const measured = new Map(files.map((file) => [file.name, file]));
  const listed = new Set(manifest.files.map(({ name }) => name));
  const unlisted = files.filter(({ name }) => !listed.has(name));
  return [
    ...manifest.files.flatMap((file) => compareFile(file, measured.get(file.name))),
    ...unlisted.map(({ name }) => ({ name: "file_unlisted", subject: name }))
  ];
}
function compareFile(listed, measured) {
  if (measured === void 0) return [{ name: "file_missing", subject: listed.name }];
  if (measured.bytes !== listed.bytes) return [{ name: "file_size_mismatch", subject: listed.name }];
  return measured.sha256 === listed.sha256 ? [] : [{ name: "file_hash_mismatch", subject: listed.name }];
}
function sumProblems({ lines, seq, totals }) {
  const { carriedOutCentavos = 0 } = totals;
  const amountMicros = lines.reduce((sum, line) => sum + (line.kind === "carried" ? 0 : line.amountMicros), 0);
  const amountCentavos = lines.reduce((sum, line) => sum + line.amountCentavos, 0);
  const holds = [
    [amountMicros === totals.amountMicros, "lines_mismatch", "totals.amountMicros"],
    [amountCentavos === totals.amountCentavos + carriedOutCentavos, "lines_mismatch", "totals.amountCentavos"],
    [isCarriedRightly(totals), "lines_mismatch", "totals.carriedOut"],
    [isWrittenRightly(totals), "lines_mismatch", "totals.amount"],
    ...lines.map((line, index) => [
      isLineRight(line),
      "line_wrong",
      `lines[${index}]`
    ]),
    [seq.count === seq.last - seq.first + 1, "sequence_mismatch", "seq.count"]
  ];
  return holds.filter(([isRight]) => !isRight).map(([, name, subject]) => ({ name, subject }));
}
function isCarriedRightly({ amountCentavos, carriedOutCentavos }) {
  if (carriedOutCentavos === void 0) return true;
  return carriedOutCentavos <= 0 && amountCentavos >= 0 && (carriedOutCentavos === 0 || amountCentavos === 0);
}
function isWrittenRightly({ amount, amountCentavos, exactAmount, amountMicros, ...carried }) {
  const { carriedOut: text = null, carriedOutCentavos: centavos = 0 } = carried;
  const isCarriedWritten = text === (centavos === 0 ? null : formatCentavos(centavos));
  return amount === formatCentavos(amountCentavos) && exactAmount === formatMicros(amountMicros) && isCarriedWritten;
}
function isLineRight({ kind, quantity, unitPriceMicros, amountMicros, amountCentavos }) {
  if (amountCentavos !== roundToCentavos(amountMicros)) return false;
  return kind !== "lookups" || unitPriceMicros !== null && amountMicros === quantity * unitPriceMicros;
}
async function chainProblems(manifest, options) {
  const { previousManifestText, publicKeys } = options;
  if (previousManifestText === void 0) return [];
  const verified = await verifyManifest(previousManifestText, publicKeys);
  if (!verified.ok) return [{ name: `previous_${verified.failure}`, subject: "manifest.json" }];
  const previous = verified.value;
  const links = [
    [manifest.previousManifestSha256 === await sha256Hex(previousManifestText), "previousManifestSha256"],
    [manifest.tenantId === previous.tenantId, "tenantId"],
    [manifest.period > previous.period, "period"],
    [manifest.seq.first === previous.seq.last + 1, "seq.first"],
    [isCarriedOn(manifest, previous), "lines.carried"]
  ];
  return links.filter(([holds]) => !holds).map(([, subject]) => ({ name: "chain_broken", subject }));
}
function isCarriedOn({ lines }, previous) {
  const carried = lines.filter(({ kind }) => kind === "carried");
  const expected = carriedOut(previous);
  if (expected === null) return carried.length === 0;
  const [line] = carried;
  return carried.length === 1 && line?.amountCentavos === expected.centavos && line.carriedFrom === expected.from;
}

// src/domain/statement_recount.ts
var COUNT_OF = {
  delivered: "delivered",
  not_found: "notFound",
  rejected: "rejected",
  failed: "failed",
  unknown: "unknown"
};
var RULES_DIFFER_MS = 2 * 36e5;
var Recount = class {
  #manifest;
  #startMs;
  #endMs;
  #counts;
  #byPrice = /* @__PURE__ */ new Map();
  #credits = { quantity: 0, amountMicros: 0 };
  #charges = { quantity: 0, amountMicros: 0 };
  #nextSeq;
  #lines = 0;
  #adjustments = 0;
  #billed = 0;
  #knowsUnits = true;
  #problem = null;
  constructor(manifest) {
    const { startMs, endMs } = periodBounds(manifest.period);
    this.#manifest = manifest;
    this.#startMs = startMs - RULES_DIFFER_MS;
    this.#endMs = endMs + RULES_DIFFER_MS;
    this.#nextSeq = manifest.seq.first;
    this.#counts = { delivered: 0, notFound: 0, rejected: 0, failed: 0, unknown: 0, billed: 0, amountMicros: 0 };
  }
  /** Takes the next line of the file. */
  add(line) {
    this.#lines += 1;
    if (this.#problem !== null) return;
    const event = parseEvent(line);
    const name = event === null ? "events_unreadable" : "events_mismatch";
    if (event !== null && this.#isNext(event)) this.#count(event);
    else this.#problem = { name, subject: `events.jsonl:${this.#lines}` };
  }
  /** What does not hold; nothing where everything does. */
  problems() {
    if (this.#problem !== null) return [this.#problem];
    const { seq, counts, adjustments, totals } = this.#manifest;
    const amountMicros = [...this.#byPrice.values(), this.#credits, this.#charges].reduce(
      (sum, line) => addExact(sum, line.amountMicros),
      0
    );
    const outcomes = Object.values(COUNT_OF).map((name) => [
      counts[name] === this.#counts[name],
      `counts.${name}`
    ]);
    const holds = [
      [this.#nextSeq - 1 === seq.last && this.#lines === seq.count, "seq"],
      ...outcomes,
      [counts.billed === this.#counts.billed || counts.billed === this.#billed, "counts.billed"],
      [counts.amountMicros === this.#counts.amountMicros, "counts.amountMicros"],
      [adjustments === this.#adjustments, "adjustments"],
      [amountMicros === totals.amountMicros, "totals.amountMicros"],
      [this.#areLookupsRight(), "lines.lookups"],
      [this.#isLine("credits", this.#credits), "lines.credits"],
      [this.#isLine("charges", this.#charges), "lines.charges"]
    ];
    return holds.filter(([isRight]) => !isRight).map(([, subject]) => ({ name: "events_mismatch", subject }));
  }
  /** Whether an event is this month's next: the tenant's, live, in order, and its amount its units at their price. */
  #isNext(event) {
    const { seq, tenantId, mode, amountMicros, unitPriceMicros, kind } = event;
    const occurredAtMs = Date.parse(event.occurredAt);
    if (seq !== this.#nextSeq || tenantId !== this.#manifest.tenantId || mode !== "live") return false;
    if (!(occurredAtMs >= this.#startMs && occurredAtMs < this.#endMs)) return false;
    if (!Number.isSafeInteger(amountMicros) || !Number.isSafeInteger(unitsOf(event))) return false;
    return kind === "adjustment" || amountMicros === unitsOf(event) * (unitPriceMicros ?? 0);
  }
  #count(event) {
    this.#nextSeq += 1;
    const units = unitsOf(event);
    this.#knowsUnits &&= event.units !== void 0;
    if (event.kind === "adjustment") {
      this.#adjustments += 1;
      addTo(event.amountMicros < 0 ? this.#credits : this.#charges, units, event.amountMicros);
      return;
    }
    if (event.outcome !== null) this.#counts[COUNT_OF[event.outcome]] += 1;
    this.#counts.billed += units;
    this.#counts.amountMicros = addExact(this.#counts.amountMicros, event.amountMicros);
    if (event.billed) this.#billed += 1;
    if (units === 0 || event.unitPriceMicros === null) return;
    const sum = this.#byPrice.get(event.unitPriceMicros) ?? { quantity: 0, amountMicros: 0 };
    this.#byPrice.set(event.unitPriceMicros, sum);
    addTo(sum, units, event.amountMicros);
  }
  /** What costs nothing may have a line or not. */
  #areLookupsRight() {
    const lines = this.#manifest.lines.filter(
      ({ kind, unitPriceMicros }) => kind === "lookups" && unitPriceMicros !== 0
    );
    const counted = [...this.#byPrice].filter(([price]) => price !== 0);
    if (lines.length !== counted.length) return false;
    return lines.every(({ quantity, unitPriceMicros, amountMicros }) => {
      const sum = unitPriceMicros === null ? void 0 : this.#byPrice.get(unitPriceMicros);
      return sum?.quantity === quantity && sum.amountMicros === amountMicros;
    });
  }
  #isLine(kind, sum) {
    const lines = this.#manifest.lines.filter((line2) => line2.kind === kind);
    const [line = { quantity: 0, amountMicros: 0 }] = lines;
    const isQuantityRight = !this.#knowsUnits || line.quantity === sum.quantity;
    return lines.length <= 1 && line.amountMicros === sum.amountMicros && isQuantityRight;
  }
};
function unitsOf({ kind, billed, units }) {
  if (units !== void 0) return units;
  return kind === "lookup" && billed ? 1 : 0;
}
function addTo(sum, units, amountMicros) {
  sum.quantity = addExact(sum.quantity, units);
  sum.amountMicros = addExact(sum.amountMicros, amountMicros);
}
function parseEvent(line) {
  try {
    const value = JSON.parse(line);
    return typeof value === "object" && value !== null && "seq" in value ? value : null;
  } catch {
    return null;
  }
}

// src/domain/statement_audit.ts
async function auditMonths(months, options) {
  const signed = [];
  const unsigned = [];
  for (const found of months) {
    const { manifestText } = found;
    if (manifestText === null) {
      unsigned.push(notSigned(found, { name: "file_missing", subject: "manifest.json" }));
      continue;
    }
    const verified = await verifyManifest(manifestText, options.keys);
    if (verified.ok) signed.push({ found, manifest: verified.value, manifestText, problems: [] });
    else unsigned.push(notSigned(found, { name: verified.failure, subject: "manifest.json" }));
  }
  const inOrder = signed.toSorted((left, right) => compare(placeOf(left), placeOf(right)));
  const audited = [];
  for (const [index, month] of inOrder.entries()) {
    const before = inOrder[index - 1];
    const previous = before !== void 0 && isMonthBefore(before.manifest, month.manifest) ? before : null;
    month.problems.push(
      ...folderProblems(month),
      ...await verifyBundle(month.found.files, month.manifestText, {
        publicKeys: options.keys,
        ...previous === null ? {} : { previousManifestText: previous.manifestText }
      }),
      ...await recountProblems(month),
      ...gapProblems(month, before ?? null)
    );
    const { tenantId, period, totals, closedAt, keyId } = month.manifest;
    const isFirst = month.manifest.previousManifestSha256 === null;
    const chain = previous === null ? isFirst ? "first" : "previous month not here" : "checked";
    const { where } = month.found;
    audited.push({ where, tenantId, period, amount: totals.amount, closedAt, keyId, chain, problems: month.problems });
  }
  addKeyProblems(inOrder, options.keys);
  addEndProblems(inOrder, options.through);
  return [...unsigned, ...audited];
}
function notSigned({ where }, problem) {
  const unknown = { tenantId: null, period: null, amount: null, closedAt: null, keyId: null };
  return { where, ...unknown, chain: "previous month not here", problems: [problem] };
}
function folderProblems({ found: { folder }, manifest: { tenantId, period } }) {
  const holds = [
    [folder.tenant === tenantId, `${folder.tenant} holds ${tenantId}`],
    [folder.month === period, `${folder.month} holds ${period}`]
  ];
  return holds.filter(([isRight]) => !isRight).map(([, subject]) => ({ name: "folder_mismatch", subject }));
}
async function recountProblems({ found: { events }, manifest }) {
  if (events === null || !parsePeriod(manifest.period).ok) return [];
  const recount = new Recount(manifest);
  for await (const line of events()) recount.add(line);
  return recount.problems();
}
function gapProblems({ manifest }, before) {
  if (before === null || before.manifest.tenantId !== manifest.tenantId) return [];
  if (before.manifest.period === manifest.period) return [{ name: "duplicate_month", subject: before.found.where }];
  const missing = [];
  for (let period = nextPeriod(before.manifest.period); period < manifest.period; period = nextPeriod(period)) {
    missing.push({ name: "month_missing", subject: period });
  }
  return missing;
}
function addKeyProblems(inOrder, keys) {
  let vouched = null;
  for (const month of inOrder.toReversed()) {
    const { manifest } = month;
    const key = keys.find(({ kid }) => kid === manifest.keyId);
    const isVouchedFor = vouched !== null && isMonthBefore(manifest, vouched.manifest) && !vouched.problems.some(({ name }) => name === "chain_broken");
    const problem = key === void 0 || isVouchedFor ? null : keyProblem(key, manifest);
    if (problem !== null) month.problems.push({ name: problem, subject: manifest.keyId ?? "" });
    vouched = problem === null ? month : null;
  }
}
function keyProblem(key, { closedAt }) {
  if (typeof key.revokedAt === "string") return "key_revoked";
  const atMs = Date.parse(closedAt ?? "");
  const fromMs = typeof key.validFrom === "string" ? Date.parse(key.validFrom) : Number.NEGATIVE_INFINITY;
  const untilMs = typeof key.validUntil === "string" ? Date.parse(key.validUntil) : Number.POSITIVE_INFINITY;
  return atMs >= fromMs && atMs <= untilMs ? null : "key_not_valid_then";
}
function addEndProblems(inOrder, through) {
  if (through === void 0) return;
  for (const [index, { manifest, problems }] of inOrder.entries()) {
    if (inOrder[index + 1]?.manifest.tenantId === manifest.tenantId) continue;
    for (let period = nextPeriod(manifest.period); period <= through; period = nextPeriod(period)) {
      problems.push({ name: "month_missing", subject: period });
    }
  }
}
function isMonthBefore(before, manifest) {
  return before.tenantId === manifest.tenantId && nextPeriod(before.period) === manifest.period;
}
function placeOf({ manifest: { tenantId, period } }) {
  return `${tenantId}
${period}`;
}
function compare(left, right) {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

// src/domain/assert.ts
function assert(condition, message) {
  if (!condition) throw new AssertionError(message);
}
function assertPresent(value, message) {
  assert(value !== void 0, message);
  return value;
}
var AssertionError = class extends Error {
  name = "AssertionError";
};

// src/ctl/terminal/text_width.ts
import { stripVTControlCharacters } from "node:util";
var graphemes = new Intl.Segmenter(void 0, { granularity: "grapheme" });
var WIDE = /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
var EMOJI = new RegExp("^(?:\\p{Emoji_Presentation}|\\p{Emoji}\\ufe0f|\\p{Regional_Indicator}{2})", "u");
var NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
function textWidth(text) {
  let width = 0;
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) width += graphemeWidth(segment);
  return width;
}
function truncate(text, width) {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const next = used + graphemeWidth(segment);
    if (next > width - 1) break;
    kept += segment;
    used = next;
  }
  return `${kept}\u2026`;
}
function graphemeWidth(segment) {
  if (NO_WIDTH.test(segment)) return 0;
  return WIDE.test(segment) || EMOJI.test(segment) ? 2 : 1;
}

// src/ctl/terminal/table.ts
var GAP = "  ";
var LEAST_ELASTIC_WIDTH = 8;
function table(rows, columns, options) {
  const measured = columns.map((column) => {
    const cells = rows.map((row) => printable(column.cell(row)));
    return { ...column, cells, width: Math.max(textWidth(column.title), ...cells.map(textWidth)) };
  });
  const maxWidth = options.maxWidth ?? Infinity;
  const kept = withoutOptional(measured, maxWidth);
  const shown = fitted(kept, maxWidth);
  const line = (textOf) => shown.map((column) => pad(truncate(textOf(column), column.width), column.width, column.align)).join(GAP).trimEnd();
  const head = options.bold(line(({ title }) => title));
  const lines = rows.map((_row, index) => line(({ cells }) => assertPresent(cells[index], "a row without its cell")));
  const left = measured.filter((column) => !kept.includes(column)).map((column) => column.title);
  const note = left.length === 0 ? [] : [`(not shown for want of width: ${left.join(", ")})`];
  return [head, ...lines, ...note].join("\n");
}
function printable(text) {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, " ");
}
function withoutOptional(columns, maxWidth) {
  const shown = [...columns];
  const leastWidth = () => lineWidth(shown.map(({ elastic, width }) => elastic ? Math.min(width, LEAST_ELASTIC_WIDTH) : width));
  while (leastWidth() > maxWidth) {
    const last = shown.findLastIndex((column) => column.optional);
    if (last === -1) break;
    shown.splice(last, 1);
  }
  return shown;
}
function fitted(columns, maxWidth) {
  const shown = columns.map((column) => ({ ...column }));
  while (lineWidth(shown.map(({ width }) => width)) > maxWidth) {
    const elastic = shown.filter((column) => column.elastic === true && column.width > LEAST_ELASTIC_WIDTH);
    const [widest] = elastic.toSorted((one, other) => other.width - one.width);
    if (widest === void 0) break;
    widest.width -= 1;
  }
  return shown;
}
function lineWidth(widths) {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}
function pad(text, width, align) {
  const space = " ".repeat(Math.max(width - textWidth(text), 0));
  return align === "right" ? `${space}${text}` : `${text}${space}`;
}

// src/ctl/verify/audit_text.ts
function auditText(months) {
  const rows = table(
    months,
    [
      { title: "TENANT", cell: ({ tenantId }) => tenantId ?? "-" },
      { title: "MONTH", cell: ({ period }) => period ?? "-" },
      { title: "AMOUNT (BRL)", cell: ({ amount }) => amount ?? "-" },
      { title: "CHAIN", cell: ({ chain }) => chain },
      { title: "KEY", cell: ({ keyId }) => keyId ?? "-" }
    ],
    { maxWidth: null, bold: (text) => text }
  );
  const count = months.length === 1 ? "1 month is as it was signed" : `${months.length} months are as they were signed`;
  return `${rows}

${count}.`;
}
function problemLines(months) {
  const wrong = months.filter(({ problems }) => problems.length > 0);
  return [
    `${wrong.length} of ${months.length} months are not as they were signed, or cannot be trusted:`,
    ...wrong.flatMap(({ where, problems }) => problems.map(({ name, subject }) => `  ${where}: ${name} (${subject})`))
  ];
}

// src/ctl/verify/find_months.ts
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
var MANIFEST = "manifest.json";
var EVENTS = "events.jsonl";
var FILE_OF_A_MONTH = /^(?:manifest|events|eventos|focus|demonstrativo)\b.*\.(?:json|jsonl|csv|xlsx|html)$/i;
async function findMonths(root, onMonth = () => {
}) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const dirs = entries.flatMap((entry) => {
    if (!entry.isFile() && parsePeriod(entry.name).ok) return [join(entry.parentPath, entry.name)];
    return !entry.isDirectory() && FILE_OF_A_MONTH.test(entry.name) ? [entry.parentPath] : [];
  });
  const months = [];
  for (const dir of [...new Set(dirs)].toSorted()) {
    months.push(await readMonth(dir));
    onMonth(months.length);
  }
  return months;
}
async function readMonth(dir) {
  const all = await readdir(dir).catch(() => []);
  const names = all.filter((name) => name !== MANIFEST);
  const files = [];
  for (const name of names) {
    const path = join(dir, name);
    const stats = await lstat(path);
    if (stats.isFile()) files.push({ name, bytes: stats.size, sha256: await sha256OfFile(path) ?? "" });
    else files.push({ name, bytes: -1, sha256: "" });
  }
  const hasEvents = files.some(({ name, bytes }) => name === EVENTS && bytes >= 0);
  return {
    where: dir,
    folder: { tenant: basename(dirname(dir)), month: basename(dir) },
    manifestText: all.includes(MANIFEST) ? await readFile(join(dir, MANIFEST), "utf8").catch(() => "") : null,
    files,
    events: hasEvents ? () => createInterface({ input: createReadStream(join(dir, EVENTS), "utf8") }) : null
  };
}
async function sha256OfFile(path) {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest("hex");
  } catch {
    return null;
  }
}

// src/ctl/verify/trusted_keys.ts
import { createHash as createHash2 } from "node:crypto";
import { chmod, mkdir, readFile as readFile2, rename, writeFile } from "node:fs/promises";
import { dirname as dirname2, join as join3, resolve } from "node:path";

// src/ctl/api/network_failure.ts
function networkFailure(error) {
  const { code: given, message } = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = typeof given === "string" ? given : void 0;
  return { code, reason: code ?? message };
}

// src/ctl/config_folder.ts
import { homedir } from "node:os";
import { isAbsolute, join as join2 } from "node:path";
function configFolder(env) {
  const named = [env["XDG_CONFIG_HOME"], env["APPDATA"]].find((path) => path !== void 0 && isAbsolute(path));
  const root = named ?? join2(homedir(), ".config");
  return join2(root, "claro-score-gateway");
}

// src/ctl/verify/trusted_keys.ts
var KEYS_TIMEOUT_MS = 2e4;
function pinFile(env = process.env) {
  return join3(configFolder(env), "trusted-keys.json");
}
async function chosenKeys({ keys, gateway }, options) {
  if (keys !== void 0 && gateway !== void 0) return fail("Give --keys or --gateway, not both.");
  if (keys !== void 0) return await readKeysFile(resolve(keys));
  return gateway === void 0 ? await pinnedKeys() : await keysOfGateway(gateway.replace(/\/+$/, ""), options);
}
async function readKeysFile(path) {
  const read = await readJson(path);
  if (!read.ok) return read;
  if (read.value === null) return fail(`There is no file ${path}`);
  const pins = pinsIn(read.value.json);
  const keys = pins === null ? keysIn(read.value.json) : keysOfAll(pins);
  if (keys === null || keys.length === 0) return fail(`${path} holds no keys`);
  const doubtful = doubtfulAmong(keys);
  return doubtful === null ? ok(keys) : fail(`${doubtful}: leave the gateway that you mean in ${path}.`);
}
async function pinnedKeys() {
  const pins = await readPins(pinFile());
  if (!pins.ok) return pins;
  const keys = keysOfAll(pins.value);
  if (keys.length === 0) {
    return fail(
      "No keys are trusted here yet: keys that travel with the files prove nothing.\nName a file of keys that you trust with --keys, or the gateway to pin them from with --gateway https://\u2026."
    );
  }
  const doubtful = doubtfulAmong(keys);
  return doubtful === null ? ok(keys) : fail(`${doubtful}: name one with --gateway.`);
}
async function keysOfGateway(gatewayUrl, options) {
  if (!/^https?:\/\//.test(gatewayUrl)) return fail("--gateway is an address such as https://gateway.example");
  const listed = await listedKeys(gatewayUrl);
  if (listed.ok) return await pinKeys(gatewayUrl, listed.value, options);
  const { file = pinFile(), say = () => {
  } } = options;
  const pins = await readPins(file);
  if (!pins.ok) return pins;
  const pinned = pins.value[gatewayUrl];
  if (pinned === void 0) {
    const how = "repeat when it answers, or name a file of keys that you trust with --keys.";
    return fail(`${gatewayUrl} cannot be asked for its keys (${listed.failure}), and none are pinned here: ${how}`);
  }
  say(
    `${gatewayUrl} cannot be asked whether there are newer keys (${listed.failure}): those that are pinned here count.`
  );
  return ok(pinned.keys);
}
async function listedKeys(gatewayUrl, { timeoutMs = KEYS_TIMEOUT_MS } = {}) {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`${gatewayUrl}${EXPORT_KEYS_PATH}`, { redirect: "error", signal });
    const text = await response.text();
    if (!response.ok) return fail(`it answered ${response.status}`);
    const keys = keysIn(parseJson(text)?.json);
    return keys === null ? fail("its answer is no list of keys") : ok(keys);
  } catch (error) {
    return fail(networkFailure(error).reason);
  }
}
async function pinKeys(gatewayUrl, listed, { file = pinFile(), acceptNew = false, say = () => {
} } = {}) {
  const pins = await readPins(file);
  if (!pins.ok) return pins;
  const pinned = pins.value[gatewayUrl]?.keys;
  if (pinned === void 0) {
    if (listed.length === 0) return fail(`${gatewayUrl} lists no keys: ask its operator.`);
    for (const key of listed) say(`Trusted from now on, of ${gatewayUrl}: ${fingerprintOf(key)}`);
  } else {
    const wrong = pinned.flatMap(
      (key) => changeOf(
        key,
        listed.find(({ kid }) => kid === key.kid)
      ) ?? []
    );
    if (wrong.length > 0) return fail([`THE KEYS OF ${gatewayUrl} HAVE CHANGED:`, ...wrong, HELP(file)].join("\n"));
    const fresh = listed.filter(({ kid }) => !pinned.some((key) => key.kid === kid));
    if (fresh.length > 0 && !acceptNew) {
      const names = fresh.map((key) => `  ${fingerprintOf(key)}`);
      const how = "Ask the operator whether it is theirs, then repeat with --trust-new-keys.";
      return fail([`${gatewayUrl} has a new key:`, ...names, how].join("\n"));
    }
    for (const key of fresh) say(`Trusted from now on, of ${gatewayUrl}: ${fingerprintOf(key)}`);
    for (const { kid, revokedAt } of listed) {
      if (typeof revokedAt === "string") say(`${kid} was disowned at ${revokedAt}`);
    }
  }
  const pinnedAt = pins.value[gatewayUrl]?.pinnedAt ?? (/* @__PURE__ */ new Date()).toISOString();
  const written = await writePins(file, { ...pins.value, [gatewayUrl]: { pinnedAt, keys: listed } });
  return written.ok ? ok(listed) : written;
}
var HELP = (file) => `Nothing was trusted, downloaded or verified. Either the gateway is not the one that it was, or somebody stands between.
If its operator confirms the change, take the gateway's keys out of ${file}.`;
function changeOf(pinned, listed) {
  if (listed === void 0) return `  ${pinned.kid} is gone`;
  if (listed.x !== pinned.x)
    return `  ${pinned.kid} is another key: ${fingerprintOf(pinned)} became ${fingerprintOf(listed)}`;
  if (typeof pinned.revokedAt === "string" && typeof listed.revokedAt !== "string")
    return `  ${pinned.kid} is no longer disowned`;
  const isLonger = typeof pinned.validUntil === "string" && (typeof listed.validUntil !== "string" || Date.parse(listed.validUntil) > Date.parse(pinned.validUntil));
  return isLonger ? `  ${pinned.kid} is valid for longer than it was` : null;
}
function fingerprintOf({ kid, x }) {
  return `${kid} SHA256:${createHash2("sha256").update(Buffer.from(x, "base64url")).digest("base64url")}`;
}
function keysOfAll(pins) {
  return Object.values(pins).flatMap((pin) => pin.keys);
}
function doubtfulAmong(keys) {
  const doubtful = keys.find(({ kid, x }) => keys.some((other) => other.kid === kid && other.x !== x));
  return doubtful === void 0 ? null : `${doubtful.kid} is another key at each of several gateways`;
}
function keysIn(value) {
  const { keys } = value ?? {};
  return Array.isArray(keys) && keys.every(isKey) ? keys : null;
}
function pinsIn(value) {
  const { gateways } = value ?? {};
  if (typeof gateways !== "object" || gateways === null) return null;
  return Object.values(gateways).every((pin) => keysIn(pin) !== null) ? gateways : null;
}
function isKey(value) {
  const { kty, crv, x, kid } = value ?? {};
  return kty === "OKP" && crv === "Ed25519" && typeof x === "string" && /^[\w-]{43}$/.test(x) && typeof kid === "string";
}
async function readPins(file) {
  const read = await readJson(file);
  if (!read.ok) return read;
  if (read.value === null) return ok({});
  const pins = pinsIn(read.value.json);
  return pins === null ? fail(`${file} cannot be read as what it was written as`) : ok(pins);
}
async function writePins(file, gateways) {
  const part = `${file}.${process.pid}.part`;
  try {
    await mkdir(dirname2(file), { recursive: true, mode: 448 });
    await writeFile(part, `${JSON.stringify({ gateways }, null, 2)}
`, { mode: 384 });
    await chmod(part, 384);
    await rename(part, file);
    return ok(null);
  } catch (error) {
    const why = `${file} cannot be written (${error.code})`;
    return fail(`${why}: to trust keys without keeping them, name a file of them with --keys.`);
  }
}
async function readJson(path) {
  let text;
  try {
    text = await readFile2(path, "utf8");
  } catch (error) {
    const { code } = error;
    return code === "ENOENT" ? ok(null) : fail(`${path} cannot be read (${code})`);
  }
  const parsed = parseJson(text);
  return parsed === null ? fail(`${path} cannot be read: it is no JSON`) : ok(parsed);
}
function parseJson(text) {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return null;
  }
}

// src/ctl/verify_statement.ts
var USAGE = `node verify_statement.mjs DIR [--keys FILE | --gateway URL [--trust-new-keys]] [--through YYYY-MM] [--json]

Checks downloaded months in DIR/<tenant>/<month>/, or one such folder: signatures, files, sums from the events, the chain.
  --keys FILE        the public keys that you trust: an export-keys.json, or a trusted-keys.json as --gateway writes it
  --gateway URL      pin the keys of this gateway at first use; later they must be the same
  --trust-new-keys   accept a key that the gateway lists and that is not pinned yet
  --through YYYY-MM  every tenant's months must reach this one
  --json             print JSON
Exit codes: 0 everything holds, 1 something does not, 2 nothing was checked: wrong usage, or no trusted keys.`;
var OPTIONS = {
  keys: { type: "string" },
  gateway: { type: "string" },
  "trust-new-keys": { type: "boolean" },
  through: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" }
};
async function main(args) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return usage(error.message);
  }
  const { values, positionals } = parsed;
  const [dir, ...others] = positionals;
  if (values.help === true) return print(USAGE, 0);
  if (dir === void 0 || others.length > 0) return usage("Name one folder.");
  const through = values.through === void 0 ? null : parsePeriod(values.through);
  if (through?.ok === false) return usage("--through is a month such as 2026-11.");
  const say = (text) => process.stderr.write(`${text}
`);
  const keys = await chosenKeys(values, { acceptNew: values["trust-new-keys"] === true, say });
  if (!keys.ok) return usage(keys.failure);
  const found = await findMonths(resolve2(dir));
  if (found.length === 0) return usage(`There is no month in ${resolve2(dir)}`);
  const months = await auditMonths(found, { keys: keys.value, through: through?.value });
  const isWhole = months.every(({ problems }) => problems.length === 0);
  if (values.json === true) print(JSON.stringify({ months }, null, 2), 0);
  else if (isWhole) print(auditText(months), 0);
  else process.stderr.write(`${problemLines(months).join("\n")}
`);
  return isWhole ? 0 : 1;
}
function print(text, code) {
  process.stdout.write(`${text}
`);
  return code;
}
function usage(message) {
  process.stderr.write(`${message}
(--help says more)
`);
  return 2;
}
process.on("uncaughtException", (error) => process.exit(usage(`Nothing was checked: ${error.message}`)));
process.exitCode = await main(process.argv.slice(2));
