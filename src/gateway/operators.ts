import type { Failure } from "../domain/failure.ts";
import { makeOperatorToken } from "../domain/operator_token.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { ROLES, type Role } from "../domain/roles.ts";
import type { RegisteredOperator } from "../platform/operators.ts";
import type { Services } from "../platform/services.ts";
import type { Actor } from "./tenants.ts";

export type NewOperator = {
  readonly name: string;
  readonly email: string | null;
  readonly roles: readonly Role[];
  readonly expiresAtMs: number | null;
};

/** Makes an operator. The token is in this answer and nowhere else. */
export async function createOperator(
  services: Services,
  actor: Actor,
  { name, email, roles, expiresAtMs }: NewOperator,
): Promise<Result<{ readonly operator: RegisteredOperator; readonly token: string }, Failure>> {
  const token = makeOperatorToken((count) => crypto.getRandomValues(new Uint8Array(count)));
  const createdAtMs = services.clock.nowMs();
  const operator = {
    id: token.operatorId,
    name,
    email: email?.toLowerCase() ?? null,
    roles,
    createdAtMs,
    expiresAtMs,
    revokedAtMs: null,
    lastUsedAtMs: null,
  };
  const after = { name, email: operator.email, roles, expiresAtMs };
  const audit = { atMs: createdAtMs, actor, action: "operator.create", target: operator.id, before: null, after };
  const isMade = await services.operators.insert(operator, token.text, audit);
  return isMade
    ? ok({ operator, token: token.text })
    : fail({ code: "conflict", issues: [{ path: "email", code: "email_in_use" }] });
}

/** From its return on, the operator's token and e-mail open nothing. Revoking again changes nothing. */
export async function revokeOperator(
  services: Services,
  actor: Actor,
  id: string,
): Promise<Result<RegisteredOperator, Failure>> {
  const atMs = services.clock.nowMs();
  const audit = { atMs, actor, action: "operator.revoke", target: id, before: null, after: { revoked: true } };
  const operator = await services.operators.revoke(id, audit);
  return operator === null ? fail({ code: "not_found" }) : ok(operator);
}

/**
 * From its return on the operator may do what the new roles say, in open sessions too. The same roles change nothing, but what
 * KV still has of the roles before, since a call that ended too early.
 */
export async function setRoles(
  services: Services,
  actor: Actor,
  { id, roles }: { id: string; roles: readonly Role[] },
): Promise<Result<RegisteredOperator, Failure>> {
  const nowMs = services.clock.nowMs();
  const operator = await services.operators.findById(id, nowMs);
  if (operator === null) return fail({ code: "not_found" });
  const sorted = ROLES.filter((role) => roles.includes(role));
  if (operator.roles.length === sorted.length && sorted.every((role) => operator.roles.includes(role))) {
    await services.operators.copy(id);
    return ok(operator);
  }
  const audit = {
    atMs: nowMs,
    actor,
    action: "operator.change",
    target: id,
    before: { roles: operator.roles },
    after: { roles: sorted },
  };
  const isSet = await services.operators.setRoles(operator, sorted, audit);
  return isSet
    ? ok({ ...operator, roles: sorted })
    : fail({ code: "conflict", issues: [{ path: "roles", code: "last_admin" }] });
}
