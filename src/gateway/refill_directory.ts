import { logEvent } from "../platform/log.ts";
import type { Services } from "../platform/services.ts";

/**
 * Keys are in KV because D1 says that they were put there. A namespace that was lost, or is another one since the account
 * was moved, has none of them: it lacks the mark too, and then every tenant is told again, by the sweep.
 */
export async function refillDirectory({ keys, register }: Services): Promise<void> {
  if (await keys.isMarked()) return;
  const tenants = await register.forgetProjections();
  // A namespace that is new with its database has lost nothing.
  if (tenants > 0) logEvent("warn", { event: "key_directory_lost", tenants });
  await keys.mark();
}
