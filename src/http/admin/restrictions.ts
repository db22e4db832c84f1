import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import { restrictSubject as restrict, unrestrictSubject as unrestrict } from "../../gateway/restrictions.ts";
import type { Restriction } from "../../platform/restrictions.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "../paging.ts";
import { freeText } from "../printable.ts";
import { cpfFailure, writtenCpf } from "../scores.ts";
import { timeField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";

const LIST = "restrictions";

const REASON = told(
  {
    "pt-BR": "Por quê; fica na auditoria, sem dados da pessoa.",
    en: "Why; it is kept in the audit, without personal data.",
  },
  { examples: ["oposição, pedido 2026-119"] },
);
const UNTIL = told(
  { "pt-BR": "Quando termina sozinha; `null` é nunca.", en: "When it ends by itself; null is never." },
  { examples: ["2027-11-27T03:00:00.000Z"] },
);

const newRestriction = z
  .strictObject({
    cpf: writtenCpf,
    reason: freeText(500).meta(REASON),
    until: z.iso
      .datetime({ offset: true, error: issue("date_time") })
      .nullable()
      .default(null)
      .meta(UNTIL),
  })
  .meta({ id: "NewRestriction" });

export const restriction = z
  .object({
    id: z
      .string()
      .meta(
        told(
          { "pt-BR": "O id da restrição.", en: "The restriction's id." },
          { examples: ["rst_0123456789abcdef0123"] },
        ),
      ),
    status: z
      .enum(["in_force", "ended"])
      .meta(
        told(
          { "pt-BR": "Se as consultas são recusadas.", en: "Whether lookups are refused." },
          { examples: ["in_force"] },
        ),
      ),
    reason: z.string().meta(REASON),
    createdAt: timeField({ "pt-BR": "Desde quando.", en: "Since when." }),
    createdBy: z.string().meta(told({ "pt-BR": "Quem a pôs.", en: "Who made it." }, { examples: ["dpo@example.com"] })),
    until: z.iso.datetime().nullable().meta(UNTIL),
    endedAt: timeField({ "pt-BR": "Quando terminou.", en: "When it ended." }).nullable(),
    endedBy: z
      .string()
      .nullable()
      .meta(told({ "pt-BR": "Quem a encerrou.", en: "Who ended it." }, { examples: ["dpo@example.com"] })),
  })
  .meta({ id: "Restriction" });

const RESTRICTIONS = { tag: "Subjects", role: "privacy", headers: HEADERS.cacheControl } as const;
const THE_RESTRICTION = { "pt-BR": "A restrição.", en: "The restriction." };

/** `POST /admin/v1/subjects/restrictions`. */
export const restrictSubject = operatorEndpoint({
  ...RESTRICTIONS,
  method: "POST",
  path: "/admin/v1/subjects/restrictions",
  id: "restrictSubject",
  summary: { "pt-BR": "Recusar as consultas sobre uma pessoa", en: "Refuse lookups of a person" },
  description: {
    "pt-BR":
      "Assim que a resposta chega, todo parceiro recebe 403 `subject_restricted` para esta pessoa: nada é enviado à Claro nem cobrado. Com mais de 500 parceiros, 503 `change_pending`: o gateway completa sozinho. Repetir com o mesmo motivo e o mesmo fim é a mesma restrição.",
    en: "From its return on every tenant gets 403 `subject_restricted` for this person: nothing is sent to Claro or charged. With over 500 tenants, 503 `change_pending`: the gateway completes it by itself. A repeat with the same reason and end is the same restriction.",
  },
  audit: "in_change",
  failures: ["invalid_cpf", "conflict", "change_pending"],
  body: {
    schema: newRestriction,
    example: { cpf: "529.982.247-25", reason: "oposição, pedido 2026-119" },
    failureOf: cpfFailure,
  },
  answers: { 201: { description: THE_RESTRICTION, content: restriction } },
  handle: async ({ context, services, actor, body: { cpf, reason, until } }) => {
    const nowMs = services.clock.nowMs();
    const untilMs = until === null ? null : Date.parse(until);
    if (untilMs !== null && untilMs <= nowMs) return invalidRequest("until", "in_the_past");
    const made = await restrict(services, actor, { cpf, reason, untilMs });
    return made.ok ? ok(context.json(shownRestriction(made.value, nowMs), 201)) : made;
  },
});

/** `GET /admin/v1/subjects/restrictions`. */
export const listRestrictions = operatorEndpoint({
  ...RESTRICTIONS,
  method: "GET",
  path: "/admin/v1/subjects/restrictions",
  id: "listRestrictions",
  summary: { "pt-BR": "Listar as restrições", en: "List the restrictions" },
  description: {
    "pt-BR": "Sem dizer de quem são: isso a consulta de acesso mostra, para um CPF.",
    en: "Without whom they are of: the access call shows that, for a CPF.",
  },
  audit: { action: "subject.list", target: () => "restrictions" },
  query: pageQuery(LIST),
  answers: {
    200: {
      description: { "pt-BR": "Uma página de restrições.", en: "A page of restrictions." },
      content: pageAnswer(restriction),
    },
  },
  handle: async ({ context, services, query: { limit, cursor } }) => {
    const restrictions = await services.restrictions.page({ after: cursor ?? null, limit: limit + 1 });
    const nowMs = services.clock.nowMs();
    const entry = (one: Restriction) => shownRestriction(one, nowMs);
    return ok(
      context.json(
        pageOf(
          context,
          { list: LIST, entries: restrictions, limit },
          { entry, place: (last) => [last.createdAtMs, last.id] },
        ),
      ),
    );
  },
});

/** `DELETE /admin/v1/subjects/restrictions/{id}`. */
export const unrestrictSubject = operatorEndpoint({
  ...RESTRICTIONS,
  method: "DELETE",
  path: "/admin/v1/subjects/restrictions/:restrictionId",
  id: "unrestrictSubject",
  summary: { "pt-BR": "Encerrar uma restrição", en: "End a restriction" },
  description: {
    "pt-BR":
      "Vale assim que a resposta chega. Outra restrição da mesma pessoa continua. Encerrar de novo não muda nada.",
    en: "Effective when it returns. Another restriction of the same person goes on. Ending it again changes nothing.",
  },
  audit: "in_change",
  failures: ["not_found", "change_pending"],
  answers: { 200: { description: THE_RESTRICTION, content: restriction } },
  handle: async ({ context, services, actor, params: { restrictionId } }) => {
    const ended = await unrestrict(services, actor, restrictionId);
    return ended.ok ? ok(context.json(shownRestriction(ended.value, services.clock.nowMs()))) : ended;
  },
});

/** A restriction whose time is over has ended, whether the cron has written that down or not. */
export function shownRestriction(
  { id, reason, createdAtMs, createdBy, untilMs, endedAtMs, endedBy }: Restriction,
  nowMs: number,
): z.infer<typeof restriction> {
  const isOver = untilMs !== null && untilMs <= nowMs;
  return {
    id,
    status: endedAtMs !== null || isOver ? "ended" : "in_force",
    reason,
    createdAt: isoTime(createdAtMs),
    createdBy,
    until: isoTime(untilMs),
    endedAt: isoTime(endedAtMs ?? (isOver ? untilMs : null)),
    endedBy,
  };
}
