/** The id under which the charge of a lookup is taken back. */
export function withdrawalId(lookupId: string): string {
  return `${lookupId}_withdrawn`;
}
