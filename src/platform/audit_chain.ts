import {
  auditLine,
  chainEntry,
  signHead,
  type ChainedContent,
  type ChainedEntry,
  type SignedAuditHead,
} from "../domain/audit_chain.ts";
import type { Json } from "../domain/canonical_json.ts";
import { HOUR_MS, isoTime } from "../domain/instant.ts";
import type { ExportPrivateKey } from "../domain/statement.ts";
import { toAuditEntry } from "./audit.ts";

const SQL = {
  last: `SELECT n, hash FROM audit_chain ORDER BY n DESC LIMIT 1`,
  hashOf: `SELECT hash FROM audit_chain WHERE n = ?`,
  entriesAfter: `SELECT n, at, actor, action, target, before, after FROM audit WHERE n > ? ORDER BY n LIMIT ?`,
  sealedAfter: `
    SELECT audit.n, at, actor, action, target, before, after, hash,
      (SELECT hash FROM audit_chain AS earlier WHERE earlier.n < audit.n ORDER BY earlier.n DESC LIMIT 1) AS prev
    FROM audit JOIN audit_chain USING (n) WHERE audit.n > ? ORDER BY audit.n LIMIT ?`,
  seal: `
    INSERT INTO audit_chain (n, hash) SELECT value->>0, value->>1 FROM json_each(?) WHERE true
    ON CONFLICT (n) DO NOTHING`,
} as const;

const PAGE_ENTRIES = 500;
const HEADS = "audit/heads/";

type Row = Record<string, unknown>;
type Link = { readonly n: number; readonly hash: string };

/** The chain over the audit in D1, and its heads in R2, which neither the owner of D1 nor a restore can rewrite unseen. */
export class AuditChain {
  readonly #db: D1Database;
  readonly #bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.#bucket = bucket;
  }

  /** Brings the chain up to the last entry, and gives its last link; null while the audit is empty. */
  async seal(): Promise<Link | null> {
    let last = await this.#db.prepare(SQL.last).first<Link>();
    for (;;) {
      const { results } = await this.#db
        .prepare(SQL.entriesAfter)
        .bind(last?.n ?? 0, PAGE_ENTRIES)
        .all<Row>();
      if (results.length === 0) return last;
      const links: [number, string][] = [];
      for (const row of results) {
        const { n, hash } = await chainEntry(toContent(row), last?.hash ?? null);
        last = { n, hash };
        links.push([n, hash]);
      }
      await this.#db.prepare(SQL.seal).bind(JSON.stringify(links)).run();
    }
  }

  /** The lines of `audit.jsonl` after an entry, up to `through`, a page at a time. */
  async *lines(after: number, through: number): AsyncGenerator<string> {
    for (let from = after; from < through;) {
      const { results } = await this.#db.prepare(SQL.sealedAfter).bind(from, PAGE_ENTRIES).all<Row>();
      const page = results.map(toEntry).filter(({ n }) => n <= through);
      const last = page.at(-1);
      if (last === undefined) return;
      yield page.map((entry) => `${auditLine(entry)}\n`).join("");
      from = last.n;
    }
  }

  /** Keeps the hour's head, once. False when the hour has one. */
  async keepHead(link: Link, { atMs, key }: { atMs: number; key: ExportPrivateKey | null }): Promise<boolean> {
    const at = isoTime(atMs);
    const head = await signHead({ version: 1, hour: hourOf(atMs), at, ...link }, key);
    const onlyIf = { etagDoesNotMatch: "*" };
    const httpMetadata = { contentType: "application/json" };
    return (await this.#bucket.put(nameOf(head.hour), `${JSON.stringify(head)}\n`, { onlyIf, httpMetadata })) !== null;
  }

  /** Whether the hour of an instant has its head. */
  async hasHead(atMs: number): Promise<boolean> {
    return (await this.#bucket.head(nameOf(hourOf(atMs)))) !== null;
  }

  /** The head of the hour before, where the chain is no longer what that says; null when all is well. */
  async findRewritten(atMs: number): Promise<SignedAuditHead | null> {
    const kept = await this.#bucket.get(nameOf(hourOf(atMs - HOUR_MS)));
    if (kept === null) return null;
    const head = await kept.json<SignedAuditHead>();
    const link = await this.#db.prepare(SQL.hashOf).bind(head.n).first<{ hash: string }>();
    return link?.hash === head.hash ? null : head;
  }

  /** Heads after an hour, oldest first. */
  async heads(afterHour: string, limit: number): Promise<SignedAuditHead[]> {
    const startAfter = nameOf(afterHour);
    const { objects } = await this.#bucket.list({ prefix: HEADS, limit, ...(afterHour === "" ? {} : { startAfter }) });
    const kept = await Promise.all(objects.map(({ key }) => this.#bucket.get(key)));
    return await Promise.all(kept.filter((object) => object !== null).map((object) => object.json<SignedAuditHead>()));
  }
}

function hourOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}

function nameOf(hour: string): string {
  return `${HEADS}${hour}.json`;
}

function toContent(row: Row): ChainedContent {
  const { atMs, before, after, ...entry } = toAuditEntry(row);
  return { ...entry, at: isoTime(atMs), before: before as Json, after: after as Json };
}

function toEntry(row: Row): ChainedEntry {
  return { ...toContent(row), prev: row["prev"] as string | null, hash: row["hash"] as string };
}
