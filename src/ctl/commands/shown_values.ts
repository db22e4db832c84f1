const SAO_PAULO = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "America/Sao_Paulo",
  dateStyle: "short",
  timeStyle: "medium",
});

/** An instant in UTC and, beside it, in São Paulo: `2026-11-24 01:24:20Z (São Paulo 2026-11-23 22:24:20)`. */
export function shownTime(instant: string | null | undefined): string {
  const utc = utcTime(instant);
  if (utc === "-") return utc;
  const local = saoPauloTime(instant);
  return `${utc} (São Paulo ${utc.startsWith(local.slice(0, 10)) ? local.slice(11) : local})`;
}

/** An instant in UTC, for a column. */
export function utcTime(instant: string | null | undefined): string {
  return instant === null || instant === undefined ? "-" : instant.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

/** The same to the minute. */
export function utcMinute(instant: string | null | undefined): string {
  return utcTime(instant).replace(/:\d\dZ$/, "Z");
}

/** An instant in São Paulo, for a column: `2026-11-23 22:24:20`. */
export function saoPauloTime(instant: string | null | undefined): string {
  const time = instant === null || instant === undefined ? null : new Date(instant);
  return time === null || Number.isNaN(time.getTime()) ? "-" : SAO_PAULO.format(time);
}

export function shownCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** A count of things: `1 tenant`, `2,000 tenants`. */
export function shownMany(count: number, one: string, many = `${one}s`): string {
  return `${shownCount(count)} ${count === 1 ? one : many}`;
}
