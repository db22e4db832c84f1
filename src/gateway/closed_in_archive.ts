import { type ClosedMonth, closedMonthOf } from "../domain/closed_month.ts";
import type { Period } from "../domain/period.ts";
import { sha256Hex, type SignedManifest, verifyManifest } from "../domain/statement.ts";
import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";
import { MANIFEST_FILE } from "../platform/statement_archive.ts";

/**
 * A month that R2 has as closed, whatever D1 says of it; null when it is open. A month that was closed before there was a
 * `closed.json`, and whose row D1 has lost, is known by its signed manifest, and gets one.
 */
export async function closedInArchive(
  services: Services,
  tenantId: string,
  period: Period,
): Promise<ClosedMonth | null> {
  const { isClosed, manifests } = await services.archive.look(tenantId, period);
  if (isClosed) return await services.archive.closed(tenantId, period);
  const signed: ClosedMonth[] = [];
  for (const prefix of manifests) {
    const month = await signedMonth(services, { tenantId, period, prefix });
    if (month !== null) signed.push(month);
  }
  // There can be two only where closing had died before it could delete its own: the first one was the one to be seen.
  const [first, ...others] = signed.toSorted((left, right) => left.closedAtMs - right.closedAtMs);
  if (first === undefined) return null;
  if (others.length > 0) logEvent("error", { event: "several_signed_manifests", tenantId, period, kept: first.prefix });
  return await services.archive.seal(first);
}

/** The month of a folder whose manifest is signed by a key of ours and whose files are all there. */
async function signedMonth(
  services: Services,
  { tenantId, period, prefix }: { tenantId: string; period: Period; prefix: string },
): Promise<ClosedMonth | null> {
  const text = (await services.archive.text(prefix, MANIFEST_FILE.name)) ?? "";
  const verified = await verifyManifest(text, await services.exportKeys.all());
  if (!verified.ok || verified.value.tenantId !== tenantId || verified.value.period !== period) {
    logEvent("error", { event: "manifest_of_nobody", tenantId, period, prefix });
    return null;
  }
  const wrong = await wrongFiles(services, verified.value, prefix);
  if (wrong.length > 0) throw new Error(`a signed month is damaged in R2: ${wrong.join(", ")}`);
  return closedMonthOf(verified.value, { text, sha256: await sha256Hex(text), prefix });
}

/** Names of files that are not in R2 as a manifest says. */
export async function wrongFiles(
  services: Services,
  { files }: Pick<SignedManifest, "files">,
  prefix: string,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, bytes, sha256 } of files) {
    const found = await services.archive.digest(prefix, name);
    if (found?.sha256 !== sha256 || found.bytes !== bytes) wrong.push(name);
  }
  return wrong;
}
