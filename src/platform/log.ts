/** One JSON line with its time. Callers pass ids, codes and durations; nothing personal, no header, no body, no URL. */
export function logEvent(level: "info" | "warn" | "error", fields: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, ...fields }));
}

/** The message of what was thrown. Only for errors of the platform, whose messages hold no data of callers. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
