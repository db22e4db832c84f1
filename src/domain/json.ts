const STRINGS_AND_STRUCTURE = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/**
 * True when an object in `json`, which must be valid, names a member twice. Readers disagree on which of the two counts,
 * so one CPF could be checked and another one be asked for (RFC 7493, 2.3).
 */
export function repeatsName(json: string): boolean {
  const open: Set<string>[] = [];
  let lastString = "";
  for (const [token] of json.matchAll(STRINGS_AND_STRUCTURE)) {
    if (token === "{") {
      open.push(new Set());
    } else if (token === "}") {
      open.pop();
    } else if (token === ":") {
      const name = JSON.parse(lastString) as string;
      if (open.at(-1)?.has(name)) return true;
      open.at(-1)?.add(name);
    } else {
      lastString = token;
    }
  }
  return false;
}
