import { randomUUID } from "node:crypto";

/** Names the watch's own requests, so that their lines are not kept. Nobody can guess it, so nobody can hide behind it. */
export const WATCH_REQUEST_ID = `watch-${randomUUID()}`;

const PAUSE_MS = 5000;
const TIMEOUT_MS = 5000;
/** A busy machine answers within half a minute. */
const FAILURES = 6;

/**
 * Resolves when the gateway has stopped answering, with the words for it. wrangler starts a workerd that was killed anew,
 * but then keeps the callers waiting for ever: better to end, and to say so.
 */
export async function gatewayLost(url: string): Promise<string> {
  for (let failures = 0; failures < FAILURES;) {
    await new Promise((done) => setTimeout(done, PAUSE_MS).unref());
    failures = (await answers(url)) ? 0 : failures + 1;
  }
  return `The gateway at ${url} has stopped answering. Its state is kept: start it again with npm start.`;
}

async function answers(url: string): Promise<boolean> {
  try {
    const headers = { "x-request-id": WATCH_REQUEST_ID };
    const response = await fetch(`${url}/healthz`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
