import { vi } from "vitest";
import { WRONG_CREDENTIAL_MS } from "../../src/gateway/authenticate_operator.ts";

/** Answers wrong operators' tokens at once, where a test sends hundreds. That they wait is read_limits.test.ts's matter. */
export function answerWrongTokensAtOnce(): void {
  const wait = scheduler.wait.bind(scheduler);
  vi.spyOn(scheduler, "wait").mockImplementation(async (ms, options) => {
    if (ms !== WRONG_CREDENTIAL_MS) await wait(ms, options);
  });
}
