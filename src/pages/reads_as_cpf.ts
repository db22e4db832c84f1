import { looksLikeCpf } from "../domain/cpf_like.ts";

const OWN_ID = /^(?:[a-z]{3}_[0-9a-f-]{20,}|csg_(?:live|test|op)_[0-9A-Za-z]{10})$/;

/**
 * Whether a text may hold a CPF, and so must not be shown or put into an address. Our own ids are exempt: they are
 * random, and one in many thousands holds a CPF by chance. A value can itself be an encoded address.
 */
export function readsAsCpf(text: string): boolean {
  if (OWN_ID.test(text)) return false;
  try {
    return looksLikeCpf(decodeURIComponent(text));
  } catch {
    return looksLikeCpf(text);
  }
}
