/**
 * What is far from the usual. Each kind compares a stretch of time with those before it, and has a floor below which it says
 * nothing: small numbers are often five times what they were.
 *
 * | kind            | compares                                                       | is raised at                              |
 * |-----------------|----------------------------------------------------------------|-------------------------------------------|
 * | `enumeration`   | persons that a tenant looked up for the first time, in an hour | 100 persons, and 5 times its usual hour   |
 * | `spend`         | what a tenant's São Paulo day costs it so far                  | R$ 100, and 5 times its usual day         |
 * | `failed_logins` | wrong credentials in ten minutes, at one isolate               | 20 of operators, 1,000 of tenants         |
 *
 * Who has no usual yet raises none of the first two: caps and limits of a key are for that.
 */
export const ALARM_KINDS = ["enumeration", "spend", "failed_logins"] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

export type Alarm = {
  readonly kind: AlarmKind;
  /** Null where it is the gateway's. */
  readonly tenantId: string | null;
  /** The hour (RFC 3339) or the São Paulo day that it is about. */
  readonly since: string;
  /** Persons, micros of BRL, or failed logins. */
  readonly observed: number;
  /** The same in the stretches before, on average. */
  readonly usual: number;
};

/** How many times the usual is far from it. */
const FAR = 5;
const LEAST_PERSONS = 100;
const LEAST_SPEND_MICROS = 100_000_000;
/** Fewer stretches than these with a lookup are no usual. */
const LEAST_STRETCHES = 3;

/** A stretch of time, and what was counted in it. */
export type Stretch = { readonly at: string; readonly count: number };

/** The last stretch, where it is far above those before it that had any lookup; null where all is as usual. */
export function findUnusual(
  kind: "enumeration" | "spend",
  stretches: readonly Stretch[],
): Omit<Alarm, "tenantId"> | null {
  const last = stretches.at(-1);
  const before = stretches.slice(0, -1);
  if (last === undefined || before.length < LEAST_STRETCHES) return null;
  const usual = Math.round(before.reduce((sum, { count }) => sum + count, 0) / before.length);
  const least = kind === "spend" ? LEAST_SPEND_MICROS : LEAST_PERSONS;
  if (last.count < least || last.count < FAR * usual) return null;
  return { kind, since: last.at, observed: last.count, usual };
}

/** An hour with fewer lookups than these cannot raise an alarm: nobody has to look into it. */
export const LEAST_LOOKUPS = LEAST_PERSONS;

/** So many failed logins of an isolate within `FAILED_LOGINS_MS` raise an alarm. */
export const FAILED_LOGINS_MS = 600_000;
export const MOST_FAILED_LOGINS = { malformed: 1000, unknown_key: 1000, operator: 20 } as const;
