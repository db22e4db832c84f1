import { getCookie, setCookie } from "hono/cookie";
import type { AppContext } from "../http/context.ts";
import { preferredLanguage, type Language } from "../http/language.ts";
import { isLocalHost } from "../domain/local_host.ts";
import type { SessionCookie } from "../gateway/page_sessions.ts";
import type { Place } from "../platform/page_sessions.ts";

/** Cookies keep each place's session, and the visitor's theme and language. */
export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export const LANGUAGES = ["pt-BR", "en"] as const satisfies readonly Language[];

const YEAR_SECONDS = 365 * 86_400;

export function readSession(context: AppContext, place: Place): string | undefined {
  return getCookie(context, cookieName(context, place));
}

export function keepSession(context: AppContext, place: Place, { value, maxAgeSeconds }: SessionCookie): void {
  const secure = isSecure(context);
  const options = { path: "/", httpOnly: true, sameSite: "Lax", secure, maxAge: maxAgeSeconds } as const;
  setCookie(context, cookieName(context, place), value, options);
}

export function dropSession(context: AppContext, place: Place): void {
  keepSession(context, place, { value: "", maxAgeSeconds: 0 });
}

export function languageOf(context: AppContext): Language {
  const kept = getCookie(context, "language");
  return LANGUAGES.find((language) => language === kept) ?? preferredLanguage(context.req.header("accept-language"));
}

export function themeOf(context: AppContext): Theme {
  const kept = getCookie(context, "theme");
  return THEMES.find((theme) => theme === kept) ?? "auto";
}

/**
 * Keeps the language or the theme that the address asks for, and returns the address without it; null when it asks for
 * neither. The switches are links, which need no script.
 */
export function takePreferences(context: AppContext): string | null {
  const url = new URL(context.req.url);
  const [language, theme] = [url.searchParams.get("lang"), url.searchParams.get("theme")];
  if (language === null && theme === null) return null;
  const options = { path: "/", sameSite: "Lax", secure: isSecure(context), maxAge: YEAR_SECONDS } as const;
  if (LANGUAGES.some((one) => one === language)) setCookie(context, "language", language ?? "", options);
  if (THEMES.some((one) => one === theme)) setCookie(context, "theme", theme ?? "", options);
  url.searchParams.delete("lang");
  url.searchParams.delete("theme");
  return `${url.pathname}${url.search}`;
}

/** Plain HTTP is used on one's own machine only, where browsers refuse secure cookies. */
function isSecure(context: AppContext): boolean {
  const { protocol, hostname } = new URL(context.req.url);
  return protocol === "https:" || !isLocalHost(hostname);
}

function cookieName(context: AppContext, place: Place): string {
  return isSecure(context) ? `__Host-${place}` : `${place}-session`;
}
