import * as z from "zod";
import { parsePeriod, type Period } from "../../domain/period.ts";
import { ok } from "../../domain/result.ts";
import { restoreLedger, type RestoreStep } from "../../gateway/restore_ledger.ts";
import { FINDINGS, verifyLedger } from "../../gateway/verify_ledger.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { AppContext } from "../context.ts";
import { cursorFor, cursorQuery, nextStepField } from "../paging.ts";

const LONGEST_CURSOR = 500;

const period = z.string().refine((text): text is Period & string => parsePeriod(text).ok);
const seq = z.int().min(0);

const restorePlace = z.object({ name: z.uuid(), through: seq, period: period.nullable(), offset: seq });
const verifyPlace = z.object({
  period,
  next: seq,
  through: seq,
  sums: z.array(z.int()).length(9).nullable(),
});

const restoreAnswer = z
  .object({
    status: z.enum(["not_needed", "restoring", "restored"]).meta(
      told(
        {
          "pt-BR":
            "`not_needed`: o ledger atende, nada foi mudado; `restoring`: chame de novo; `restored`: ele atende de novo.",
          en: "`not_needed`: the ledger serves, nothing was changed; `restoring`: call again; `restored`: it serves again.",
        },
        { examples: ["restored"] },
      ),
    ),
    through: seq.meta(
      told(
        {
          "pt-BR": "O último evento que o D1 e o R2 têm, dos que o ledger já recebeu de volta.",
          en: "The last event that D1 and R2 have, of those that the ledger has again.",
        },
        { examples: [12_400] },
      ),
    ),
    lastSeq: seq.nullable().meta(
      told(
        {
          "pt-BR": "O último evento do ledger; `null` enquanto restaura.",
          en: "The ledger's last event; null while it is put back.",
        },
        { examples: [12_403] },
      ),
    ),
    ownEvents: seq.nullable().meta(
      told(
        {
          "pt-BR": "Eventos que só o objeto tinha: seguem os registrados, com novos números.",
          en: "Events that only the object had: they follow the recorded ones, with new numbers.",
        },
        { examples: [3] },
      ),
    ),
    nextCursor: nextStepField,
  })
  .meta({ id: "RestoreStep" });

/** `POST /admin/v1/tenants/{tenantId}/ledger/restore`: one step of putting back a ledger whose object was lost. */
export const restoreTenantLedger = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/tenants/:tenantId/ledger/restore",
  id: "restoreLedger",
  tag: "Operations",
  summary: { "pt-BR": "Restaurar o ledger de um parceiro", en: "Put a tenant's ledger back" },
  description: {
    "pt-BR":
      "Para um ledger cujo objeto foi perdido ou voltou a um ponto anterior: ele responde 503 até ser restaurado a partir do " +
      "D1 e do R2. Um ledger que atende não é tocado. Chaves de idempotência de antes da perda não são conhecidas. Cada " +
      "chamada faz um passo; chame de novo com `nextCursor` até ele ser `null`.",
    en:
      "For a ledger whose object was lost, or is back at an earlier point: it answers 503 until it is put back from D1 and " +
      "R2. A ledger that serves is not touched. Idempotency keys of before the loss are not known. One call does a step; " +
      "call again with `nextCursor` until that is null.",
  },
  role: "operate",
  // Every step, for a restore can be gone on with at any place.
  audit: { action: "ledger.restore", target: ({ tenantId = "" }) => tenantId },
  headers: { ...HEADERS.cacheControl, ...HEADERS.retryAfter },
  query: z.object({
    cursor: cursorQuery("restore", restorePlace, LONGEST_CURSOR),
    stop: z
      .enum(["true", "false"])
      .default("false")
      .meta(
        told(
          {
            "pt-BR": "`true` para antes um ledger que atende, mas que tem outros eventos do que o D1 e o R2.",
            en: "`true` first stops a ledger that serves, but has other events than D1 and R2.",
          },
          { examples: ["false"] },
        ),
      ),
  }),
  answers: { 200: { description: { "pt-BR": "Um passo está feito.", en: "A step is done." }, content: restoreAnswer } },
  failures: ["ledger_unavailable", "change_pending", "conflict", "not_found", "statement_unavailable"],
  outage: "statement_unavailable",
  handle: async ({ context, services, actor, params: { tenantId }, query: { cursor, stop } }) => {
    const asked = { tenantId, place: cursor ?? null, stop: stop === "true" };
    const step = await restoreLedger(services, actor, asked);
    return step.ok ? ok(context.json(restoreBody(context, step.value))) : step;
  },
});

function restoreBody(context: AppContext, step: RestoreStep): z.infer<typeof restoreAnswer> {
  const { status } = step;
  if (status === "restoring") {
    return {
      status,
      through: step.through,
      lastSeq: null,
      ownEvents: null,
      nextCursor: cursorFor(context, "restore", step.next),
    };
  }
  if (status === "not_needed") {
    return { status, through: step.lastSeq, lastSeq: step.lastSeq, ownEvents: 0, nextCursor: null };
  }
  const { recordedThrough: through, lastSeq, ownEvents } = step;
  return { status, through, lastSeq, ownEvents, nextCursor: null };
}

const seqField = seq.nullable();

const finding = z
  .object({
    code: z
      .enum(FINDINGS)
      .meta(told({ "pt-BR": "O que não confere.", en: "What does not agree." }, { examples: ["events_missing"] })),
    period: z
      .string()
      .nullable()
      .meta(
        told({ "pt-BR": "O mês, se for de um.", en: "The month, where it is about one." }, { examples: ["2026-11"] }),
      ),
    first: seqField.meta(told({ "pt-BR": "O primeiro evento.", en: "The first event." }, { examples: [101] })),
    last: seqField.meta(told({ "pt-BR": "O último evento.", en: "The last event." }, { examples: [150] })),
    what: z
      .string()
      .nullable()
      .meta(
        told(
          {
            "pt-BR": "Onde, ou o quê: `ledger`, `d1`, `r2`, um modo, um arquivo, um dia ou um motivo.",
            en: "Where, or what: `ledger`, `d1`, `r2`, a mode, a file, a day or a reason.",
          },
          { examples: ["d1"] },
        ),
      ),
  })
  .meta({ id: "LedgerFinding" });

const verifyAnswer = z
  .object({
    findings: z.array(finding).meta(
      told({
        "pt-BR": "O que este passo encontrou; vazio se tudo confere.",
        en: "What this step found; empty where all agrees.",
      }),
    ),
    months: z
      .int()
      .meta(
        told(
          { "pt-BR": "Meses comparados neste passo.", en: "Months that were compared in this step." },
          { examples: [3] },
        ),
      ),
    events: z
      .int()
      .meta(
        told(
          { "pt-BR": "Eventos do D1 comparados neste passo.", en: "Events of D1 that were compared in this step." },
          { examples: [12_400] },
        ),
      ),
    nextCursor: nextStepField,
  })
  .meta({ id: "VerifyStep" });

/** `GET /admin/v1/tenants/{tenantId}/ledger/verify`: one step of comparing ledger, D1 and R2. */
export const verifyTenantLedger = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/tenants/:tenantId/ledger/verify",
  id: "verifyLedger",
  tag: "Operations",
  summary: { "pt-BR": "Comparar ledger, D1 e R2", en: "Compare ledger, D1 and R2" },
  description: {
    "pt-BR":
      "Compara sequência, eventos, somas dos meses, meses fechados com seus arquivos, e condições. Não muda nada. Cada " +
      "chamada faz um passo; chame de novo com `nextCursor` até ele ser `null`.",
    en:
      "Compares the sequence, events, sums of months, closed months with their files, and terms. Changes nothing. One call " +
      "does a step; call again with `nextCursor` until that is null.",
  },
  role: "read",
  headers: { ...HEADERS.cacheControl, ...HEADERS.retryAfter },
  query: z.object({ cursor: cursorQuery("verify", verifyPlace, LONGEST_CURSOR) }),
  answers: { 200: { description: { "pt-BR": "Um passo está feito.", en: "A step is done." }, content: verifyAnswer } },
  failures: ["ledger_unavailable", "not_found", "statement_unavailable"],
  outage: "statement_unavailable",
  handle: async ({ context, services, params: { tenantId }, query: { cursor } }) => {
    const step = await verifyLedger(services, tenantId, { place: cursor ?? null });
    if (!step.ok) return step;
    const { next, findings, months, events } = step.value;
    const body: z.infer<typeof verifyAnswer> = {
      findings: [...findings],
      months,
      events,
      nextCursor: cursorFor(context, "verify", next),
    };
    return ok(context.json(body));
  },
});
