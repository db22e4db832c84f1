import { html } from "hono/html";
import { EXPORT_FILES } from "../../domain/export/export_files.ts";
import type { Failure } from "../../domain/failure.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Manifest, SignedManifest } from "../../domain/statement.ts";
import type { StatementLine } from "../../domain/statement_totals.ts";
import { requestsOf } from "../../domain/usage.ts";
import { closedStatement, listStatements, manifestOf, type ListedStatement } from "../../gateway/read_statement.ts";
import { listTestStatements } from "../../gateway/test_statement.ts";
import type { Services } from "../../platform/services.ts";
import { answerFile } from "../../http/statement_files.ts";
import type { Text } from "../../http/language.ts";
import { COMMON } from "../common_texts.ts";
import { capital } from "../format.ts";
import { badge, card, empty, facts, figures, heading, notice, table, type Html } from "../html.ts";
import { requestsOfMonth, totalOfMonth } from "../listed_months.ts";
import { portalPage, type PortalCall } from "../page.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { STATEMENTS_TEXTS } from "./statements_texts.ts";

const MOST_MONTHS = 120;

/** `GET /portal/statements`: the months, the newest first. */
export const showStatements = portalPage({
  method: "GET",
  path: "/portal/statements",
  scope: "statements:read",
  handle: async ({ services, partner, say, format }) => {
    const title = say(PORTAL_TEXTS.statements);
    const months = await monthsOf(services, partner);
    if (!months.ok) return months;
    const rows = table<ListedStatement>(
      [
        {
          head: say(STATEMENTS_TEXTS.month),
          cell: ({ period }) => html`<a href="/portal/statements/${period}">${format.month(period)}</a>`,
          isName: true,
        },
        { head: say(STATEMENTS_TEXTS.status), cell: ({ kind }) => statusBadge(kind, say) },
        { head: say(PORTAL_TEXTS.requests), cell: (month) => format.count(requestsOfMonth(month)), isNumber: true },
        {
          head: say(STATEMENTS_TEXTS.total),
          cell: (month) => totalOfMonth(month, format, say(STATEMENTS_TEXTS.soFar)),
          isNumber: true,
        },
        { head: say(STATEMENTS_TEXTS.closedAt), cell: (month) => closedAt(month, format) },
      ],
      months.value,
      { caption: title },
    );
    return ok({
      title,
      body: html`${heading(title)} ${testNotice(partner, say)}
      ${months.value.length === 0 ? empty(say(STATEMENTS_TEXTS.none)) : rows}`,
    });
  },
});

/** `GET /portal/statements/{period}`: what a month comes to, its files, and the check of them. */
export const showStatement = portalPage({
  method: "GET",
  path: "/portal/statements/:period",
  scope: "statements:read",
  handle: async (call) => {
    const { services, partner, params, say, format } = call;
    const { period } = params;
    const stored = partner.mode === "test" ? ok(null) : await closedStatement(services, partner.tenant.id, period);
    if (!stored.ok) return stored;
    const title = capital(format.month(period));
    const crumbs = [{ to: "/portal/statements", text: say(PORTAL_TEXTS.statements) }];
    if (stored.value !== null) {
      const manifest = manifestOf(stored.value);
      const head = heading(title, { crumbs, note: statusBadge("closed", say) });
      return ok({
        title,
        body: html`${head} ${closedNumbers(manifest, call)} ${linesCard(manifest, call)}
        ${filesCard(period, manifest, call)} ${verifyCard(period, call)}`,
      });
    }
    const listed = await monthsOf(services, partner);
    if (!listed.ok) return listed;
    const month = listed.value.find((one) => one.period === period);
    if (month === undefined && partner.mode === "test") return fail({ code: "not_found" });
    const head = heading(title, { crumbs, note: statusBadge("open", say) });
    const numbers = figures([
      { name: say(PORTAL_TEXTS.requests), value: format.count(month === undefined ? 0 : requestsOfMonth(month)) },
      {
        name: say(STATEMENTS_TEXTS.total),
        value: month === undefined ? format.money(0) : totalOfMonth(month, format, say(STATEMENTS_TEXTS.soFar)),
        note: say(STATEMENTS_TEXTS.soFar),
      },
    ]);
    return ok({
      title,
      body: html`${head} ${testNotice(partner, say)} ${notice(say(STATEMENTS_TEXTS.openNote))} ${numbers}
      ${filesCard(period, null, call)}`,
    });
  },
});

/** `GET /portal/statements/{period}/{file}`: as the API gives it. */
export const downloadStatement = portalPage({
  method: "GET",
  path: "/portal/statements/:period/:file",
  scope: "statements:read",
  handle: async ({ context, partner, params: { period, file } }) => {
    const { id: tenantId } = partner.tenant;
    return await answerFile(context, { reader: tenantId, tenantId, mode: partner.mode, period, file });
  },
});

type Partner = PortalCall["partner"];

/** A test key sees the month that runs, in test mode, as in the API. */
async function monthsOf(services: Services, { mode, tenant }: Partner): Promise<Result<ListedStatement[], Failure>> {
  const asked = { before: null, limit: MOST_MONTHS };
  return await (mode === "test" ? listTestStatements : listStatements)(services, tenant.id, asked);
}

function testNotice({ mode }: Partner, say: PortalCall["say"]): Html | string {
  return mode === "test" ? notice(say(STATEMENTS_TEXTS.testNote)) : "";
}

function statusBadge(kind: "open" | "closed", say: PortalCall["say"]): Html {
  return badge(say(STATEMENTS_TEXTS[kind]), kind === "closed" ? "good" : "quiet");
}

function closedAt(month: ListedStatement, format: PortalCall["format"]): Html {
  const at = month.kind === "closed" ? month.manifest.closedAt : null;
  return at === null
    ? html`<span class="quiet">–</span>`
    : html`<span class="nowrap">${format.time(Date.parse(at))}</span>`;
}

function closedNumbers(
  { counts, totals, seq, keyId, closedAt: at }: SignedManifest,
  { say, format }: PortalCall,
): Html {
  const carried = totals.carriedOut ?? null;
  return html`${figures([
    { name: say(STATEMENTS_TEXTS.total), value: format.amount(totals.amount) },
    { name: say(PORTAL_TEXTS.requests), value: format.count(requestsOf(counts)) },
    { name: say(PORTAL_TEXTS.billed), value: format.count(counts.billed) },
    ...(carried === null ? [] : [{ name: say(STATEMENTS_TEXTS.carriedOut), value: format.amount(carried) }]),
  ])}
  ${card(
    null,
    facts([
      [say(STATEMENTS_TEXTS.closedAt), at === null ? "–" : format.time(Date.parse(at))],
      [say(STATEMENTS_TEXTS.events), `${format.count(seq.count)} (seq ${seq.first}–${seq.last})`],
      [say(STATEMENTS_TEXTS.signedBy), html`<code>${keyId ?? "–"}</code>`],
    ]),
  )}`;
}

const LINE_TEXTS: Readonly<Record<StatementLine["kind"], Text>> = {
  lookups: STATEMENTS_TEXTS.lineLookups,
  credits: STATEMENTS_TEXTS.lineCredits,
  charges: STATEMENTS_TEXTS.lineCharges,
  carried: STATEMENTS_TEXTS.lineCarried,
};

function linesCard({ lines, totals }: Manifest, { say, format }: PortalCall): Html {
  const rows = table<StatementLine>(
    [
      { head: say(STATEMENTS_TEXTS.line), cell: ({ kind }) => say(LINE_TEXTS[kind]), isName: true },
      {
        head: say(STATEMENTS_TEXTS.quantity),
        cell: ({ kind, quantity }) => (kind === "lookups" ? format.count(quantity) : "–"),
        isNumber: true,
      },
      {
        head: say(STATEMENTS_TEXTS.unitPrice),
        cell: ({ unitPriceMicros }) => (unitPriceMicros === null ? "–" : format.money(unitPriceMicros)),
        isNumber: true,
      },
      {
        head: say(PORTAL_TEXTS.amount),
        cell: ({ amountCentavos }) => format.centavos(amountCentavos),
        isNumber: true,
      },
    ],
    lines,
    { foot: [say(COMMON.total), "", "", format.amount(totals.amount)] },
  );
  return card(say(STATEMENTS_TEXTS.lines), rows);
}

/** In the order in which people want them. */
const FILE_TEXTS: readonly (readonly [name: string, text: Text])[] = [
  ["demonstrativo.html", STATEMENTS_TEXTS.demonstrativo],
  ["eventos.xlsx", STATEMENTS_TEXTS.eventosXlsx],
  ["events.pt-br.csv", STATEMENTS_TEXTS.eventsPtbrCsv],
  ["events.csv", STATEMENTS_TEXTS.eventsCsv],
  ["events.jsonl", STATEMENTS_TEXTS.eventsJsonl],
  ["focus.csv", STATEMENTS_TEXTS.focusCsv],
  ["manifest.json", STATEMENTS_TEXTS.manifest],
];

/** Months closed before a file existed do not have it. */
function filesCard(period: string, manifest: Manifest | null, { say, format }: PortalCall): Html {
  const names = manifest === null ? EXPORT_FILES.map(({ name }) => name) : manifest.files.map(({ name }) => name);
  const shown = FILE_TEXTS.filter(([name]) => name === "manifest.json" || names.includes(name));
  const rows = table<(typeof FILE_TEXTS)[number]>(
    [
      {
        head: say(STATEMENTS_TEXTS.file),
        cell: ([name]) => html`<a href="/portal/statements/${period}/${name}" download>${name}</a>`,
      },
      { head: say(STATEMENTS_TEXTS.forWhat), cell: ([, text]) => say(text), isName: true },
      {
        head: say(STATEMENTS_TEXTS.size),
        cell: ([name]) => {
          const bytes = manifest?.files.find((file) => file.name === name)?.bytes;
          return bytes === undefined ? "–" : format.bytes(bytes);
        },
        isNumber: true,
      },
    ],
    shown,
  );
  return card(say(STATEMENTS_TEXTS.files), rows);
}

/** Holds the script's words in the reader's language; `browser/verify_statement.ts` shows them. */
function verifyCard(period: string, { say, context }: PortalCall): Html {
  return card(
    say(STATEMENTS_TEXTS.verify),
    html`<p>${say(STATEMENTS_TEXTS.verifyNote)}</p>
      <pre
        tabindex="0"
      ><code>node verify_statement.mjs statements --gateway ${new URL(context.req.url).origin}</code></pre>
      <div
        class="row no-print"
        data-verify="/portal/statements/${period}/"
        data-checking="${say(STATEMENTS_TEXTS.checking)}"
        data-holds="${say(STATEMENTS_TEXTS.holds)}"
        data-broken="${say(STATEMENTS_TEXTS.broken)}"
        data-not-checked="${say(STATEMENTS_TEXTS.notChecked)}"
      >
        <button class="first needs-script" type="button">${say(STATEMENTS_TEXTS.verifyNow)}</button>
        <span role="status"></span>
      </div>`,
  );
}
