import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import { lifeState } from "../../domain/life_state.ts";
import { fail, ok } from "../../domain/result.ts";
import { ROLES } from "../../domain/roles.ts";
import { createOperator as create, revokeOperator as revoke, setRoles } from "../../gateway/operators.ts";
import type { RegisteredOperator } from "../../platform/operators.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "../paging.ts";
import { freeText } from "../printable.ts";
import { timeField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";

const LIST = "operators";

const NAME = told({ "pt-BR": "Quem é.", en: "Who it is." }, { examples: ["Ana Souza"] });
const EMAIL = told(
  {
    "pt-BR": "O e-mail que o Cloudflare Access confirma, ou `service:` e o nome de um token de serviço.",
    en: "The e-mail that Cloudflare Access vouches for, or `service:` and a service token's name.",
  },
  { examples: ["ana@example.com"] },
);
const ROLE_LIST = told(
  {
    "pt-BR":
      "O que pode fazer: `read` lê tudo menos titulares e operadores, e todos os outros também; `operate`, `finance`, `privacy`; `admin` pode tudo.",
    en: "What they may do: `read` reads all but subjects and operators, and so do the others; `operate`, `finance`, `privacy`; `admin` may all.",
  },
  { examples: [["operate", "finance"]] },
);
const EXPIRES = told(
  { "pt-BR": "Quando o acesso termina; `null` é nunca.", en: "When their access ends; null is never." },
  { examples: ["2027-11-27T03:00:00.000Z"] },
);

const someRoles = z
  .array(z.enum(ROLES))
  .min(1)
  .transform((roles) => [...new Set(roles)])
  .meta(ROLE_LIST);

const newOperator = z
  .strictObject({
    name: z.string().trim().pipe(freeText(100)).meta(NAME),
    email: z
      .string()
      .regex(/^(?:[^\s@:]{1,64}@[^\s@:]{1,190}|service:[^\s]{1,190})$/, issue("email"))
      // Not in the pattern: what reads the document may know nothing of Unicode's classes.
      .refine((text) => !/\p{C}/u.test(text), issue("email"))
      .nullable()
      .default(null)
      .meta(EMAIL),
    roles: someRoles,
    expiresAt: z.iso
      .datetime({ offset: true, error: issue("date_time") })
      .nullable()
      .default(null)
      .meta(EXPIRES),
  })
  .meta({ id: "NewOperator" });

const shownFields = {
  id: z
    .string()
    .meta(
      told(
        { "pt-BR": "O id do operador; não é secreto.", en: "The operator's id; it is no secret." },
        { examples: ["csg_op_a1B2c3D4e5"] },
      ),
    ),
  name: z.string().meta(NAME),
  email: z.string().nullable().meta(EMAIL),
  roles: z.array(z.enum(ROLES)).meta(ROLE_LIST),
  status: z
    .enum(["active", "expired", "revoked"])
    .meta(told({ "pt-BR": "Se o acesso vale.", en: "Whether they come in." }, { examples: ["active"] })),
  createdAt: timeField({ "pt-BR": "Quando foi criado.", en: "When it was created." }),
  expiresAt: z.iso.datetime().nullable().meta(EXPIRES),
  revokedAt: timeField({ "pt-BR": "Quando foi revogado.", en: "When it was revoked." }).nullable(),
  lastUsedAt: timeField({
    "pt-BR": "O último acesso, com precisão de uma hora.",
    en: "When they last came in, to the hour.",
  }).nullable(),
};

const listedOperator = z.object(shownFields).meta({ id: "Operator" });
const createdOperator = z
  .object({
    ...shownFields,
    token: z
      .string()
      .meta(
        told(
          { "pt-BR": "O token. Não será mostrado de novo.", en: "The token. It is never shown again." },
          { examples: ["csg_op_a1B2c3D4e5_a1B2c3D4e5f6G7h8I9j0K1l2M3n4O5p6"] },
        ),
      ),
  })
  .meta({ id: "CreatedOperator" });

const OPERATORS = { tag: "Operations", role: "admin", headers: HEADERS.cacheControl } as const;

/** `POST /admin/v1/operators`. */
export const createOperator = operatorEndpoint({
  ...OPERATORS,
  method: "POST",
  path: "/admin/v1/operators",
  id: "createOperator",
  summary: { "pt-BR": "Criar um operador", en: "Make an operator" },
  description: {
    "pt-BR":
      "O token aparece só nesta resposta. Depois do primeiro `admin` com e-mail, o Cloudflare Access sozinho não torna ninguém operador.",
    en: "The answer is the only time that the token is seen. From the first `admin` with an e-mail on, Cloudflare Access alone makes nobody an operator.",
  },
  audit: "in_change",
  failures: ["conflict"],
  body: { schema: newOperator, example: { name: "Ana Souza", email: "ana@example.com", roles: ["operate"] } },
  answers: { 201: { description: { "pt-BR": "O operador.", en: "The operator." }, content: createdOperator } },
  handle: async ({ context, services, actor, body: { expiresAt, ...body } }) => {
    const expiresAtMs = expiresAt === null ? null : Date.parse(expiresAt);
    const nowMs = services.clock.nowMs();
    if (expiresAtMs !== null && expiresAtMs <= nowMs) return invalidRequest("expiresAt", "in_the_past");
    const made = await create(services, actor, { ...body, expiresAtMs });
    if (!made.ok) return made;
    return ok(context.json({ ...shownOperator(made.value.operator, nowMs), token: made.value.token }, 201));
  },
});

/** `GET /admin/v1/operators`. */
export const listOperators = operatorEndpoint({
  ...OPERATORS,
  method: "GET",
  path: "/admin/v1/operators",
  id: "listOperators",
  summary: { "pt-BR": "Listar os operadores", en: "List the operators" },
  query: pageQuery(LIST),
  answers: {
    200: {
      description: { "pt-BR": "Uma página de operadores.", en: "A page of operators." },
      content: pageAnswer(listedOperator),
    },
  },
  handle: async ({ context, services, query: { limit, cursor } }) => {
    const operators = await services.operators.page({ after: cursor ?? null, limit: limit + 1 });
    const nowMs = services.clock.nowMs();
    const entry = (operator: RegisteredOperator) => shownOperator(operator, nowMs);
    return ok(
      context.json(
        pageOf(
          context,
          { list: LIST, entries: operators, limit },
          { entry, place: (last) => [last.createdAtMs, last.id] },
        ),
      ),
    );
  },
});

/** `PATCH /admin/v1/operators/{operatorId}`. */
export const changeOperator = operatorEndpoint({
  ...OPERATORS,
  method: "PATCH",
  path: "/admin/v1/operators/:operatorId",
  id: "changeOperator",
  summary: { "pt-BR": "Mudar os papéis de um operador", en: "Change an operator's roles" },
  description: {
    "pt-BR":
      "Os papéis novos valem assim que a resposta chega, também em sessões abertas do console. O último admin com e-mail " +
      "continua admin.",
    en:
      "The new roles count from its return on, in open sessions of the console too. The last admin with an e-mail stays " +
      "an admin.",
  },
  audit: "in_change",
  failures: ["not_found", "conflict"],
  body: {
    schema: z.strictObject({ roles: someRoles }).meta({ id: "OperatorChange" }),
    example: { roles: ["operate", "finance"] },
  },
  answers: { 200: { description: { "pt-BR": "O operador.", en: "The operator." }, content: listedOperator } },
  handle: async ({ context, services, actor, params: { operatorId }, body: { roles } }) => {
    const changed = await setRoles(services, actor, { id: operatorId, roles });
    return changed.ok ? ok(context.json(shownOperator(changed.value, services.clock.nowMs()))) : changed;
  },
});

/** `POST /admin/v1/operators/{operatorId}/revoke`. */
export const revokeOperator = operatorEndpoint({
  ...OPERATORS,
  method: "POST",
  path: "/admin/v1/operators/:operatorId/revoke",
  id: "revokeOperator",
  summary: { "pt-BR": "Revogar um operador", en: "Revoke an operator" },
  description: {
    "pt-BR": "O token e o e-mail deixam de valer assim que a resposta chega. Revogar de novo não muda nada.",
    en: "Token and e-mail open nothing from its return on. Revoking an operator again changes nothing.",
  },
  audit: "in_change",
  failures: ["not_found"],
  answers: { 200: { description: { "pt-BR": "O operador.", en: "The operator." }, content: listedOperator } },
  handle: async ({ context, services, actor, params: { operatorId } }) => {
    const revoked = await revoke(services, actor, operatorId);
    return revoked.ok ? ok(context.json(shownOperator(revoked.value, services.clock.nowMs()))) : fail(revoked.failure);
  },
});

function shownOperator(operator: RegisteredOperator, nowMs: number) {
  const { id, name, email, roles, createdAtMs, expiresAtMs, revokedAtMs, lastUsedAtMs } = operator;
  return {
    id,
    name,
    email,
    roles,
    status: lifeState(operator, nowMs),
    createdAt: isoTime(createdAtMs),
    expiresAt: isoTime(expiresAtMs),
    revokedAt: isoTime(revokedAtMs),
    lastUsedAt: isoTime(lastUsedAtMs),
  };
}
