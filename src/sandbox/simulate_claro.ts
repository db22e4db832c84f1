import {
  answerScoreCall,
  answerTokenCall,
  type ClaroAnswer,
  type ClaroCall,
  readScoreCall,
  refusal,
  SCORE_PATH,
  TOKEN_PATH,
} from "./claro_answers.ts";

/**
 * Claro as a fetch handler, so that test keys take the same path through the gateway as live ones. It keeps no state:
 * a token made in one isolate is good in every other, for an hour.
 *
 * `nowMs` is the clock that tokens age by, in milliseconds since 1970. Rejects with the reason of `request.signal` when
 * that is aborted before the answer, as `fetch` does.
 */
export async function simulateClaro(request: Request, options: { nowMs: () => number }): Promise<Response> {
  // Not `text()`: the runtime warns of it for a form's type.
  const body = new TextDecoder().decode(await request.arrayBuffer());
  const call = { header: (name: string) => request.headers.get(name), body };
  const target = `${request.method} ${new URL(request.url).pathname}`;
  const answer = answerTo(target, call, { nowMs: options.nowMs() });
  request.signal.throwIfAborted();
  if (answer.delayMs > 0) await pause(answer.delayMs, request.signal);
  return new Response(answer.body, { status: answer.status, headers: { "Content-Type": answer.contentType } });
}

function answerTo(target: string, call: ClaroCall, options: { nowMs: number }): ClaroAnswer {
  if (target === `POST ${TOKEN_PATH}`) return answerTokenCall(call, options.nowMs);
  if (target === `POST ${SCORE_PATH}`) return answerScoreCall(readScoreCall(call), options.nowMs);
  return refusal("GATEWAY", 404, "Unknown resource");
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
