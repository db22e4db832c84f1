/** Why a call could not be made. Node keeps the system's code, such as `ECONNREFUSED`, in the cause. */
export function networkFailure(error: unknown): { readonly code: string | undefined; readonly reason: string } {
  const { code, message } = (
    error instanceof Error && error.cause instanceof Error ? error.cause : error
  ) as NodeJS.ErrnoException;
  return { code, reason: code ?? message };
}
