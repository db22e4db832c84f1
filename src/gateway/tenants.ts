import type { TenantStatus } from "../domain/authorization.ts";
import type { Failure } from "../domain/failure.ts";
import { isoTime } from "../domain/instant.ts";
import type { Issue } from "../domain/issue.ts";
import type { RequirableField } from "../domain/lookup_grounds.ts";
import { overridePlan, resolvePlan, type PlanTerms } from "../domain/plan.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { projectTenant, type Projection } from "./project_tenant.ts";

/** Who makes a change, for the audit. */
export type Actor = string;

export type NewTenant = {
  readonly name: string;
  readonly document: string;
  readonly legalName?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly customerId: string;
  readonly plan: PlanTerms;
  /** Fields that a lookup must have. */
  readonly requires?: readonly RequirableField[] | undefined;
  /** Another tenant may have the document too. */
  readonly allowDuplicate?: boolean | undefined;
};

/** Only what is to change. A plan without a name changes terms of the plan that the tenant has. */
export type TenantChange = {
  readonly name?: string | undefined;
  readonly document?: string | undefined;
  readonly legalName?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly customerId?: string | undefined;
  readonly requires?: readonly RequirableField[] | undefined;
  readonly allowDuplicate?: boolean | undefined;
  readonly status?: TenantStatus | undefined;
  readonly plan?: PlanTerms | (Omit<PlanTerms, "name"> & { readonly name?: undefined }) | undefined;
  /** When the plan begins: the first instant of a coming month. Without it, now. */
  readonly planFromMs?: number | undefined;
};

/** How often a change is tried again when somebody else changes the same tenant. */
export const UPDATE_TRIES = 5;
const PENDING_RETRY_SECONDS = 1;

export async function createTenant(
  services: Services,
  actor: Actor,
  asked: NewTenant,
): Promise<Result<Tenant, Failure>> {
  const nowMs = services.clock.nowMs();
  const tenant: Tenant = {
    id: `ten_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`,
    name: asked.name,
    document: asked.document,
    legalName: asked.legalName ?? null,
    email: asked.email ?? null,
    customerId: asked.customerId,
    plan: resolvePlan(asked.plan, nowMs),
    status: "active",
    createdAtMs: nowMs,
    version: 1,
    nextPlan: null,
    requires: asked.requires ?? [],
  };
  const audit = {
    atMs: nowMs,
    actor,
    action: "tenant.create",
    target: tenant.id,
    before: null,
    after: tenantForAudit(tenant),
  };
  const allowDuplicate = asked.allowDuplicate === true;
  if (!(await services.register.insertTenant(tenant, { audit, allowDuplicate })))
    return await documentInUse(services, tenant);
  const pending: Issue = { path: "", code: "tenant_recorded", params: { tenantId: tenant.id } };
  return await makeEffective(services, tenant.id, { pending });
}

/** Changes a tenant. A change that changes nothing is no line in the audit, but tells the ledgers again. */
export async function updateTenant(
  services: Services,
  actor: Actor,
  tenantId: string,
  change: TenantChange,
): Promise<Result<Tenant, Failure>> {
  for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
    const before = await services.register.tenant(tenantId);
    if (before === null) return fail({ code: "not_found" });
    const after = applyChange(before, change, services.clock.nowMs());
    const isChanged = JSON.stringify(tenantForAudit(after)) !== JSON.stringify(tenantForAudit(before));
    if (!isChanged) return await makeEffective(services, tenantId);
    const audit = {
      atMs: services.clock.nowMs(),
      actor,
      action: "tenant.update",
      target: tenantId,
      before: tenantForAudit(before),
      after: tenantForAudit(after),
    };
    // Two tenants may have had one document before that was asked about: they stay changeable.
    const allowDuplicate = change.allowDuplicate === true || after.document === before.document;
    if (!allowDuplicate && (await services.register.tenantOfDocument(after.document, tenantId)) !== null) {
      return await documentInUse(services, after);
    }
    const saved = await services.register.updateTenant(after, { audit, allowDuplicate });
    if (saved) return await makeEffective(services, tenantId);
  }
  return fail({ code: "conflict", issues: [{ path: "", code: "changed_by_others" }] });
}

const RECORDED: Issue = { path: "", code: "change_recorded" };

/**
 * Makes a recorded change effective, and says plainly when it is not yet. `keyId` is a key that KV has to know for that;
 * `pending` says what to do when it is not effective yet.
 */
export async function makeEffective(
  services: Services,
  tenantId: string,
  { pending = RECORDED, keyId }: { pending?: Issue; keyId?: string } = {},
): Promise<Result<Tenant, Failure>> {
  const projected = await tryToProject(services, tenantId);
  if (projected?.ok && (keyId === undefined || !projected.value.unpublished.includes(keyId))) {
    return ok(projected.value.tenant);
  }
  return fail({
    code: "change_pending",
    retryAfterSeconds: PENDING_RETRY_SECONDS,
    issues: [pending],
  });
}

/** Null when the register could not be read. */
export async function tryToProject(services: Services, tenantId: string): Promise<Result<Projection, Failure> | null> {
  try {
    return await projectTenant(services, tenantId);
  } catch (error) {
    logEvent("warn", { event: "tenant_not_projected", tenantId, error: messageOf(error) });
    return null;
  }
}

async function documentInUse(services: Services, { id, document }: Tenant): Promise<Result<never, Failure>> {
  const owner = await services.register.tenantOfDocument(document, id);
  const issue: Issue = { path: "document", code: "document_taken", params: { tenantId: owner ?? "" } };
  return fail({ code: "document_in_use", issues: [issue] });
}

function applyChange(tenant: Tenant, change: TenantChange, nowMs: number): Tenant {
  const { name, document, legalName, email, customerId, status, requires } = change;
  return {
    ...tenant,
    name: name ?? tenant.name,
    document: document ?? tenant.document,
    legalName: legalName === undefined ? tenant.legalName : legalName,
    email: email === undefined ? tenant.email : email,
    customerId: customerId ?? tenant.customerId,
    status: status ?? tenant.status,
    requires: requires ?? tenant.requires,
    ...applyPlanChange(tenant, change, nowMs),
  };
}

/** A plan that begins later waits beside the present one; a change without a date also drops what waits. */
function applyPlanChange(
  tenant: Tenant,
  { plan, planFromMs }: TenantChange,
  nowMs: number,
): Pick<Tenant, "plan" | "nextPlan"> {
  const { plan: present, nextPlan } = settledPlans(tenant, nowMs);
  if (plan === undefined) return { plan: present, nextPlan };
  const resolved = plan.name === undefined ? overridePlan(present, plan) : resolvePlan(plan, tenant.createdAtMs);
  return planFromMs === undefined
    ? { plan: resolved, nextPlan: null }
    : { plan: present, nextPlan: { plan: resolved, fromMs: planFromMs } };
}

/** A next plan whose time has come is the present one. */
export function settledPlans({ plan, nextPlan }: Tenant, nowMs: number): Pick<Tenant, "plan" | "nextPlan"> {
  return nextPlan !== null && nextPlan.fromMs <= nowMs ? { plan: nextPlan.plan, nextPlan: null } : { plan, nextPlan };
}

function tenantForAudit({
  name,
  document,
  legalName,
  email,
  customerId,
  plan,
  status,
  nextPlan,
  requires,
}: Tenant): unknown {
  const next = nextPlan === null ? null : { ...nextPlan.plan, from: isoTime(nextPlan.fromMs) };
  return { name, document, legalName, email, customerId, plan, status, nextPlan: next, requires };
}
