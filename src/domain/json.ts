const STRINGS_AND_STRUCTURE = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/**
 * The first name that an object in `json`, of which `value` was read, has twice; null where none is. Readers disagree on
 * which of the two counts, so one CPF could be checked and another one be asked for (RFC 7493, 2.3).
 */
export function repeatedName(json: string, value: unknown): string | null {
  if (colonsIn(json) === membersOf(value)) return null;
  const open: Set<string>[] = [];
  let lastString = "";
  for (const [token] of json.matchAll(STRINGS_AND_STRUCTURE)) {
    if (token === "{") {
      open.push(new Set());
    } else if (token === "}") {
      open.pop();
    } else if (token === ":") {
      const name = JSON.parse(lastString) as string;
      if (open.at(-1)?.has(name)) return name;
      open.at(-1)?.add(name);
    } else {
      lastString = token;
    }
  }
  return null;
}

// Each member that is written has a colon. As many colons as members: none of them was lost in reading. Nearly every body
// ends here, for a colon within a string is rare.
function colonsIn(json: string): number {
  let colons = 0;
  for (let at = json.indexOf(":"); at !== -1; at = json.indexOf(":", at + 1)) colons += 1;
  return colons;
}

function membersOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const parts = Object.values(value);
  return parts.reduce<number>((sum, part) => sum + membersOf(part), Array.isArray(value) ? 0 : parts.length);
}
