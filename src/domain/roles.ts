import type { Failure } from "./failure.ts";

/**
 * What operators may do. Each role may read what `read` may, which is all but subjects and operators.
 *
 * | role      | may besides                                                     |
 * |-----------|-----------------------------------------------------------------|
 * | `read`    |                                                                 |
 * | `operate` | tenants, keys, plans, policy, portal links, rebuilds            |
 * | `finance` | close months, adjust, reconcile, Claro's prices                 |
 * | `privacy` | what is held on a person, and its restriction                   |
 * | `admin`   | all, and operators                                              |
 */
export const ROLES = ["read", "operate", "finance", "privacy", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Whether somebody with these roles may do what asks for `role`. */
export function mayAct(roles: readonly Role[], role: Role): boolean {
  if (roles.includes("admin") || roles.includes(role)) return true;
  return role === "read" && roles.length > 0;
}

/** The refusal of somebody who lacks a role. */
export function roleRequired(role: Role): Failure {
  return { code: "role_required", issues: [{ path: "", code: "role_required", params: { role } }] };
}
