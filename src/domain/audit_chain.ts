import { spellCanonically, type Json } from "./canonical_json.ts";
import { isSignedBy, sign } from "./ed25519.ts";
import { sha256Hex, type ExportPrivateKey, type ExportPublicKey } from "./statement.ts";

/** One line of the audit as it leaves the gateway, without its place in the chain. */
export type ChainedContent = {
  readonly n: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly before: Json;
  readonly after: Json;
};

/** `hash`: SHA-256 over the canonical JSON of all other fields. `prev`: the hash of the line before; null for the first. */
export type ChainedEntry = ChainedContent & { readonly prev: string | null; readonly hash: string };

/** What the chain's last line was in an hour (UTC, `2026-11-28T02`). It is kept apart from the audit, written once. */
export type AuditHead = {
  readonly version: 1;
  readonly hour: string;
  readonly n: number;
  readonly hash: string;
  readonly at: string;
  /** The key that signed it; null where the gateway has none, and then it is not signed. */
  readonly keyId: string | null;
};
export type SignedAuditHead = AuditHead & { readonly signature: string | null };

/** What is wrong with an audit, in the words of whoever checks it; `n` or the hour says where. */
type AuditProblem = { readonly where: string; readonly what: string };

export type AuditVerdict = {
  readonly entries: number;
  readonly heads: number;
  readonly problems: readonly AuditProblem[];
};

/** The same key signs statements; this keeps a head from ever being read as one. */
const PURPOSE = "claro-score-gateway audit head\n";

/** The line's place in the chain after `prev`. */
export async function chainEntry(content: ChainedContent, prev: string | null): Promise<ChainedEntry> {
  const { n, at, actor, action, target, before, after } = content;
  const hashed = { n, at, actor, action, target, before, after, prev };
  return { ...hashed, hash: await sha256Hex(spellCanonically(hashed)) };
}

/** The text of a line of `audit.jsonl`, without its end. */
export function auditLine(entry: ChainedEntry): string {
  return spellCanonically(entry);
}

export async function signHead(head: Omit<AuditHead, "keyId">, key: ExportPrivateKey | null): Promise<SignedAuditHead> {
  if (key === null) return { ...head, keyId: null, signature: null };
  const unsigned = { ...head, keyId: key.kid };
  return { ...unsigned, signature: await sign(key, signedBytes(unsigned)) };
}

/**
 * Checks an audit with nothing but itself, the heads that were kept apart from it and the keys that are trusted: every
 * line's hash, that none is missing, and that each head names a line that is still there as it was.
 */
export async function verifyAudit(
  lines: AsyncIterable<string> | Iterable<string>,
  { heads, publicKeys }: { heads: readonly SignedAuditHead[]; publicKeys: readonly ExportPublicKey[] },
): Promise<AuditVerdict> {
  const problems: AuditProblem[] = [];
  const wanted = new Map<number, SignedAuditHead[]>();
  for (const head of heads) wanted.set(head.n, [...(wanted.get(head.n) ?? []), head]);
  let last: ChainedEntry | null = null;
  let entries = 0;
  for await (const line of lines) {
    if (line.trim() === "") continue;
    const entry = readEntry(line);
    if (entry === null) {
      problems.push({ where: `line ${entries + 1}`, what: "is no line of an audit" });
      return { entries, heads: heads.length, problems };
    }
    problems.push(...(await entryProblems(entry, last)));
    for (const head of wanted.get(entry.n) ?? []) {
      if (head.hash !== entry.hash)
        problems.push({ where: `entry ${entry.n}`, what: `is not what it was at ${head.hour}` });
    }
    wanted.delete(entry.n);
    last = entry;
    entries += 1;
  }
  for (const { n, hour } of [...wanted.values()].flat()) {
    problems.push({ where: `entry ${n}`, what: `was there at ${hour} and is missing` });
  }
  for (const head of heads) problems.push(...(await headProblems(head, publicKeys)));
  return { entries, heads: heads.length, problems };
}

async function entryProblems(entry: ChainedEntry, last: ChainedEntry | null): Promise<AuditProblem[]> {
  const where = `entry ${entry.n}`;
  const { hash } = await chainEntry(entry, entry.prev);
  const problems: AuditProblem[] = [];
  if (hash !== entry.hash) problems.push({ where, what: "has another content than its hash says" });
  const firstIsLost = last === null && (entry.n !== 1 || entry.prev !== null);
  if (firstIsLost) problems.push({ where, what: "does not begin the audit: the lines before it are missing" });
  if (last !== null && entry.n !== last.n + 1) problems.push({ where, what: `does not follow entry ${last.n}` });
  if (last !== null && entry.prev !== last.hash) problems.push({ where, what: "is not chained to the line before it" });
  return problems;
}

async function headProblems(head: SignedAuditHead, publicKeys: readonly ExportPublicKey[]): Promise<AuditProblem[]> {
  const where = `head ${head.hour}`;
  const { signature, ...unsigned } = head;
  if (signature === null) return [{ where, what: "is not signed" }];
  const key = publicKeys.find(({ kid }) => kid === head.keyId);
  if (key === undefined) return [{ where, what: "is signed by a key that is not trusted" }];
  const isSigned = await isSignedBy(key, signedBytes(unsigned), signature);
  return isSigned ? [] : [{ where, what: "is not what was signed" }];
}

function readEntry(line: string): ChainedEntry | null {
  try {
    const entry = JSON.parse(line) as Partial<ChainedEntry>;
    const isEntry = Number.isSafeInteger(entry.n) && typeof entry.hash === "string" && entry.prev !== undefined;
    return isEntry ? (entry as ChainedEntry) : null;
  } catch {
    return null;
  }
}

function signedBytes(unsigned: AuditHead): Uint8Array {
  return new TextEncoder().encode(`${PURPOSE}${spellCanonically(unsigned)}`);
}
