/** Rows that SQL has read and written, as the platform counts and bills them. */
export type RowCounts = { readonly read: number; readonly written: number };

/** An object's SQL, and the rows that have gone through it, added to `counts`. */
export function countedSql(
  sql: SqlStorage,
  counts = { read: 0, written: 0 },
): { readonly sql: SqlStorage; readonly rows: () => RowCounts } {
  // A cursor knows its rows when it has been read to its end, which the ledger does before its next statement.
  let running: { readonly rowsRead: number; readonly rowsWritten: number } | null = null;
  const rows = () => {
    counts.read += running?.rowsRead ?? 0;
    counts.written += running?.rowsWritten ?? 0;
    running = null;
    return { ...counts };
  };
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    rows();
    const cursor = sql.exec(query, ...bindings);
    running = cursor;
    return cursor;
  };
  return { sql: { exec } as unknown as SqlStorage, rows };
}

/** What was added between two countings. */
export function rowsBetween(before: RowCounts, after: RowCounts): RowCounts {
  return { read: after.read - before.read, written: after.written - before.written };
}
