import { isoTime } from "../domain/instant.ts";
import { logEvent, messageOf } from "./log.ts";
import type { ExportPublicKey, ListedExportKey } from "../domain/statement.ts";

const SQL = {
  insert: `
    INSERT INTO export_keys (kid, x, first_used_at, valid_until, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET first_used_at = ?3, valid_until = coalesce(valid_until, ?4), revoked_at = coalesce(revoked_at, ?5)`,
  keys: `SELECT kid, x, first_used_at, valid_until, revoked_at FROM export_keys ORDER BY first_used_at, kid`,
} as const;

type Row = {
  readonly kid: string;
  readonly x: string;
  readonly first_used_at: number;
  readonly valid_until: number | null;
  readonly revoked_at: number | null;
};

/** A key as it is kept. Times are milliseconds. */
export type KeptExportKey = ExportPublicKey & {
  readonly validFromMs: number;
  readonly validUntilMs: number | null;
  readonly revokedAtMs: number | null;
};

const ROOT = "export-keys/";

/**
 * The public half of every key that ever signed a month. R2 keeps them for ever, as it keeps what they signed, and is
 * where strangers are answered from; D1 has a copy for closing, which a restore may set back.
 */
export class ExportKeys {
  readonly #db: D1Database;
  readonly #bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.#bucket = bucket;
  }

  /** Every key, without D1: for whoever asks without credentials. */
  async published(): Promise<KeptExportKey[]> {
    const kept = await this.#everyKept();
    return kept.toSorted((left, right) => left.validFromMs - right.validFromMs);
  }

  async all(): Promise<KeptExportKey[]> {
    return (await this.#db.prepare(SQL.keys).all<Row>()).results.map(toKey);
  }

  /**
   * Lets a key sign from now on, which ends the validity of those before it. False when the name is another key's, when
   * the key's time is over or when it is disowned: what it would sign now, nobody would trust.
   */
  async use({ kid, x }: ExportPublicKey, atMs: number): Promise<boolean> {
    await this.#restore();
    const known = await this.#kept(kid);
    if (known !== null) {
      if (known.x !== x || known.validUntilMs !== null || known.revokedAtMs !== null) return false;
      // A clock that ran ahead at its first use must not make what it signs now look too early.
      if (atMs < known.validFromMs) await this.#change({ ...known, validFromMs: atMs });
      return true;
    }
    const key: KeptExportKey = {
      kty: "OKP",
      crv: "Ed25519",
      x,
      kid,
      validFromMs: atMs,
      validUntilMs: null,
      revokedAtMs: null,
    };
    const put = await this.#bucket.put(keyOf(kid), JSON.stringify(key), { onlyIf: { etagDoesNotMatch: "*" } });
    if (put === null) return (await this.#kept(kid))?.x === x;
    for (const earlier of await this.#everyKept()) {
      if (earlier.kid !== kid && earlier.validUntilMs === null) await this.#change({ ...earlier, validUntilMs: atMs });
    }
    await this.#copy(key);
    return true;
  }

  /** Disowns a key: what it signed counts only where a later month, signed by another, vouches for it. Null if unknown. */
  async revoke(kid: string, atMs: number): Promise<KeptExportKey | null> {
    const key = await this.#kept(kid);
    if (key === null) return null;
    const revoked = { ...key, validUntilMs: key.validUntilMs ?? atMs, revokedAtMs: key.revokedAtMs ?? atMs };
    await this.#change(revoked);
    return revoked;
  }

  async #change(key: KeptExportKey): Promise<void> {
    await this.#bucket.put(keyOf(key.kid), JSON.stringify(key));
    await this.#copy(key);
  }

  /** Brings to D1 what only R2 has, and the other way about for keys that were used before R2 kept them. */
  async #restore(): Promise<void> {
    const [kept, copied] = [await this.#everyKept(), await this.all()];
    for (const key of kept) {
      const copy = copied.find(({ kid }) => kid === key.kid);
      if (
        copy?.validFromMs !== key.validFromMs ||
        copy.validUntilMs !== key.validUntilMs ||
        copy.revokedAtMs !== key.revokedAtMs
      )
        await this.#copy(key);
    }
    for (const key of copied) {
      if (kept.some(({ kid }) => kid === key.kid)) continue;
      await this.#bucket.put(keyOf(key.kid), JSON.stringify(key), { onlyIf: { etagDoesNotMatch: "*" } });
    }
  }

  /** D1 may be full or away: R2 has it, and the next use brings it. */
  async #copy({ kid, x, validFromMs, validUntilMs, revokedAtMs }: KeptExportKey): Promise<void> {
    try {
      await this.#db.prepare(SQL.insert).bind(kid, x, validFromMs, validUntilMs, revokedAtMs).run();
    } catch (error) {
      logEvent("warn", { event: "export_key_not_copied", kid, error: messageOf(error) });
    }
  }

  async #kept(kid: string): Promise<KeptExportKey | null> {
    return (await (await this.#bucket.get(keyOf(kid)))?.json<KeptExportKey>()) ?? null;
  }

  async #everyKept(): Promise<KeptExportKey[]> {
    const { objects } = await this.#bucket.list({ prefix: ROOT });
    const kept = await Promise.all(objects.map(async ({ key }) => await this.#bucket.get(key)));
    return await Promise.all(kept.filter((object) => object !== null).map((object) => object.json<KeptExportKey>()));
  }
}

/** As `export-keys.json` shows it. */
export function toListedKey({ validFromMs, validUntilMs, revokedAtMs, ...key }: KeptExportKey): ListedExportKey {
  return {
    ...key,
    validFrom: isoTime(validFromMs),
    validUntil: isoTime(validUntilMs),
    revokedAt: isoTime(revokedAtMs),
  };
}

function keyOf(kid: string): string {
  return `${ROOT}${encodeURIComponent(kid)}.json`;
}

function toKey({ kid, x, first_used_at, valid_until, revoked_at }: Row): KeptExportKey {
  const [validFromMs, validUntilMs, revokedAtMs] = [first_used_at, valid_until, revoked_at];
  return { kty: "OKP", crv: "Ed25519", x, kid, validFromMs, validUntilMs, revokedAtMs };
}
