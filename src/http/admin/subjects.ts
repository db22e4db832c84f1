import * as z from "zod";
import { assert } from "../../domain/assert.ts";
import { DAY_MS, isoTime } from "../../domain/instant.ts";
import { LEGAL_BASES, PURPOSES } from "../../domain/lookup_grounds.ts";
import { OUTCOMES } from "../../domain/meter_event.ts";
import { parseDate, startOfDayMs, startOfNextDayMs, type SaoPauloDate } from "../../domain/period.ts";
import { ok } from "../../domain/result.ts";
import { findSubject, type SubjectLookup, type SubjectPlace } from "../../gateway/find_subject.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { cursorFor, cursorQuery } from "../paging.ts";
import { freeText } from "../printable.ts";
import { cpfFailure, writtenCpf } from "../scores.ts";
import { lookupIdField, tenantIdField, timeField, transactionIdField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";
import { restriction, shownRestriction } from "./restrictions.ts";

const dayField = (meaning: { readonly "pt-BR": string; readonly en: string }) =>
  z.iso
    .date(issue("date"))
    .refine((date) => parseDate(date).ok, issue("date"))
    .optional()
    .meta(told(meaning, { examples: ["2026-11-01"] }));

const cursorContent = z.tuple([
  z.int().min(0),
  z.string().regex(/^ten_[0-9A-Za-z_]{1,40}$/),
  z.int().min(1).nullable(),
  z.int().min(0),
]);

const subjectAccess = z
  .strictObject({
    cpf: writtenCpf,
    from: dayField({ "pt-BR": "O primeiro dia, no horário de São Paulo.", en: "The first day, of São Paulo." }),
    to: dayField({ "pt-BR": "O último dia, incluído.", en: "The last day, included." }),
    reason: freeText(500)
      .optional()
      .meta(
        told(
          { "pt-BR": "Por que se pergunta; fica na auditoria.", en: "Why it is asked; it is kept in the audit." },
          { examples: ["pedido de acesso 2026-118, art. 18 da LGPD"] },
        ),
      ),
    cursor: cursorQuery("subject", cursorContent),
  })
  .meta({ id: "SubjectAccess" });

const subjectLookup = z
  .object({
    id: lookupIdField,
    occurredAt: timeField({ "pt-BR": "Quando terminou.", en: "When it ended." }),
    admittedAt: timeField({ "pt-BR": "Quando foi aceita.", en: "When it was admitted." }).nullable(),
    tenantId: tenantIdField,
    tenantName: z
      .string()
      .meta(told({ "pt-BR": "Quem consultou.", en: "Who asked." }, { examples: ["Loja Exemplo Ltda."] })),
    tenantDocument: z
      .string()
      .meta(
        told({ "pt-BR": "O CNPJ de quem consultou.", en: "The CNPJ of who asked." }, { examples: ["12ABC34501DE35"] }),
      ),
    purpose: z
      .enum(PURPOSES)
      .nullable()
      .meta(told({ "pt-BR": "Para quê.", en: "What for." }, { examples: ["credit_granting"] })),
    legalBasis: z
      .enum(LEGAL_BASES)
      .nullable()
      .meta(told({ "pt-BR": "Com que base legal.", en: "On which legal basis." }, { examples: ["credit_protection"] })),
    consentId: z
      .string()
      .nullable()
      .meta(told({ "pt-BR": "O id do consentimento.", en: "The consent's id." }, { examples: ["consentimento-8812"] })),
    requestedBy: z
      .string()
      .nullable()
      .meta(
        told({ "pt-BR": "Quem pediu, na empresa.", en: "Who asked, at the company." }, { examples: ["analista-42"] }),
      ),
    outcome: z
      .enum(OUTCOMES)
      .nullable()
      .meta(told({ "pt-BR": "Como terminou.", en: "How it ended." }, { examples: ["delivered"] })),
    reference: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "A referência de quem consultou.", en: "The tenant's own reference." },
          { examples: ["pedido-1234"] },
        ),
      ),
    transactionId: transactionIdField,
  })
  .meta({ id: "SubjectLookup" });

const count = (meaning: { readonly "pt-BR": string; readonly en: string }) =>
  z.int().meta(told(meaning, { examples: [12] }));

export const subjectAnswer = z.object({
  data: z.array(subjectLookup).meta(
    told({
      "pt-BR": "As consultas live desta pessoa que esta chamada encontrou; até 200.",
      en: "The live lookups of this person that this call found; up to 200.",
    }),
  ),
  nextCursor: z
    .string()
    .nullable()
    .meta(
      told(
        {
          "pt-BR": "Para `cursor`, também quando `data` está vazio; `null` quando a busca terminou.",
          en: "For `cursor`, also where `data` is empty; null when the search has ended.",
        },
        { examples: ["WzE3OTU4MTQ0NDAxMjMsInRlbl8wMTIzIiwyMDAwMSwwXQ=="] },
      ),
    ),
  progress: z
    .object({
      tenants: count({ "pt-BR": "Parceiros já vistos.", en: "Tenants that were looked into." }),
      of: count({ "pt-BR": "Parceiros ao todo.", en: "Tenants in all." }),
    })
    .meta(told({ "pt-BR": "Até onde a busca chegou.", en: "How far the search is." })),
  restrictions: z.array(restriction).meta(
    told({
      "pt-BR": "As restrições desta pessoa, também as encerradas.",
      en: "This person's restrictions, ended ones too.",
    }),
  ),
});

/** `POST /admin/v1/subjects/access`. */
export const accessSubject = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/subjects/access",
  id: "accessSubject",
  tag: "Subjects",
  summary: { "pt-BR": "Achar as consultas sobre uma pessoa", en: "Find a person's lookups" },
  description: {
    "pt-BR":
      "As consultas live de todos os parceiros, em meses abertos e fechados, até esta chamada. Cada chamada vê uma parte e fica na auditoria com o motivo; continue com `nextCursor`. Um parceiro que não pode ser lido não é pulado: 503 com o nome dele, e a mesma chamada continua dali. Depois que a chave de um ano é destruída, ninguém acha as consultas dele.",
    en: "Live lookups by every tenant, in open and closed months, up to this call. Each call looks into a part and is in the audit with its reason; go on with `nextCursor`. A tenant that cannot be read is not passed over: 503 names it, and the same call goes on from there. Once a year's key is destroyed nobody finds that year's lookups.",
  },
  role: "privacy",
  audit: "in_change",
  headers: HEADERS.cacheControl,
  failures: ["invalid_cpf", "ledger_unavailable"],
  outage: "statement_unavailable",
  body: {
    schema: subjectAccess,
    example: { cpf: "529.982.247-25", reason: "pedido de acesso 2026-118" },
    failureOf: cpfFailure,
  },
  answers: {
    200: {
      description: { "pt-BR": "O que foi achado até aqui.", en: "What was found so far." },
      content: subjectAnswer,
    },
  },
  handle: async ({ context, services, actor, body: { cpf, from, to, reason = null, cursor } }) => {
    const fromMs = from === undefined ? 0 : startOf(from);
    // A day ahead of the clock: an event's time comes from a machine whose clock may differ.
    const toMs = to === undefined ? services.clock.nowMs() + DAY_MS : endOf(to);
    if (toMs <= fromMs) return invalidRequest("to", "before_from");
    const search = { cpf, fromMs, toMs, reason };
    const found = await findSubject(services, actor, { search, place: cursor === undefined ? null : placeOf(cursor) });
    if (!found.ok) return found;
    const { lookups, restrictions, next, tenants } = found.value;
    const nowMs = services.clock.nowMs();
    return ok(
      context.json({
        data: lookups.map(shownLookup),
        nextCursor: cursorFor(context, "subject", next === null ? null : [...next.tenant, next.seq, next.offset]),
        progress: { tenants: tenants.done, of: tenants.all },
        restrictions: restrictions.map((one) => shownRestriction(one, nowMs)),
      } satisfies z.infer<typeof subjectAnswer>),
    );
  },
});

function placeOf([createdAtMs, tenantId, seq, offset]: z.output<typeof cursorContent>): SubjectPlace {
  return { tenant: [createdAtMs, tenantId], seq, offset };
}

function startOf(day: string): number {
  return startOfDayMs(checkedDay(day));
}

function endOf(day: string): number {
  return startOfNextDayMs(checkedDay(day));
}

function checkedDay(day: string): SaoPauloDate {
  const date = parseDate(day);
  assert(date.ok, "a day passed its schema and is none");
  return date.value;
}

function shownLookup({ event, tenant }: SubjectLookup): z.infer<typeof subjectLookup> {
  const { id, occurredAtMs, admittedAtMs, purpose, legalBasis, consentId, requestedBy, outcome } = event;
  return {
    id,
    occurredAt: isoTime(occurredAtMs),
    admittedAt: isoTime(admittedAtMs),
    tenantId: tenant.id,
    tenantName: tenant.legalName ?? tenant.name,
    tenantDocument: tenant.document,
    purpose: purpose as z.infer<typeof subjectLookup>["purpose"],
    legalBasis: legalBasis as z.infer<typeof subjectLookup>["legalBasis"],
    consentId,
    requestedBy,
    outcome,
    reference: event.reference,
    transactionId: event.transactionId,
  };
}
