import { type NumberedAuditEntry, toAuditEntry } from "./audit.ts";
import { rowsOf } from "./batch_rows.ts";

/** Which entries, the newest first. `tenantId` means what is about a tenant, its keys and its parts. */
export type AuditSearch = {
  readonly actor: string | null;
  readonly action: string | null;
  readonly target: string | null;
  readonly tenantId: string | null;
  /** Only entries before this number. */
  readonly before: number;
  readonly limit: number;
};

/** How far back one call looks: an entry that is older is found by going on. */
const ENTRIES_A_CALL = 20_000;

/** Entries of the audit by who, what and whom, in one bounded look; `next` is where to go on, null at the first entry. */
export async function searchAudit(
  db: D1Database,
  { actor, action, target, tenantId, before, limit }: AuditSearch,
): Promise<{ entries: NumberedAuditEntry[]; next: number | null }> {
  const [found, edge] = await db.batch<Record<string, unknown>>([
    db
      .prepare(
        `SELECT n, at, actor, action, target, before, after FROM (
           SELECT * FROM audit WHERE n < ?1 ORDER BY n DESC LIMIT ${ENTRIES_A_CALL})
         WHERE (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3 OR action LIKE ?3 || '.%') AND (?4 IS NULL OR target = ?4)
           AND (?5 IS NULL OR target = ?5 OR target LIKE ?5 || '/%' OR target IN (SELECT id FROM api_keys WHERE tenant_id = ?5))
         ORDER BY n DESC LIMIT ?6`,
      )
      .bind(before, actor, action, target, tenantId, limit),
    db.prepare(`SELECT n FROM audit WHERE n < ?1 ORDER BY n DESC LIMIT 1 OFFSET ${ENTRIES_A_CALL}`).bind(before),
  ]);
  const entries = rowsOf(found).map(toAuditEntry);
  const last = entries.at(-1);
  const unread = rowsOf(edge)[0]?.["n"] as number | undefined;
  if (entries.length === limit && last !== undefined) return { entries, next: last.n };
  return { entries, next: unread === undefined ? null : unread + 1 };
}
