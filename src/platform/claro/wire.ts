import type { Cpf } from "../../domain/cpf.ts";
import { holdsCpf, looksLikeCpf } from "../../domain/cpf_like.ts";
import type { CallCause } from "./cause.ts";
import type { Body } from "./transport.ts";

/** What Claro writes is checked like a stranger's. What does not fit is as if it were not there. */

const TEXT = /^[A-Za-z0-9._:-]{1,128}$/;
const ACCESS_TOKEN = /^[\x21-\x7e]{1,8192}$/;
const WRITTEN_SCORE = /^0*(\d{1,4})(?:\.0+)?$/;
const LARGEST_SCORE = 1000;

/** Apigee's usual lifetime, for an answer that does not say, or says what cannot be. */
const DEFAULT_LIFETIME_SECONDS = 3600;
const LONGEST_LIFETIME_SECONDS = 86_400;
const LONGEST_RETRY_SECONDS = 3600;

export type TokenAnswer =
  | { readonly kind: "token"; readonly accessToken: string; readonly expiresInSeconds: number }
  | { readonly kind: "not_understood"; readonly cause: CallCause };

export function parseTokenAnswer(body: Body): TokenAnswer {
  const json = parseJson(body);
  if (!json.ok) return { kind: "not_understood", cause: json.cause };
  const accessToken = member(json.value, "access_token");
  if (accessToken === undefined) return { kind: "not_understood", cause: "no_token" };
  if (typeof accessToken !== "string" || !ACCESS_TOKEN.test(accessToken)) {
    return { kind: "not_understood", cause: "bad_token" };
  }
  const expiresInSeconds = readSeconds(member(json.value, "expires_in"), { most: LONGEST_LIFETIME_SECONDS });
  return { kind: "token", accessToken, expiresInSeconds: expiresInSeconds ?? DEFAULT_LIFETIME_SECONDS };
}

/** What of a score answer can be understood, each part whatever the others are. */
export type ScoreAnswer = {
  readonly score: Score | null;
  readonly transactionId: string | null;
  readonly apiVersion: string | null;
  /** Why there is no score. */
  readonly cause: CallCause | null;
};

/** `written` is of the type that Claro chose, for those who speak Claro's shape. */
type Score = { readonly value: number; readonly written: number | string };

export function parseScoreAnswer(body: Body, cpf: Cpf): ScoreAnswer {
  const json = parseJson(body);
  if (!json.ok) return { score: null, transactionId: null, apiVersion: null, cause: json.cause };
  const given = member(member(member(json.value, "data"), "statsResult"), "score");
  const score = readScore(given);
  const cause = given === undefined || given === null ? "no_score" : "bad_score";
  return {
    score,
    transactionId: readText(member(json.value, "transactionId"), cpf),
    apiVersion: readText(member(json.value, "apiVersion"), cpf),
    cause: score === null ? cause : null,
  };
}

/** Of a 404, as far as it was read: who sent it, when it was not Claro's API, and its transaction. */
export function readNotFound(
  body: Body,
  cpf: Cpf,
): { readonly foreign: "html" | "fault" | null; readonly transactionId: string | null } {
  const text = body.text.trimStart();
  const json = parseJson(body);
  if (/^\{\s*"fault"\s*:/.test(text) || (json.ok && member(json.value, "fault") !== undefined)) {
    return { foreign: "fault", transactionId: null };
  }
  const isPage = text.startsWith("<") || (text !== "" && !json.ok && /\bx?html\b/i.test(body.contentType));
  if (isPage) return { foreign: "html", transactionId: null };
  return { foreign: null, transactionId: json.ok ? readText(member(json.value, "transactionId"), cpf) : null };
}

/** How long `Retry-After` asks to wait, in seconds or until a date; null when it says nothing that can be. */
export function readRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const most = LONGEST_RETRY_SECONDS;
  const atMs = /^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(header) ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(atMs)) return readSeconds(header, { most });
  return Math.min(Math.max(Math.ceil((atMs - nowMs) / 1000), 1), most);
}

/** A positive number of seconds, written as a number or a text, in whole ones; null for anything else. */
function readSeconds(value: unknown, { most }: { most: number }): number | null {
  const isWritten = typeof value === "string" && /^\s*\d+(?:\.\d+)?\s*$/.test(value);
  const seconds = isWritten || typeof value === "number" ? Math.floor(Number(value)) : 0;
  return seconds >= 1 ? Math.min(seconds, most) : null;
}

/** A whole number from 0 to 1000: a number, or a text with blanks around, leading zeros or a zero fraction. */
function readScore(given: unknown): Score | null {
  const digits = typeof given === "string" ? WRITTEN_SCORE.exec(given.trim())?.[1] : undefined;
  const value = typeof given === "number" ? given : Number(digits ?? Number.NaN);
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_SCORE) return null;
  // In its plainest form: a score with zeros before it can be eleven digits long.
  const plain = Math.abs(value);
  return { value: plain, written: typeof given === "string" ? String(plain) : plain };
}

function readText(value: unknown, cpf: Cpf): string | null {
  if (typeof value !== "string" || !TEXT.test(value)) return null;
  return looksLikeCpf(value) || holdsCpf(value, cpf) ? null : value;
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly cause: CallCause };

function parseJson({ text, flaw }: Body): Json {
  if (flaw !== null) return { ok: false, cause: flaw };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    const start = text.trimStart();
    if (start === "") return { ok: false, cause: "empty_body" };
    return { ok: false, cause: start.startsWith("<") ? "html" : "bad_json" };
  }
}
