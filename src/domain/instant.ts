export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** How often the cron runs, as `wrangler.toml` says. */
export const CRON_MS = 300_000;

/** An instant as RFC 3339 in UTC, which is how answers, files and the audit write it; null stays null. */
export function isoTime(atMs: number): string;
export function isoTime(atMs: number | null): string | null;
export function isoTime(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
