import { looksLikeCpf } from "../domain/cpf_like.ts";

const OWN_ID = /^(?:[a-z]{3}_[0-9a-f-]{20,}|csg_(?:live|test|op)_[0-9A-Za-z]{10})$/;

/**
 * Whether what somebody typed must stand on no page and in no address. Ids of ours are random, so that one in many
 * thousands has a CPF in it by chance; a value can be an address itself.
 */
export function readsAsCpf(text: string): boolean {
  if (OWN_ID.test(text)) return false;
  try {
    return looksLikeCpf(decodeURIComponent(text));
  } catch {
    return looksLikeCpf(text);
  }
}
