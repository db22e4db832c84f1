/** Rows that SQL has read and written, as the platform counts and bills them. */
export type RowCounts = { readonly read: number; readonly written: number };

/** An object's SQL, which tells of the rows that go through it: those that a statement writes at once, others as they are read. */
export function watchedSql(sql: SqlStorage, onRows: (rows: RowCounts) => void): SqlStorage {
  const exec = <Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]) => {
    const cursor = sql.exec<Row>(query, ...bindings);
    let told: RowCounts = { read: 0, written: 0 };
    const tell = <Value>(value: Value): Value => {
      const so = { read: cursor.rowsRead, written: cursor.rowsWritten };
      onRows(rowsBetween(told, so));
      told = so;
      return value;
    };
    return tell({
      toArray: () => tell(cursor.toArray()),
      one: () => tell(cursor.one()),
      *[Symbol.iterator]() {
        for (const row of cursor) yield tell(row);
        tell(null);
      },
    });
  };
  const watched = {
    exec,
    get databaseSize() {
      return sql.databaseSize;
    },
  };
  return watched as unknown as SqlStorage;
}

/** An object's SQL, and the sum of the rows that have gone through it. */
export function countedSql(sql: SqlStorage): { readonly sql: SqlStorage; readonly rows: () => RowCounts } {
  let sum: RowCounts = { read: 0, written: 0 };
  const watched = watchedSql(sql, ({ read, written }) => {
    sum = { read: sum.read + read, written: sum.written + written };
  });
  return { sql: watched, rows: () => sum };
}

/** What was added between two countings. */
export function rowsBetween(before: RowCounts, after: RowCounts): RowCounts {
  return { read: after.read - before.read, written: after.written - before.written };
}
