import { FIRST_KEY, RESTRICTION_KEY, type Reading, type ReferenceKeyName } from "../domain/reference_key.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { auditInsert, type AuditEntry } from "./audit.ts";
import { isDeadlinePassed, withDeadline } from "./deadline.ts";
import { KeyedHash } from "./keyed_hash.ts";
import { Sealing } from "./sealing.ts";

const ROOT = "reference-keys/";
const NOTICES = "reference-key-ends/";
const KEY_BYTES = 32;
const REFERENCE_HEX_DIGITS = 32;
/** A ledger's terms hold thousands of them; 96 bits are enough that no other person has the same. */
const SUBJECT_HEX_DIGITS = 24;
/** How long a cold isolate waits for R2 before it asks D1. */
const STORE_MS = 1500;
const IF_ABSENT = { onlyIf: { etagDoesNotMatch: "*" } } as const;

const SQL = {
  all: `SELECT name, sealed, made_at FROM reference_keys`,
  one: `SELECT name, sealed, made_at FROM reference_keys WHERE name = ?`,
  put: `
    INSERT INTO reference_keys (name, sealed, made_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET sealed = excluded.sealed, made_at = excluded.made_at`,
  remove: `DELETE FROM reference_keys WHERE name = ?`,
  isGone: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM reference_keys WHERE name = ?)`,
} as const;

/** What a key's object in R2 says: the key, sealed, or that it was destroyed. An object never goes back from that. */
type KeyObject =
  | { readonly sealed: string; readonly madeAtMs: number | null }
  | { readonly destroyedAtMs: number; readonly madeAtMs: number };

/** A key as operators see it. `sealedUnder` is null for one that was destroyed, `unknown` where no secret opens it. */
export type ReferenceKey = {
  readonly name: ReferenceKeyName;
  readonly madeAtMs: number;
  readonly destroyedAtMs: number | null;
  readonly sealedUnder: "current" | "previous" | "unknown" | null;
};

type FoundKey = { readonly name: ReferenceKeyName; readonly object: KeyObject; readonly madeAtMs: number };
type CopiedKey = { readonly name: string; readonly sealed: string | null; readonly made_at: number };

/** `unreadable`: no secret that is given opens the key. `destroyed`: its time is over, and it is never made again. */
export type ReferenceFailure = "unavailable" | "unreadable" | "destroyed";

/**
 * The keys that references to persons are made under, one a year. R2 has the say: an object a key, made once
 * (if-none-match) and in the end overwritten by the note that it was destroyed, so that neither a race nor a restore of D1
 * makes a second key for a year or brings a destroyed one back. D1 has a copy, for when R2 cannot be asked. A key never
 * changes, so an isolate asks once for each.
 */
export class ReferenceKeys {
  readonly #bucket: R2Bucket;
  readonly #db: D1Database;
  readonly #secrets: readonly [string, ...string[]];
  readonly #sealing: Sealing;
  readonly #hashes = new Map<ReferenceKeyName, KeyedHash>();

  constructor(stores: { bucket: R2Bucket; db: D1Database }, secrets: readonly [string, ...string[]]) {
    this.#bucket = stores.bucket;
    this.#db = stores.db;
    this.#secrets = secrets;
    this.#sealing = new Sealing(secrets, "reference keys");
  }

  /** `2026:…`: the same person of the same tenant is the same text while the year's key is there. */
  async reference(
    name: ReferenceKeyName,
    person: { readonly tenantId: string; readonly cpf: string },
  ): Promise<Result<string, ReferenceFailure>> {
    const hash = await this.#hash(name);
    return hash.ok ? ok(await referenceUnder(name, hash.value, person)) : hash;
  }

  /** What a person is restricted under: the same text for every tenant, and no part of any event. */
  async subject(cpf: string): Promise<Result<string, ReferenceFailure>> {
    const hash = await this.#hash(RESTRICTION_KEY);
    return hash.ok ? ok((await hash.value.sign(`subject\n${cpf}`)).slice(0, SUBJECT_HEX_DIGITS)) : hash;
  }

  /**
   * What tells the references that a person may have in a tenant's events, under every key that has not ended. The store is
   * asked for the keys each time.
   */
  async referencesOf(cpf: string): Promise<Result<(tenantId: string) => Promise<readonly string[]>, ReferenceFailure>> {
    const keys: { readonly name: ReferenceKeyName; readonly hash: KeyedHash }[] = [];
    for (const { name, object } of await this.#objects()) {
      if (name === RESTRICTION_KEY) continue;
      const hash = await this.#open(name, object);
      if (hash.ok) keys.push({ name, hash: hash.value });
      else if (hash.failure !== "destroyed") return hash;
    }
    return ok((tenantId) => Promise.all(keys.map(({ name, hash }) => referenceUnder(name, hash, { tenantId, cpf }))));
  }

  /** Makes the key of a year if it was never made, in R2 and in D1. False when it cannot be made any more. */
  async ensure(name: ReferenceKeyName): Promise<boolean> {
    return (await this.#find(name)).ok;
  }

  /** Every key there ever was, in the order of their names. */
  async all(): Promise<ReferenceKey[]> {
    return await this.#describe(await this.#objects());
  }

  /** Seals again what the secret of before has sealed. */
  async reseal(name: ReferenceKeyName): Promise<void> {
    const stored = await this.#bucket.get(objectOf(name));
    if (stored === null) return;
    const object = await stored.json<KeyObject>();
    const opened = "sealed" in object ? await this.#sealing.open(name, object.sealed) : null;
    if (opened === null || opened.isCurrent) return;
    const sealed = await this.#sealing.seal(name, opened.bytes);
    const again: KeyObject = { sealed, madeAtMs: object.madeAtMs ?? stored.uploaded.getTime() };
    const onlyIf = { etagMatches: stored.etag };
    const put = await this.#bucket.put(objectOf(name), JSON.stringify(again), { onlyIf });
    if (put !== null) await this.#copy(name, { sealed, madeAtMs: madeAt(again, stored) });
  }

  /**
   * Destroys a key for good: R2's object becomes the note of it, then the row in D1 goes, with its line in the audit.
   * Called again it completes what was begun, and takes away what a restore of D1 has brought back.
   */
  async destroy(name: ReferenceKeyName, { madeAtMs, audit }: { madeAtMs: number; audit: AuditEntry }): Promise<void> {
    const note: KeyObject = { destroyedAtMs: audit.atMs, madeAtMs };
    await this.#bucket.put(objectOf(name), JSON.stringify(note));
    await this.#bucket.delete(noticeOf(name));
    this.#hashes.delete(name);
    await this.#forgetCopy(name, audit);
  }

  /**
   * Brings D1's copy to what R2 says, and returns the keys that R2 has; `auditOf` is the line of a row that was destroyed and
   * is there again.
   */
  async copyToDatabase(auditOf: (name: ReferenceKeyName) => AuditEntry): Promise<ReferenceKey[]> {
    const { results } = await this.#db.prepare(SQL.all).all<CopiedKey>();
    const copies = new Map(results.map((row) => [row.name, row]));
    const keys = await this.#objects();
    for (const { name, object, madeAtMs } of keys) {
      const copy = copies.get(name);
      copies.delete(name);
      if (!("sealed" in object)) {
        if (copy !== undefined) await this.#forgetCopy(name, auditOf(name));
      } else if (copy?.sealed !== object.sealed) {
        await this.#copy(name, { sealed: object.sealed, madeAtMs });
      }
    }
    // What only D1 has: a bucket that was emptied, or the key of before, which waits to be made.
    for (const { name } of copies.values()) await this.#find(name);
    return await this.#describe(keys);
  }

  /** When the end of a key was first seen; null when that is now. */
  async notice(name: ReferenceKeyName): Promise<Reading | null> {
    return (await (await this.#bucket.get(noticeOf(name)))?.json<Reading>()) ?? null;
  }

  async setNotice(name: ReferenceKeyName, reading: Reading): Promise<void> {
    await this.#bucket.put(noticeOf(name), JSON.stringify(reading));
  }

  /** An isolate asks once for each key. */
  async #hash(name: ReferenceKeyName): Promise<Result<KeyedHash, ReferenceFailure>> {
    const known = this.#hashes.get(name);
    if (known !== undefined) return ok(known);
    const found = await this.#find(name);
    if (found.ok) this.#hashes.set(name, found.value);
    return found;
  }

  async #find(name: ReferenceKeyName): Promise<Result<KeyedHash, ReferenceFailure>> {
    const object = await this.#read(name);
    if (object === "unavailable") return await this.#findCopy(name);
    if (object !== null) return await this.#open(name, object);
    return await this.#make(name);
  }

  async #findCopy(name: ReferenceKeyName): Promise<Result<KeyedHash, ReferenceFailure>> {
    try {
      const copy = await this.#db.prepare(SQL.one).bind(name).first<CopiedKey>();
      return copy?.sealed == null
        ? fail("unavailable")
        : await this.#open(name, { sealed: copy.sealed, madeAtMs: null });
    } catch {
      return fail("unavailable");
    }
  }

  /** Of two isolates that make it at once, the first one's is there to stay, and both have that. */
  async #make(name: ReferenceKeyName): Promise<Result<KeyedHash, ReferenceFailure>> {
    try {
      // A bucket that was emptied gets back what D1 has.
      const copy = await this.#db.prepare(SQL.one).bind(name).first<CopiedKey>();
      if (copy === null && name === FIRST_KEY) return fail("unavailable");
      const sealed = copy?.sealed ?? (await this.#sealing.seal(name, this.#newKey(name)));
      const made: KeyObject = { sealed, madeAtMs: copy?.made_at ?? null };
      await this.#bucket.put(objectOf(name), JSON.stringify(made), IF_ABSENT);
      const stored = await this.#bucket.get(objectOf(name));
      if (stored === null) return fail("unavailable");
      const object = await stored.json<KeyObject>();
      if ("sealed" in object) await this.#copy(name, { sealed: object.sealed, madeAtMs: madeAt(object, stored) });
      return await this.#open(name, object);
    } catch {
      return fail("unavailable");
    }
  }

  // The key of before is the oldest secret that is given.
  #newKey(name: ReferenceKeyName): Uint8Array {
    if (name === FIRST_KEY) return new TextEncoder().encode(this.#secrets.at(-1));
    return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  }

  async #open(name: ReferenceKeyName, object: KeyObject): Promise<Result<KeyedHash, ReferenceFailure>> {
    if (!("sealed" in object)) return fail("destroyed");
    const opened = await this.#sealing.open(name, object.sealed);
    return opened === null ? fail("unreadable") : ok(new KeyedHash(opened.bytes));
  }

  async #read(name: ReferenceKeyName): Promise<KeyObject | "unavailable" | null> {
    try {
      const object = await withDeadline(STORE_MS, async () => {
        const stored = await this.#bucket.get(objectOf(name));
        return stored === null ? null : await stored.json<KeyObject>();
      });
      return isDeadlinePassed(object) ? "unavailable" : object;
    } catch {
      return "unavailable";
    }
  }

  async #objects(): Promise<FoundKey[]> {
    const { objects } = await this.#bucket.list({ prefix: ROOT });
    const found = await Promise.all(
      objects.map(async ({ key }) => {
        const stored = await this.#bucket.get(key);
        if (stored === null) return [];
        const object = await stored.json<KeyObject>();
        return [{ name: key.slice(ROOT.length, -".json".length), object, madeAtMs: madeAt(object, stored) }];
      }),
    );
    return found.flat();
  }

  async #describe(keys: readonly FoundKey[]): Promise<ReferenceKey[]> {
    return await Promise.all(
      keys.map(async ({ name, object, madeAtMs }) => {
        if (!("sealed" in object)) return { name, madeAtMs, destroyedAtMs: object.destroyedAtMs, sealedUnder: null };
        const opened = await this.#sealing.open(name, object.sealed);
        const sealedUnder = opened === null ? "unknown" : opened.isCurrent ? "current" : "previous";
        return { name, madeAtMs, destroyedAtMs: null, sealedUnder } as const;
      }),
    );
  }

  async #copy(name: ReferenceKeyName, key: { sealed: string; madeAtMs: number }): Promise<void> {
    await this.#db.prepare(SQL.put).bind(name, key.sealed, key.madeAtMs).run();
  }

  async #forgetCopy(name: ReferenceKeyName, audit: AuditEntry): Promise<void> {
    await this.#db.batch([
      auditInsert(this.#db, audit, { query: SQL.isGone, values: [name] }),
      this.#db.prepare(SQL.remove).bind(name),
    ]);
  }
}

/** R2's clock says when a key was made; one that was sealed again keeps it. */
function madeAt({ madeAtMs }: KeyObject, { uploaded }: R2Object): number {
  return madeAtMs ?? uploaded.getTime();
}

async function referenceUnder(
  name: ReferenceKeyName,
  hash: KeyedHash,
  { tenantId, cpf }: { readonly tenantId: string; readonly cpf: string },
): Promise<string> {
  const digest = await hash.sign(`${tenantId}\n${cpf}`);
  return `${name}:${digest.slice(0, REFERENCE_HEX_DIGITS)}`;
}

function objectOf(name: ReferenceKeyName): string {
  return `${ROOT}${name}.json`;
}

function noticeOf(name: ReferenceKeyName): string {
  return `${NOTICES}${name}.json`;
}
