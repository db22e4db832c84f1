import type { Failure } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import { MICROS_PER_REAL } from "../domain/money.ts";
import { parseDate, startOfNextDayMs } from "../domain/period.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { readAmountMicros } from "../domain/written_amount.ts";
import { readText, refuseHeaders, tooLarge } from "../http/read_body.ts";
import { readsAsCpf } from "./reads_as_cpf.ts";

const MOST_FIELD_BYTES = 32 * 1024;
/** A report of 250,000 lines, which one call compares, has about half of it. */
const MOST_UPLOAD_BYTES = 32 * 1024 * 1024;

/** A form as it was sent: fields, or with a file where the page takes one. */
export async function readForm(request: Request, kind: "fields" | "upload"): Promise<Result<FormData, Failure>> {
  const isUpload = kind === "upload";
  const types = [isUpload ? "multipart/form-data" : "application/x-www-form-urlencoded"];
  const maxBytes = isUpload ? MOST_UPLOAD_BYTES : MOST_FIELD_BYTES;
  const refusal = refuseHeaders(request.headers, { types, maxBytes });
  if (refusal !== null) return fail(refusal);
  if (isUpload) return await readUpload(request, maxBytes);
  const text = await readText(request, maxBytes);
  if (!text.ok) return text;
  const form = new FormData();
  for (const [name, value] of new URLSearchParams(text.value)) form.append(name, value);
  return ok(form);
}

async function readUpload(request: Request, maxBytes: number): Promise<Result<FormData, Failure>> {
  // A browser always says how long a form is; what does not is not read into memory.
  if (!request.headers.has("content-length")) return fail(tooLarge(maxBytes));
  try {
    return ok(await request.formData());
  } catch {
    return fail({ code: "invalid_request", issues: [{ path: "", code: "invalid_form" }] });
  }
}

/** The text of a field, trimmed; empty where there is none. */
export function fieldOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/**
 * Reais as people type them, in micros. What is not an amount, or could be two (`5.000`), is passed on as typed, so
 * that the API refuses it in its own words.
 */
export function typedMicros(text: string): unknown {
  const micros = readAmountMicros(text);
  return micros.ok ? micros.value : text;
}

/** A number as people type it, under the same rules; `undefined` where there is none. */
export function typedNumber(text: string): unknown {
  if (text === "") return undefined;
  const micros = readAmountMicros(text);
  return micros.ok ? micros.value / MICROS_PER_REAL : text;
}

/**
 * A day as its end in São Paulo, which is what people mean by "until". Null where nothing was typed; what is not a day
 * is passed on as typed, so that the API refuses it in its own words.
 */
export function typedDayEnd(text: string): string | null {
  if (text === "") return null;
  const date = parseDate(text);
  return date.ok ? isoTime(startOfNextDayMs(date.value)) : text;
}

/** The chosen of `name.value` boxes. */
export function chosenOf<Value extends string>(form: FormData, name: string, values: readonly Value[]): Value[] {
  return values.filter((value) => form.get(`${name}.${value}`) !== null);
}

/** All fields as text, to show a form again. Without what must not be shown: files, what reads as a CPF and, by name, secrets. */
export function valuesOf(form: FormData, except: readonly string[] = []): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of form.entries()) {
    if (typeof value === "string" && !except.includes(name) && !readsAsCpf(value)) values[name] = value;
  }
  return values;
}
