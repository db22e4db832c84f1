import { assert } from "../domain/assert.ts";

/** The rows of one statement of a batch. D1 answers every statement: an answer that is missing is no empty list. */
export function rowsOf<Row>(result: D1Result<Row> | undefined): Row[] {
  assert(result !== undefined, "D1 has not answered a statement of a batch");
  return result.results;
}

/** The row of a statement that always has one: a count, a sum, or what the same batch has just written. */
export function rowOf<Row>(result: D1Result<Row> | undefined): Row {
  return requireRow(rowsOf(result)[0]);
}

/** The same of a statement that is asked alone, by `first`. */
export function requireRow<Row>(row: Row | null | undefined): Row {
  assert(row !== null && row !== undefined, "D1 has no row where there is always one");
  return row;
}
