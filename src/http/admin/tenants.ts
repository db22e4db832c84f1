import { z } from "zod";
import { looksLikeCpf } from "../../domain/cpf_like.ts";
import { validateTiers } from "../../domain/pricing.ts";
import { createTenant, updateTenant } from "../../gateway/tenants.ts";
import type { Tenant } from "../../platform/register.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { pageAnswer, pageOf, pageQuery, readPage } from "../paging.ts";
import { printable } from "../printable.ts";
import { problemResponse } from "../problem.ts";
import { readJson } from "../read_body.ts";
import { issuesOf } from "../scores.ts";
import { actorOf } from "./authenticate_operator.ts";

const MAX_MICROS = 1_000_000_000_000;
const micros = z.int().min(0).max(MAX_MICROS);

const tier = z
  .strictObject({ upTo: z.int().min(1).nullable(), unitPriceMicros: micros })
  .meta({ id: "PriceTier", description: "Lookups up to the `upTo`-th of a month cost `unitPriceMicros` each." });

// Kept in UTC, in which way ever it was written.
const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

const planTerms = {
  allowance: z
    .strictObject({
      requests: z.int().min(0),
      endsAt: instant.nullable().optional(),
    })
    .nullable(),
  tiers: z
    .array(tier)
    .min(1)
    .max(20)
    .refine((tiers) => validateTiers(tiers).ok, "`upTo` must ascend, and only the last may and must be null"),
  ratePerSecond: z.number().min(0.01).max(10_000).meta({ description: "Lookups a second, in the long run." }),
  burst: z.int().min(1).max(100_000).meta({ description: "Lookups at once, after a pause." }),
  monthlySpendCapMicros: micros.nullable().meta({ description: "Micros of BRL a São Paulo month; null is no cap." }),
};
const planName = z.enum(["trial", "pay-per-use"]);
const namedPlan = z.strictObject({ name: planName, ...z.object(planTerms).partial().shape });
const planChange = z.strictObject({ name: planName.optional(), ...z.object(planTerms).partial().shape });

export const plan = z
  .object({
    name: planName,
    allowance: z.object({ requests: z.int(), endsAt: z.iso.datetime().nullable() }).nullable(),
    tiers: z.array(tier),
    ratePerSecond: z.number(),
    burst: z.int(),
    monthlySpendCapMicros: z.int().nullable(),
  })
  .meta({ id: "Plan" });

const NO_CPF = [(text: string) => !looksLikeCpf(text), "must not hold a CPF"] as const;
const tenantName = z
  .string()
  .trim()
  .regex(printable(200), "1 to 200 printable characters")
  .refine(...NO_CPF);
const customerId = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/, "1 to 100 ASCII characters, no space at either end")
  .refine(...NO_CPF);

export const newTenant = z
  .strictObject({
    name: tenantName,
    document: z
      .string()
      .regex(/^[A-Z0-9]{12}[0-9]{2}$/, "a CNPJ without punctuation")
      .meta({ description: "A CNPJ without punctuation." }),
    customerId: customerId.meta({ description: "The `X-CustomerID` that Claro is sent." }),
    plan: z.union([planName.transform((name) => ({ name })), namedPlan]),
  })
  .meta({ id: "NewTenant" });

export const tenantChange = z
  .strictObject({
    name: tenantName.optional(),
    customerId: customerId.optional(),
    status: z.enum(["active", "suspended"]).optional(),
    plan: z.union([planName.transform((name) => ({ name })), planChange]).optional(),
  })
  .meta({ id: "TenantChange" });

export const tenant = z
  .object({
    id: z.string(),
    name: z.string(),
    document: z.string(),
    customerId: z.string(),
    plan,
    status: z.enum(["active", "suspended"]),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "Tenant" });

const TENANT = {
  tag: "Tenants",
  access: "operator",
  answers: { 200: { description: "The tenant.", content: tenant } },
  headers: HEADERS.cacheControl,
} as const satisfies Partial<Operation>;

export const createTenantOperation: Operation = {
  ...TENANT,
  id: "createTenant",
  summary: "Create a tenant",
  description: "A plan's name alone takes its defaults; an object overrides them.",
  body: {
    schema: newTenant,
    example: { name: "Loja Exemplo", document: "12ABC34501DE35", customerId: "loja_exemplo", plan: "trial" },
  },
  answers: { 201: { description: "The tenant.", content: tenant, headers: HEADERS.location } },
  failures: ["change_pending"],
};

export const listTenantsOperation: Operation = {
  ...TENANT,
  id: "listTenants",
  summary: "List the tenants",
  query: pageQuery,
  answers: { 200: { description: "A page of tenants.", content: pageAnswer(tenant) } },
};

export const tenantOperation: Operation = { ...TENANT, id: "getTenant", summary: "Show a tenant" };

export const changeTenantOperation: Operation = {
  ...TENANT,
  id: "changeTenant",
  summary: "Change a tenant",
  description: "Effective for lookups when it returns. A price counts from the next lookup on.",
  body: { schema: tenantChange, example: { status: "suspended" } },
  failures: ["conflict", "change_pending"],
};

/** `POST /admin/v1/tenants`. */
export async function postTenant(context: AppContext): Promise<Response> {
  const body = await readJson(context);
  if (!body.ok) return problemResponse(context, body.failure);
  const asked = newTenant.safeParse(body.value);
  if (!asked.success) return problemResponse(context, { code: "invalid_request", issues: issuesOf(asked.error) });
  const created = await createTenant(context.get("services"), actorOf(context), asked.data);
  if (!created.ok) return problemResponse(context, created.failure);
  context.header("Location", `/admin/v1/tenants/${created.value.id}`);
  return context.json(shownTenant(created.value), 201);
}

/** `GET /admin/v1/tenants`. */
export async function getTenants(context: AppContext): Promise<Response> {
  const page = readPage(context);
  if (!page.ok) return problemResponse(context, page.failure);
  const { limit, after } = page.value;
  const tenants = await context.get("services").register.tenants({ after, limit: limit + 1 });
  return context.json(pageOf(tenants, limit, { entry: shownTenant, place: (last) => [last.createdAtMs, last.id] }));
}

/** `GET /admin/v1/tenants/{id}`. */
export async function getTenant(context: AppContext): Promise<Response> {
  const found = await context.get("services").register.tenant(context.req.param("tenantId") ?? "");
  if (found === null) return problemResponse(context, { code: "not_found" });
  return context.json(shownTenant(found));
}

/** `PATCH /admin/v1/tenants/{id}`. */
export async function patchTenant(context: AppContext): Promise<Response> {
  const body = await readJson(context);
  if (!body.ok) return problemResponse(context, body.failure);
  const change = tenantChange.safeParse(body.value);
  if (!change.success) return problemResponse(context, { code: "invalid_request", issues: issuesOf(change.error) });
  const tenantId = context.req.param("tenantId") ?? "";
  const updated = await updateTenant(context.get("services"), actorOf(context), tenantId, change.data);
  if (!updated.ok) return problemResponse(context, updated.failure);
  return context.json(shownTenant(updated.value));
}

function shownTenant({ id, name, document, customerId: customer, plan: terms, status, createdAtMs }: Tenant) {
  const createdAt = new Date(createdAtMs).toISOString();
  return { id, name, document, customerId: customer, plan: terms, status, createdAt };
}
