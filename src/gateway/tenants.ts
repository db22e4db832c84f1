import type { TenantStatus } from "../domain/authorization.ts";
import type { Failure } from "../domain/failure.ts";
import { overridePlan, resolvePlan, type PlanTerms } from "../domain/plan.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Tenant } from "../platform/register.ts";
import type { Services } from "../platform/services.ts";
import { projectTenant } from "./project_tenant.ts";

/** Who makes a change, for the audit. */
export type Actor = string;

export type NewTenant = {
  readonly name: string;
  readonly document: string;
  readonly customerId: string;
  readonly plan: PlanTerms;
};

/** Only what is to change. A plan without a name changes terms of the plan that the tenant has. */
export type TenantChange = {
  readonly name?: string | undefined;
  readonly customerId?: string | undefined;
  readonly status?: TenantStatus | undefined;
  readonly plan?: PlanTerms | (Omit<PlanTerms, "name"> & { readonly name?: undefined }) | undefined;
};

/** How often a change is tried again when somebody else changes the same tenant. */
const UPDATE_TRIES = 5;

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
    customerId: asked.customerId,
    plan: resolvePlan(asked.plan, nowMs),
    status: "active",
    createdAtMs: nowMs,
    version: 1,
  };
  const audit = {
    atMs: nowMs,
    actor,
    action: "tenant.create",
    target: tenant.id,
    before: null,
    after: audited(tenant),
  };
  await services.register.insertTenant(tenant, audit);
  return await effective(services, tenant.id);
}

export async function updateTenant(
  services: Services,
  actor: Actor,
  tenantId: string,
  change: TenantChange,
): Promise<Result<Tenant, Failure>> {
  for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
    const before = await services.register.tenant(tenantId);
    if (before === null) return fail({ code: "not_found" });
    const after = changed(before, change);
    const saved = await services.register.updateTenant(after, {
      atMs: services.clock.nowMs(),
      actor,
      action: "tenant.update",
      target: tenantId,
      before: audited(before),
      after: audited(after),
    });
    if (saved) return await effective(services, tenantId);
  }
  return fail({ code: "conflict", issues: [{ path: "", message: "the tenant is being changed by others" }] });
}

/** Projects a change and says plainly when it is recorded but not effective yet. */
export async function effective(services: Services, tenantId: string): Promise<Result<Tenant, Failure>> {
  const projected = await projectTenant(services, tenantId);
  if (projected.ok) return ok(projected.value);
  const message =
    "recorded in the register, not yet effective for lookups; it is applied within minutes, or by a repeat";
  return fail({ ...projected.failure, issues: [{ path: "", message }] });
}

function changed(tenant: Tenant, { name, customerId, status, plan }: TenantChange): Tenant {
  return {
    ...tenant,
    name: name ?? tenant.name,
    customerId: customerId ?? tenant.customerId,
    status: status ?? tenant.status,
    plan:
      plan === undefined
        ? tenant.plan
        : plan.name === undefined
          ? overridePlan(tenant.plan, plan)
          : resolvePlan(plan, tenant.createdAtMs),
  };
}

function audited({ name, document, customerId, plan, status }: Tenant): unknown {
  return { name, document, customerId, plan, status };
}
