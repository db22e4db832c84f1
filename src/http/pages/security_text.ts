import { DAY_MS, isoTime } from "../../domain/instant.ts";
import type { AppContext } from "../context.ts";

/** RFC 9116 wants an end within a year, so that an old file shows that nobody maintains it. */
const VALID_MS = 180 * DAY_MS;

/** `GET /.well-known/security.txt`: where a weakness is reported. */
export function getSecurityText(context: AppContext): Response {
  const { settings, clock } = context.get("services");
  const { origin } = new URL(context.req.url);
  const expiresMs = Math.ceil((clock.nowMs() + VALID_MS) / DAY_MS) * DAY_MS;
  const contact =
    settings.securityContact === null
      ? ["# Use the contact that your contract names, in private.", `Contact: ${origin}/`]
      : [`Contact: ${settings.securityContact}`];
  const lines = [
    ...contact,
    `Expires: ${isoTime(expiresMs)}`,
    "Preferred-Languages: pt, en",
    `Canonical: ${origin}/.well-known/security.txt`,
    "# Leave out CPFs, keys and tokens: the X-Request-Id of an answer is enough to find the call.",
  ];
  return context.body(`${lines.join("\n")}\n`, 200, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-cache",
  });
}
