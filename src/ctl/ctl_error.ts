/** How a command ends, for scripts. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3, unwell: 4 } as const;

/** Why a command ends without having done what it was asked for: words for people, an exit code for scripts. */
export class CtlError extends Error {
  readonly exitCode: number;
  /** What `--json` prints of it: the gateway's problem, where there is one. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(exitCode: number, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.exitCode = exitCode;
    this.details = details;
  }
}

/** The command line is wrong, or asks for something that it may not. */
export function usageError(message: string): CtlError {
  return new CtlError(EXIT.usage, message);
}
