/** Why a call could not be made. Node keeps the system's code, such as `ECONNREFUSED`, in the cause. */
export function networkFailure(error: unknown): { readonly code: string | undefined; readonly reason: string } {
  const { code: given, message } = (error instanceof Error && error.cause instanceof Error ? error.cause : error) as {
    readonly code?: unknown;
    readonly message: string;
  };
  // A time-out's code is a number of the DOM's.
  const code = typeof given === "string" ? given : undefined;
  return { code, reason: code ?? message };
}
