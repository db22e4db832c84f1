import type { Options } from "./options.ts";
import { ensureSubdomain } from "./resources.ts";
import type { Survey } from "./survey.ts";

/** Where an environment's gateway answers. Makes the account's part of workers.dev where it is needed and missing. */
export async function addressOf({ account, found, names, file }: Survey, { checkUrl }: Options): Promise<string> {
  const { customDomain } = file.record;
  if (customDomain !== undefined) return checkUrl ?? `https://${customDomain}`;
  const subdomain = await ensureSubdomain(account, found);
  return checkUrl ?? `https://${names.worker}.${subdomain}.workers.dev`;
}
