import { usageError } from "../ctl_error.ts";

/** As wrangler calls them. */
const ID = "CLOUDFLARE_ACCESS_CLIENT_ID";
const SECRET = "CLOUDFLARE_ACCESS_CLIENT_SECRET";

export const ACCESS_HINT = `If Cloudflare Access stands in front of it, set ${ID} and ${SECRET} to a service token that it lets through.`;

/** What lets a call through Cloudflare Access: a service token of the environment; nothing where there is none. */
export function accessHeaders(env: Readonly<Record<string, string | undefined>> = process.env): Record<string, string> {
  const [id, secret] = [env[ID] || undefined, env[SECRET] || undefined];
  if (id === undefined && secret === undefined) return {};
  if (id === undefined || secret === undefined) throw usageError(`Set both ${ID} and ${SECRET}, or neither`);
  return { "cf-access-client-id": id, "cf-access-client-secret": secret };
}
