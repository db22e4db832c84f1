/** What a D1 database of the paid plan may hold; when it is full, it takes nothing more. */
const DATABASE_LIMIT_BYTES = 10_000_000_000;

/** From the first on test and idle data leave D1; from the second on somebody has to look. */
const RELIEF_SHARE = 0.7;
const ALARM_SHARE = 0.9;

export type DatabaseSize = {
  readonly bytes: number;
  readonly limitBytes: number;
  readonly state: "ample" | "filling" | "nearly_full";
};

/** The last migration that D1 has, as its file is called; null where none was ever applied. */
export async function databaseSchema(db: D1Database): Promise<string | null> {
  const name = await db.prepare("SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1").first<string>("name");
  return name?.replace(/\.sql$/, "") ?? null;
}

/** How large D1 is, as it says itself with every result. */
export async function databaseSize(db: D1Database): Promise<DatabaseSize> {
  const { meta } = await db.prepare("SELECT 1").all();
  return sizeOf(meta.size_after);
}

export function sizeOf(bytes: number, limitBytes: number = DATABASE_LIMIT_BYTES): DatabaseSize {
  const share = bytes / limitBytes;
  const state = share >= ALARM_SHARE ? "nearly_full" : share >= RELIEF_SHARE ? "filling" : "ample";
  return { bytes, limitBytes, state };
}
