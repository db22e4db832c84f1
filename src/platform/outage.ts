/** What D1, KV, R2 and objects throw when they cannot be asked. A statement that is wrong is a mistake of ours, and no outage. */
const OUTAGES = [
  /^D1_(?:ERROR|EXEC_ERROR)(?!.*SQLITE_(?:ERROR|CONSTRAINT|MISMATCH|RANGE))/s,
  /^KV (?:GET|PUT|DELETE|LIST) failed/,
  /^(?:get|put|head|list|delete|createMultipartUpload|uploadPart|complete|abort): .*\(10\d{3}\)/s,
  /Network connection lost|Cannot resolve Durable Object|internal error; reference|Durable Object .*(?:reset|overloaded|exceeded)/i,
];

type FromObject = { readonly retryable?: unknown; readonly overloaded?: unknown };

/** What a store should hold and does not give: told as an outage, for asking again later can help. */
export class StoreError extends Error {}

/** Null where a store could not be asked. */
export async function unlessDown<Value>(ask: () => Promise<Value>): Promise<Value | null> {
  try {
    return await ask();
  } catch (error) {
    if (!isOutage(error)) throw error;
    return null;
  }
}

/** Whether what was thrown says that a store could not be reached, and not that the call was wrong. */
export function isOutage(error: unknown): boolean {
  if (error instanceof StoreError) return true;
  if (!(error instanceof Error)) return false;
  const { retryable, overloaded } = error as FromObject;
  if (retryable === true || overloaded === true) return true;
  return OUTAGES.some((pattern) => pattern.test(error.message));
}
