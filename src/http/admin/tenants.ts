import * as z from "zod";
import { parseCnpj } from "../../domain/cnpj.ts";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import type { Failure } from "../../domain/failure.ts";
import { isoTime } from "../../domain/instant.ts";
import { REQUIRABLE_FIELDS } from "../../domain/lookup_grounds.ts";
import { CURRENCY, formatMicros, MICROS_PER_REAL } from "../../domain/money.ts";
import { parsePeriod, periodBounds, saoPauloDate } from "../../domain/period.ts";
import type { Plan } from "../../domain/plan.ts";
import { dailyExposureMicros } from "../../domain/pricing.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import {
  createTenant as create,
  settledPlans,
  updateTenant as update,
  type TenantChange,
} from "../../gateway/tenants.ts";
import type { Tenant } from "../../platform/register.ts";
import type { Services } from "../../platform/services.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { invalidRequest } from "../invalid_request.ts";
import { preferredLanguage, told, type Language } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer, pageOf, pageQuery } from "../paging.ts";
import { freeText } from "../printable.ts";
import { currencyField, exactReais, tenantIdField, timeField } from "../shared_fields.ts";
import { issue } from "../zod_issues.ts";
import { EFFECTIVE_FROM, namedPlan, PLAN, plan, planChange, planName } from "./plan_schemas.ts";

const LIST = "tenants";

const NAME = told({ "pt-BR": "O nome do parceiro.", en: "The tenant's name." }, { examples: ["Loja Exemplo"] });
const DOCUMENT = told(
  { "pt-BR": "O CNPJ, sem pontuação.", en: "The CNPJ, without punctuation." },
  { examples: ["12ABC34501DE35"] },
);
const GIVEN_DOCUMENT_TEXT = {
  "pt-BR": "O CNPJ, também alfanumérico, com ou sem pontuação; a resposta o traz sem.",
  en: "The CNPJ, alphanumeric too, with its punctuation or without; the answer has it without.",
};
const GIVEN_DOCUMENT = told(GIVEN_DOCUMENT_TEXT, { examples: ["12.ABC.345/01DE-35"] });
const LEGAL_NAME = told(
  {
    "pt-BR": "A razão social, para documentos; `null` quando é o próprio nome.",
    en: "The legal name, for documents; null where `name` is it.",
  },
  { examples: ["Loja Exemplo Ltda."] },
);
const EMAIL = told(
  {
    "pt-BR": "Para onde vão os documentos; `null` quando não há.",
    en: "Where documents are sent; null where there is none.",
  },
  { examples: ["financeiro@loja.example"] },
);
const ALLOW_DUPLICATE = told(
  {
    "pt-BR": "Aceita um CNPJ que outro parceiro já tem.",
    en: "Takes a CNPJ that another tenant has.",
  },
  { examples: [false] },
);
const CUSTOMER_ID = told(
  { "pt-BR": "O `X-CustomerID` que a Claro recebe.", en: "The `X-CustomerID` that Claro is sent." },
  { examples: ["loja_exemplo"] },
);
const STATUS = told(
  { "pt-BR": "Um parceiro suspenso não consulta nada.", en: "A suspended tenant can do nothing." },
  { examples: ["active"] },
);

const REQUIRES = told(
  {
    "pt-BR":
      "Campos que toda consulta precisa ter, senão 400 `purpose_required`. Os padrões da chave contam como dados.",
    en: "Fields that every lookup must have, else 400 `purpose_required`. What a key has as its defaults counts as given.",
  },
  { examples: [["purpose", "legalBasis"]] },
);

const requires = z.array(z.enum(REQUIRABLE_FIELDS)).transform((fields) => [...new Set(fields)]);
const tenantName = z.string().trim().pipe(freeText(200));
const customerId = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/, issue("ascii", { longest: 100 }))
  .refine((text) => !looksLikeCpf(text), issue("looks_like_cpf"));

const document = z
  .string()
  .meta(told(GIVEN_DOCUMENT_TEXT, { examples: ["12.ABC.345/01DE-35"] }))
  .transform((text, context) => {
    const cnpj = parseCnpj(text);
    if (cnpj.ok) return cnpj.value;
    context.addIssue({ code: "custom", message: issue("cnpj") });
    return z.NEVER;
  });
const legalName = z.string().trim().pipe(freeText(200)).nullable();
const email = z
  .email(issue("email"))
  .max(254)
  .refine((text) => !looksLikeCpf(text), issue("looks_like_cpf"))
  .nullable();

/** Who a tenant is, as it may be given. */
const ABOUT = {
  legalName: legalName.optional().meta(LEGAL_NAME),
  email: email.optional().meta(EMAIL),
  allowDuplicate: z.boolean().optional().meta(ALLOW_DUPLICATE),
};

const newTenant = z
  .strictObject({
    name: tenantName.meta(NAME),
    document: document.meta(GIVEN_DOCUMENT),
    ...ABOUT,
    customerId: customerId.meta(CUSTOMER_ID),
    requires: requires.optional().meta(REQUIRES),
    plan: z.union([planName.transform((name) => ({ name })), namedPlan]).meta(PLAN),
  })
  .meta({ id: "NewTenant" });

export const tenantChange = z
  .strictObject({
    name: tenantName.optional().meta(NAME),
    document: document.optional().meta(GIVEN_DOCUMENT),
    ...ABOUT,
    customerId: customerId.optional().meta(CUSTOMER_ID),
    requires: requires.optional().meta(REQUIRES),
    status: z.enum(["active", "suspended"]).optional().meta(STATUS),
    plan: z
      .union([planName.transform((name) => ({ name })), planChange])
      .optional()
      .meta(PLAN),
  })
  .meta({ id: "TenantChange" });

const tenant = z
  .object({
    id: tenantIdField,
    name: z.string().meta(NAME),
    document: z.string().meta(DOCUMENT),
    legalName: z.string().nullable().meta(LEGAL_NAME),
    email: z.string().nullable().meta(EMAIL),
    customerId: z.string().meta(CUSTOMER_ID),
    requires: z.array(z.enum(REQUIRABLE_FIELDS)).meta(REQUIRES),
    plan,
    nextPlan: plan
      .extend({ effectiveFrom: z.iso.date().meta(EFFECTIVE_FROM) })
      .nullable()
      .meta(
        told({
          "pt-BR": "O plano que passa a valer depois; `null` quando não há.",
          en: "The plan that takes the present one's place later; null where there is none.",
        }),
      ),
    status: z.enum(["active", "suspended"]).meta(STATUS),
    createdAt: timeField({ "pt-BR": "Quando foi criado.", en: "When it was created." }),
  })
  .meta({ id: "Tenant" });

const warning = z
  .object({
    code: z
      .enum(["no_spend_cap"])
      .meta(told({ "pt-BR": "O aviso, por um nome estável.", en: "The warning, by a stable name." })),
    message: z
      .string()
      .meta(
        told(
          { "pt-BR": "O mesmo para pessoas.", en: "The same for people." },
          { examples: ["Sem limite de gasto, uma chave live roubada pode custar até R$ 648007.5000 por dia."] },
        ),
      ),
    amountPerDay: z
      .object({ amount: exactReais, currency: currencyField })
      .meta(told({ "pt-BR": "O máximo que um dia pode custar.", en: "The most that a day can cost." })),
  })
  .meta({ id: "TenantWarning" });

const createdTenant = tenant
  .extend({
    warnings: z
      .array(warning)
      .meta(told({ "pt-BR": "O que o operador deve saber.", en: "What the operator should know." })),
  })
  .meta({ id: "CreatedTenant" });

const THE_TENANT = { "pt-BR": "O parceiro.", en: "The tenant." };

/** `POST /admin/v1/tenants`. */
export const createTenant = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/tenants",
  id: "createTenant",
  tag: "Tenants",
  summary: { "pt-BR": "Criar um parceiro", en: "Create a tenant" },
  description: {
    "pt-BR": "Só o nome de um plano usa os termos padrão dele; um objeto os substitui.",
    en: "A plan's name alone takes its defaults; an object overrides them.",
  },
  role: "operate",
  audit: "in_change",
  body: {
    schema: newTenant,
    example: { name: "Loja Exemplo", document: "12ABC34501DE35", customerId: "loja_exemplo", plan: "trial" },
  },
  answers: { 201: { description: THE_TENANT, content: createdTenant, headers: HEADERS.location } },
  headers: HEADERS.cacheControl,
  failures: ["document_in_use", "change_pending"],
  handle: async ({ context, services, actor, body }) => {
    const created = await create(services, actor, body);
    if (!created.ok) return created;
    context.header("Location", `/admin/v1/tenants/${created.value.id}`);
    const warnings = warningsOf(created.value.plan, preferredLanguage(context.req.header("accept-language")));
    return ok(context.json({ ...shownTenant(created.value, services), warnings }, 201));
  },
});

/** `GET /admin/v1/tenants`. */
export const listTenants = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/tenants",
  id: "listTenants",
  tag: "Tenants",
  summary: { "pt-BR": "Listar os parceiros", en: "List the tenants" },
  role: "read",
  query: pageQuery(LIST),
  answers: {
    200: {
      description: { "pt-BR": "Uma página de parceiros.", en: "A page of tenants." },
      content: pageAnswer(tenant),
    },
  },
  headers: HEADERS.cacheControl,
  handle: async ({ context, services, query: { limit, cursor } }) => {
    const tenants = await services.register.tenants({ after: cursor ?? null, limit: limit + 1 });
    const page = pageOf(
      context,
      { list: LIST, entries: tenants, limit },
      {
        entry: (found) => shownTenant(found, services),
        place: (last) => [last.createdAtMs, last.id],
      },
    );
    return ok(context.json(page));
  },
});

/** `GET /admin/v1/tenants/{id}`. */
export const getTenant = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/tenants/:tenantId",
  id: "getTenant",
  tag: "Tenants",
  summary: { "pt-BR": "Ver um parceiro", en: "Show a tenant" },
  role: "read",
  answers: { 200: { description: THE_TENANT, content: tenant } },
  headers: HEADERS.cacheControl,
  handle: async ({ context, services, params: { tenantId } }) => {
    const found = await services.register.tenant(tenantId);
    return found === null ? fail({ code: "not_found" }) : ok(context.json(shownTenant(found, services)));
  },
});

/** `PATCH /admin/v1/tenants/{id}`. */
export const changeTenant = operatorEndpoint({
  method: "PATCH",
  path: "/admin/v1/tenants/:tenantId",
  id: "changeTenant",
  tag: "Tenants",
  summary: { "pt-BR": "Alterar um parceiro", en: "Change a tenant" },
  description: {
    "pt-BR": "Vale para as consultas assim que a resposta chega. Um preço vale a partir da próxima consulta.",
    en: "Effective for lookups when it returns. A price counts from the next lookup on.",
  },
  role: "operate",
  audit: "in_change",
  body: { schema: tenantChange, example: { status: "suspended" } },
  answers: { 200: { description: THE_TENANT, content: tenant } },
  headers: HEADERS.cacheControl,
  failures: ["not_found", "conflict", "document_in_use", "change_pending"],
  handle: async ({ context, services, actor, params: { tenantId }, body }) => {
    const change = withPlanDate(body, services.clock.nowMs());
    if (!change.ok) return change;
    const updated = await update(services, actor, tenantId, change.value);
    return updated.ok ? ok(context.json(shownTenant(updated.value, services))) : updated;
  },
});

/** A plan that begins later begins with a month: then every lookup of a month is priced by one table. */
function withPlanDate(change: z.output<typeof tenantChange>, nowMs: number): Result<TenantChange, Failure> {
  const { plan: asked, ...others } = change;
  if (asked === undefined || !("effectiveFrom" in asked) || asked.effectiveFrom === undefined) {
    return ok(asked === undefined ? others : { ...others, plan: withoutDate(asked) });
  }
  const period = parsePeriod(asked.effectiveFrom.slice(0, 7));
  if (!period.ok) return invalidRequest("plan.effectiveFrom", "date");
  const planFromMs = periodBounds(period.value).startMs;
  if (planFromMs <= nowMs) return invalidRequest("plan.effectiveFrom", "in_the_past");
  return ok({ ...others, plan: withoutDate(asked), planFromMs });
}

function withoutDate(asked: NonNullable<z.output<typeof tenantChange>["plan"]>) {
  const { effectiveFrom: _, ...terms } = asked as z.output<typeof planChange>;
  return terms as NonNullable<TenantChange["plan"]>;
}

function shownTenant(found: Tenant, { clock }: Services) {
  const {
    id,
    name,
    document: cnpj,
    legalName: legal,
    email: address,
    customerId: customer,
    status,
    createdAtMs,
  } = found;
  const { plan: terms, nextPlan } = settledPlans(found, clock.nowMs());
  const createdAt = isoTime(createdAtMs);
  const next = nextPlan === null ? null : { ...nextPlan.plan, effectiveFrom: saoPauloDate(nextPlan.fromMs) };
  const about = { id, name, document: cnpj, legalName: legal, email: address, customerId: customer };
  const policy = { requires: [...found.requires] };
  return { ...about, ...policy, plan: terms, nextPlan: next, status, createdAt };
}

/** What a stolen live key could cost before anybody looks, where no cap stops it. */
function warningsOf(terms: Plan, language: Language) {
  const exposureMicros = terms.monthlySpendCapMicros === null ? dailyExposureMicros(terms) : 0;
  if (exposureMicros === 0) return [];
  const amount = formatMicros(exposureMicros);
  const shown = new Intl.NumberFormat(language, { minimumFractionDigits: 2 }).format(exposureMicros / MICROS_PER_REAL);
  const message = {
    "pt-BR": `Sem limite de gasto, uma chave live roubada pode custar até R$ ${shown} por dia. Defina \`monthlySpendCapMicros\`.`,
    en: `Without a spend cap, a stolen live key can cost up to BRL ${shown} a day. Set \`monthlySpendCapMicros\`.`,
  }[language];
  return [{ code: "no_spend_cap", message, amountPerDay: { amount, currency: CURRENCY } }];
}
