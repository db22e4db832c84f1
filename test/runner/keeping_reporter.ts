import { appendFileSync, writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Set by the runner. */
const { TEST_CONSOLE_FILE: printed, TEST_FAILURES_FILE: failures } = process.env;

/** A failure as the runner tells it again at the end: a run's log may be kept by its end alone. */
export type KeptFailure = { readonly path: string; readonly fullName: string | null; readonly why: string };

/** Keeps what every test prints, also what the screen leaves out since the test has passed, and why tests failed. */
export default class KeepingReporter implements Reporter {
  onInit(): void {
    for (const file of [printed, failures]) if (file !== undefined) writeFileSync(file, "");
  }

  onUserConsoleLog({ content }: { readonly content: string }): void {
    if (printed !== undefined) appendFileSync(printed, content);
  }

  onTestCaseResult(test: TestCase): void {
    keep(test.module, test.fullName, test.result().errors ?? []);
  }

  onTestModuleEnd(module: TestModule): void {
    keep(module, null, module.errors());
  }
}

function keep(
  module: TestModule,
  fullName: string | null,
  errors: readonly { readonly message: string; readonly diff?: string }[],
): void {
  if (failures === undefined || errors.length === 0) return;
  const why = errors.map(({ message, diff = "" }) => `${message}\n${diff}`).join("\n");
  const kept: KeptFailure = { path: module.relativeModuleId, fullName, why };
  appendFileSync(failures, `${JSON.stringify(kept)}\n`);
}
