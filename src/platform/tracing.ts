import { tracing } from "cloudflare:workers";

/** A step of a request that has a span of its own in the platform's traces, beside what the platform traces by itself. */
export type SpanName = "authenticate" | "admit" | "claro" | "settle";

/**
 * Runs a step within its span, which ends when the step has. Spans carry no text of a caller: what a request was is in its
 * log line, which has the trace's id.
 */
export function inSpan<Value>(name: SpanName, work: () => Promise<Value>): Promise<Value> {
  return tracing.enterSpan(name, work);
}
