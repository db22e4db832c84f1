import { html } from "hono/html";
import { HOUR_MS } from "../../domain/instant.ts";
import type { Health } from "../../gateway/read_health.ts";
import type { Text } from "../../http/language.ts";
import type { FailureGroup } from "../../platform/event_search.ts";
import { COMMON } from "../common_texts.ts";
import { badge, facts, type Html } from "../html.ts";
import type { PageTools } from "../page.ts";
import { timeline, type Span, type TimelineRow } from "../plots/timeline.ts";
import { PART_TEXTS } from "./console_texts.ts";
import { OVERVIEW } from "./overview_texts.ts";

export type ClaroNow = {
  readonly health: Pick<Health, "breaker" | "token" | "oldestUnflushed" | "ledgersBehind">;
  readonly failures: readonly FailureGroup[];
  /** Names by tenant id, for tenants whose own breaker opened or closed. */
  readonly names: ReadonlyMap<string, string>;
};

const SHOWN_MS = 24 * HOUR_MS;
const HOURS_APART = 4;
const MOST_TENANTS = 4;

const BREAKER_TEXTS: Readonly<Record<string, readonly [Text, "good" | "warn" | "bad"]>> = {
  closed: [OVERVIEW.breakerClosed, "good"],
  open: [OVERVIEW.breakerOpen, "bad"],
  half_open: [OVERVIEW.breakerHalf, "warn"],
};

/** The tenants that the timeline names. */
export function tenantsOf({ breaker }: Pick<Health, "breaker">): string[] {
  const ids = [...(breaker?.tenants ?? []), ...(breaker?.changes ?? [])].flatMap(({ tenantId }) => tenantId ?? []);
  return [...new Set(ids)];
}

/** What Claro's breaker and token and the copy to D1 are doing, for the overview and the page of health. */
export function claroNow(now: ClaroNow, call: PageTools): Html {
  const { health, failures } = now;
  const { say, format, nowMs } = call;
  const { breaker, token, oldestUnflushed, ledgersBehind } = health;
  const [breakerText, tone] = BREAKER_TEXTS[breaker?.state ?? ""] ?? [PART_TEXTS.notAsked, "bad"];
  const since = breaker?.sinceMs ?? null;
  const nextTryMs = breaker?.nextTryAtMs ?? token?.nextTryAtMs ?? null;
  const lag =
    oldestUnflushed === null
      ? badge(say(OVERVIEW.noLag), "good")
      : html`${badge(format.span(nowMs - oldestUnflushed.oldestUnflushedAtMs), "warn")} ${say(OVERVIEW.ledgersBehind)}:
        ${format.count(ledgersBehind)}`;
  const told: (readonly [string, Html | string])[] = [
    [
      say(OVERVIEW.breaker),
      html`${badge(say(breakerText), tone)}
      ${since === null ? "" : html`<span class="quiet small">${say(PART_TEXTS.since).toLowerCase()} ${format.time(since)}</span>`}`,
    ],
  ];
  if (breaker !== null && breaker.openings > 0) told.push([say(OVERVIEW.openings), format.count(breaker.openings)]);
  if (breaker !== null && breaker.openTenants > 0)
    told.push([say(OVERVIEW.openTenants), format.count(breaker.openTenants)]);
  if (nextTryMs !== null)
    told.push([say(OVERVIEW.nextTry), nextTryMs <= nowMs ? say(OVERVIEW.nextLookup) : format.time(nextTryMs)]);
  told.push([say(OVERVIEW.lastError), lastError(failures, call)], [say(OVERVIEW.token), tokenText(token, call)]);
  return html`${course(now, call)} ${facts([...told, [say(OVERVIEW.copyLag), lag]])}`;
}

function tokenText(token: Health["token"], call: PageTools): Html {
  const { say, format } = call;
  if (token === null) return badge(say(PART_TEXTS.notAsked), "bad");
  const until = tokenEnd(token, call);
  if (token.failures === 0) return html`${until}`;
  const [last] = token.changes;
  const code = last?.code == null ? "" : html`<a href="/docs/errors#${last.code}"><code>${last.code}</code></a>`;
  return html`${until} ${badge(`${say(OVERVIEW.tokenFailures)}: ${format.count(token.failures)}`, "bad")} ${code}`;
}

/** A token that has ended is nothing wrong: it is renewed when a lookup needs one. */
function tokenEnd({ expiresAtMs, failures }: NonNullable<Health["token"]>, { say, format, nowMs }: PageTools): string {
  if (expiresAtMs === null) return say(OVERVIEW.tokenNone);
  if (expiresAtMs > nowMs) return `${say(OVERVIEW.tokenUntil)} ${format.time(expiresAtMs)}`;
  const ended = `${say(OVERVIEW.tokenEnded)} ${format.time(expiresAtMs)}`;
  return failures === 0 ? `${ended}; ${say(OVERVIEW.tokenNext)}` : ended;
}

/** Claro's latest failure that is in D1. */
function lastError(failures: readonly FailureGroup[], { say, format }: PageTools): Html | string {
  const claros = failures.filter(({ code }) => code.startsWith("claro_") || code === "rejected_by_claro");
  const [last] = claros.toSorted((one, other) => other.lastAtMs - one.lastAtMs);
  if (last === undefined) return say(OVERVIEW.noError);
  return html`<a href="/docs/errors#${last.code}"><code>${last.code}</code></a>
    <span class="quiet small">${format.time(last.lastAtMs)}</span>`;
}

/** The last day: when the breakers were not closed, and when Claro gave no token. */
function course({ health: { breaker, token }, names }: ClaroNow, { say, format, nowMs }: PageTools): Html {
  if (breaker === null) return html``;
  const fromMs = nowMs - SHOWN_MS;
  const day = { fromMs, toMs: nowMs };
  const ids = tenantsOf({ breaker });
  const refusing = say(OVERVIEW.refusing);
  const rowOf = (tenantId: string | null, name: string): TimelineRow => {
    const changes = breaker.changes.filter((change) => change.tenantId === tenantId);
    const open = tenantId === null ? breaker : breaker.tenants.find((one) => one.tenantId === tenantId);
    const told = changes.map(({ atMs, state }) => ({ atMs, text: state === "open" ? refusing : null }));
    const isOpen = open !== undefined && open.state !== "closed";
    return { name, spans: spansOf(told, { ...day, wrong: refusing, isWrong: isOpen }) };
  };
  const tokenChanges = token?.changes.map(({ atMs, code }) => ({ atMs, text: code })) ?? [];
  const rows = [
    rowOf(null, say(OVERVIEW.breaker)),
    ...ids.slice(0, MOST_TENANTS).map((id) => rowOf(id, `${say(OVERVIEW.breakerOf)} ${names.get(id) ?? id}`)),
    {
      name: say(OVERVIEW.token),
      spans: spansOf(tokenChanges, { ...day, wrong: say(OVERVIEW.noToken), isWrong: (token?.failures ?? 0) > 0 }),
    },
  ];
  const text = {
    title: say(OVERVIEW.course),
    calm: say(OVERVIEW.calm),
    asTable: say(COMMON.asTable),
    columns: [say(OVERVIEW.courseOf), say(PART_TEXTS.since), say(OVERVIEW.until), say(PART_TEXTS.state)],
    formatTime: format.time,
  } as const;
  const rest = ids.length - MOST_TENANTS;
  const more = rest > 0 ? html`<p class="small quiet">${say(OVERVIEW.openTenants)}: + ${format.count(rest)}</p>` : "";
  return html`${timeline(text, { rows, ...day, hours: hoursOf(fromMs, nowMs, format) })} ${more}`;
}

type Change = {
  readonly atMs: number;
  /** What is wrong from then on; null when all is well again. */ readonly text: string | null;
};

/**
 * When something was wrong, from its changes, newest first. `wrong` is the text where no change says how it began;
 * `isWrong` decides where there are no changes.
 */
export function spansOf(
  changes: readonly Change[],
  { fromMs, toMs, wrong, isWrong }: { fromMs: number; toMs: number; wrong: string; isWrong: boolean },
): Span[] {
  const within = changes.filter(({ atMs }) => atMs >= fromMs).toReversed();
  const earlier = changes.find(({ atMs }) => atMs < fromMs);
  const [first] = within;
  // What a first change made well was wrong before.
  const wasWrong = first === undefined ? isWrong : first.text === null;
  const start = earlier === undefined ? (wasWrong ? wrong : null) : earlier.text;
  const all = [...(start === null ? [] : [{ atMs: fromMs, text: start }]), ...within];
  return all.flatMap(({ atMs, text }, index) =>
    text === null ? [] : [{ fromMs: atMs, toMs: all[index + 1]?.atMs ?? toMs, text }],
  );
}

function hoursOf(fromMs: number, toMs: number, format: PageTools["format"]): (readonly [number, string])[] {
  const marks: (readonly [number, string])[] = [];
  for (let atMs = Math.ceil(fromMs / HOUR_MS) * HOUR_MS; atMs <= toMs; atMs += HOUR_MS) {
    const hour = format.hour(atMs);
    if (hour % HOURS_APART === 0 && atMs - fromMs > HOUR_MS && toMs - atMs > HOUR_MS / 2)
      marks.push([atMs, `${String(hour).padStart(2, "0")}h`]);
  }
  return marks;
}
