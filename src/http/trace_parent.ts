import { isSafeToken } from "./safe_name.ts";

/** W3C Trace Context: version, trace, span and flags, of which neither id is zero. `ff` is no version. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}$/;

export type TraceParent = { readonly header: string; readonly traceId: string; readonly parentId: string };

/**
 * The trace that a request is part of, as its caller says; null where it says nothing or what is no `traceparent`. It
 * stands in the answer and in the log: hexadecimal digits that read as a CPF are not taken.
 */
export function readTraceParent(header: string | undefined): TraceParent | null {
  const [, traceId, parentId] = TRACEPARENT.exec(header ?? "") ?? [];
  if (header === undefined || traceId === undefined || parentId === undefined || !isSafeToken(header)) return null;
  return { header, traceId, parentId };
}
