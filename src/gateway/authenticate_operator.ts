import type { Failure } from "../domain/failure.ts";
import { looksLikeOperatorToken, parseOperatorToken } from "../domain/operator_token.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Role } from "../domain/roles.ts";
import { isOneOf } from "../platform/keyed_hash.ts";
import { logEvent, messageOf } from "../platform/log.ts";
import type { RegisteredOperator } from "../platform/operators.ts";
import type { Services } from "../platform/services.ts";
import { SHIELD_SECONDS } from "../platform/shield.ts";
import { SERVICE } from "../platform/access_identity.ts";
import type { Actor } from "./tenants.ts";

/** Who an operator is, for the audit, and what they may do: nothing, for a person whom nobody made an operator. */
export type Operator = { readonly actor: Actor; readonly roles: readonly Role[] };

/** What an operator's call brings along. */
export type OperatorCredential = {
  readonly assertion: string | undefined;
  readonly token: string | undefined;
  /** The caller's address as the platform vouches for it. */
  readonly ip: string | null;
  /** Lets work go on after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
};

/** What a wrong credential waits for its answer, however many came before it. The right one never waits. */
export const WRONG_CREDENTIAL_MS = 500;
const RETRY_SECONDS = 5;
export const BREAK_GLASS: FoundOperator = { actor: "admin-token", roles: ["admin"], id: null, name: "admin-token" };

/**
 * Who an operator is: by what Cloudflare Access vouches for, by a token of their own, or by the break-glass token. Behind
 * Access a token comes with an assertion: the person is named then, and may what either of them may; where Access vouches
 * for a machine only, the token's operator is named. Who has nothing waits,
 * and after too many tries from one address is turned away, which takes as long.
 */
export async function authenticateOperator(
  services: Services,
  credential: OperatorCredential,
): Promise<Result<Operator, Failure>> {
  const { assertion, token, waitUntil } = credential;
  const person = assertion === undefined ? null : await services.access.verify(assertion);
  const byToken = token === undefined ? null : await findByToken(services, token);
  const byAccess = person?.ok === true ? await findByAccess(services, person.value) : null;
  const operator = isMachine(byAccess) && byToken !== null && byToken.id !== null ? byToken : (byAccess ?? byToken);
  if (operator === null) return fail(await refuse(services, credential, person?.ok === false ? person.failure : null));
  const uses = [byAccess, byToken]
    .filter((used) => used !== null)
    .map((used) => noteUse(services, used, operator.actor));
  if (uses.length > 0) waitUntil(Promise.all(uses));
  return ok({ actor: operator.actor, roles: [...new Set([...(byAccess?.roles ?? []), ...(byToken?.roles ?? [])])] });
}

/** A service token that nobody made an operator says which machine calls, and not who sits at it. */
function isMachine(byAccess: FoundOperator | null): boolean {
  return byAccess?.id === null && byAccess.actor.startsWith(SERVICE);
}

export type FoundOperator = Operator & {
  readonly id: string | null;
  /** What people call them; who has no name is called as the audit does. */
  readonly name: string;
};

async function findByToken(services: Services, token: string): Promise<FoundOperator | null> {
  if (!looksLikeOperatorToken(token)) {
    return (await isOneOf(services.settings.adminTokens, token)) ? BREAK_GLASS : null;
  }
  const parsed = parseOperatorToken(token);
  const operator = parsed.ok ? await services.operators.findByToken(token, services.clock.nowMs()) : null;
  return operator === null ? null : toFound(operator);
}

/** Until an admin with an e-mail was made, everyone whom Access lets through is an admin. */
export async function findByAccess(services: Services, name: string): Promise<FoundOperator> {
  const { operator, isManaged } = await services.operators.findByEmail(name, services.clock.nowMs());
  if (operator !== null) return toFound(operator);
  return { actor: name, roles: isManaged ? [] : ["admin"], id: null, name };
}

export function toFound({ id, name, email, roles }: RegisteredOperator): FoundOperator {
  return { actor: email ?? id, roles, id, name };
}

/** Notes that an operator came in, which keeps nobody out. */
export async function noteUse(services: Services, { id, actor }: FoundOperator, by: Actor): Promise<void> {
  const nowMs = services.clock.nowMs();
  try {
    if (id !== null) await services.operators.noteUse(id, nowMs);
    else if (actor === BREAK_GLASS.actor) await services.operators.noteBreakGlass(by, nowMs);
  } catch (error) {
    // Nobody is kept out because D1 is down.
    logEvent("warn", { event: "operator_use_not_noted", error: messageOf(error) });
  }
}

async function refuse(
  services: Services,
  { ip }: OperatorCredential,
  access: "wrong" | "unavailable" | null,
): Promise<Failure> {
  const [isFlood] = await Promise.all([services.shield.isFlood("operator", ip), scheduler.wait(WRONG_CREDENTIAL_MS)]);
  if (isFlood) return { code: "rate_limited", retryAfterSeconds: SHIELD_SECONDS };
  if (access === "unavailable") return { code: "access_unavailable", retryAfterSeconds: RETRY_SECONDS };
  return { code: "invalid_admin_credentials" };
}
