import { looksLikeCpf } from "../domain/cpf_like.ts";

const NAME = /^[\w.\-[\]]{1,64}$/;
/** The secret part of an API key, an operator's token, or a JSON Web Token. */
const CREDENTIAL = /[0-9A-Za-z]{10}_[0-9A-Za-z]{32}|csg_\w+|eyJ[\w-]+/;
const ELEVEN_DIGITS = /(?=([0-9]{11}))/g;

/** Whether a text that a caller chose may stand in an answer or a log line: it reads as no CPF and as no credential. */
export function isSafeToken(text: string): boolean {
  if (CREDENTIAL.test(text) || looksLikeCpf(text)) return false;
  // In longer numbers one window in a hundred passes as a CPF by chance. Refusing those does no harm here.
  return ![...text.matchAll(ELEVEN_DIGITS)].some(([, digits = ""]) => looksLikeCpf(digits));
}

/** The name of a field or parameter that nobody declared, as it may be told; `?` where it may not. */
export function safeName(name: string): string {
  return NAME.test(name) && isSafeToken(name) ? name : "?";
}
