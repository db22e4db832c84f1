import type { Scope } from "../domain/api_key.ts";
import type { TenantStatus } from "../domain/authorization.ts";
import type { KeyLimits, NextPlan } from "../domain/ledger/terms.ts";
import type { LookupDefaults, RequirableField } from "../domain/lookup_grounds.ts";
import type { Mode } from "../domain/meter_event.ts";
import type { Plan } from "../domain/plan.ts";

/** What the register's rows hold, as values. */

export type Row = Record<string, unknown>;

/** A paying partner, as the register has it. */
export type Tenant = {
  readonly id: string;
  readonly name: string;
  /** CNPJ, `[A-Z0-9]{12}[0-9]{2}`. */
  readonly document: string;
  /** Razão social; null where the name says it all. */
  readonly legalName: string | null;
  readonly email: string | null;
  /** The `X-CustomerID` that Claro is sent. */
  readonly customerId: string;
  readonly plan: Plan;
  readonly status: TenantStatus;
  readonly createdAtMs: number;
  readonly version: number;
  /** The plan that takes the present one's place at an instant. */
  readonly nextPlan: NextPlan | null;
  /** Fields that a lookup must have. */
  readonly requires: readonly RequirableField[];
};

/** A key as the register has it: everything but the secret, of which only a hash is kept. */
export type RegisteredKey = {
  readonly id: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly label: string | null;
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  readonly allowedIps: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** How long it was made to live, which its successor does too; null for ever. */
  readonly lifetimeMs: number | null;
  readonly replaces: string | null;
  readonly inDirectory: boolean;
  readonly limits: KeyLimits | null;
  readonly defaults: LookupDefaults | null;
};

/** Persons whose lookups are refused, by keyed hashes in ascending order; `until` has those that it ends for by itself. */
export type RestrictedSubjects = {
  readonly subjects: readonly string[];
  readonly until: Readonly<Record<string, number>>;
};

/** A row of `tenants`. */
export function toTenant(row: Row): Tenant {
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    document: row["document"] as string,
    legalName: row["legal_name"] as string | null,
    email: row["email"] as string | null,
    customerId: row["customer_id"] as string,
    plan: JSON.parse(row["plan"] as string) as Plan,
    status: row["status"] as TenantStatus,
    createdAtMs: row["created_at"] as number,
    version: row["version"] as number,
    nextPlan:
      row["next_plan"] === null
        ? null
        : { plan: JSON.parse(row["next_plan"] as string) as Plan, fromMs: row["next_plan_from"] as number },
    requires: JSON.parse(row["requires"] as string) as RequirableField[],
  };
}

/** A row of `api_keys`. */
export function toKey(row: Row): RegisteredKey {
  return {
    id: row["id"] as string,
    tenantId: row["tenant_id"] as string,
    mode: row["mode"] as Mode,
    label: row["label"] as string | null,
    secretHash: row["secret_hash"] as string,
    scopes: JSON.parse(row["scopes"] as string) as Scope[],
    allowedIps: JSON.parse(row["allowed_ips"] as string) as string[],
    createdAtMs: row["created_at"] as number,
    expiresAtMs: row["expires_at"] as number | null,
    revokedAtMs: row["revoked_at"] as number | null,
    lifetimeMs: row["lifetime_ms"] as number | null,
    replaces: row["replaces"] as string | null,
    inDirectory: row["in_directory"] === 1,
    limits: fromJson(row["limits"]) as KeyLimits | null,
    defaults: fromJson(row["defaults"]) as LookupDefaults | null,
  };
}

/** Subjects of restrictions in force, in their order, and when each ends. */
export function toRestricted(rows: readonly Row[]): RestrictedSubjects {
  const subjects = rows.map((row) => row["subject"] as string);
  const ends = rows.flatMap((row) => (row["until_at"] === null ? [] : [[row["subject"], row["until_at"]]]));
  return { subjects, until: Object.fromEntries(ends) as Record<string, number> };
}

function fromJson(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : null;
}
