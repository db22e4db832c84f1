import { BoundedMap } from "../../domain/bounded_map.ts";
import type { Mode } from "../../domain/meter_event.ts";
import type { Clock } from "../clock.ts";
import { logEvent, messageOf } from "../log.ts";
import type { Remote } from "../remote.ts";
import type { AccessToken, AccessTokenGrant, AccessTokenReply } from "./access_token.ts";

/** A tenant whose 401 a fresh token did not cure is refused for itself: for this long its 401s renew no token. */
const NOT_CURED_MS = 30_000;
/** An older token may have been revoked since: its 401 says nothing of the tenant. */
const FRESH_MS = 10_000;
const MOST_NOT_CURED = 1000;

type TokenObject = Remote<AccessToken, "get" | "replace" | "status">;

/** Claro's token as a lookup gets it: from the isolate's memory, else from the one object that keeps it. */
export class TokenSource {
  readonly #namespace: DurableObjectNamespace<AccessToken>;
  readonly #clock: Clock;
  /** The token that this isolate used last: while it can be used, nobody has to be asked. */
  readonly #grants = new Map<Mode, AccessTokenGrant>();
  /** Until when, by tenant. */
  readonly #notCuredUntilMs = new BoundedMap<string, number>(MOST_NOT_CURED);

  constructor(namespace: DurableObjectNamespace<AccessToken>, clock: Clock) {
    this.#namespace = namespace;
    this.#clock = clock;
  }

  async get(mode: Mode): Promise<AccessTokenReply> {
    const grant = this.#grants.get(mode);
    if (grant !== undefined && this.#clock.nowMs() < grant.usableUntilMs) return { kind: "granted", grant };
    return await this.#ask(mode, (object) => object.get(mode));
  }

  /** The successor of a token that Claro answered with 401. That one stays in use for others until there is one. */
  async replace(mode: Mode, tenantId: string, refused: AccessTokenGrant): Promise<AccessTokenReply> {
    const grant = this.#grants.get(mode);
    if (grant !== undefined && grant.generation > refused.generation) return { kind: "granted", grant };
    const waitMs = (this.#notCuredUntilMs.get(tenantId) ?? 0) - Date.now();
    if (waitMs > 0 && waitMs <= NOT_CURED_MS) {
      const failure = { code: "claro_unauthorized" } as const;
      return { kind: "refused", failure, upstreamStatus: 401, cause: "status" };
    }
    const reply = await this.#ask(mode, (object) => object.replace(mode, refused.generation));
    // An object that was lost begins to count anew: its token is the newer one, whatever its number.
    if (reply.kind === "granted" && this.#grants.get(mode) === refused) this.#grants.set(mode, reply.grant);
    return reply;
  }

  /** Claro answered 401 to the tenant with a successor too. */
  noteNotCured(tenantId: string, { obtainedAtMs }: AccessTokenGrant): void {
    if (this.#clock.nowMs() - obtainedAtMs >= FRESH_MS) return;
    this.#notCuredUntilMs.set(tenantId, Date.now() + NOT_CURED_MS);
  }

  /** For the operator; null when the object cannot be asked. */
  async status(mode: Mode): Promise<ReturnType<AccessToken["status"]> | null> {
    try {
      return await this.#object(mode).status();
    } catch {
      return null;
    }
  }

  async #ask(mode: Mode, call: (object: TokenObject) => Promise<AccessTokenReply>): Promise<AccessTokenReply> {
    try {
      const reply = await call(this.#object(mode));
      if (reply.kind === "granted" && reply.grant.generation >= (this.#grants.get(mode)?.generation ?? 0)) {
        this.#grants.set(mode, reply.grant);
      }
      return reply;
    } catch (error) {
      // The platform's failure or ours, not Claro's.
      logEvent("error", { event: "access_token_unavailable", error: messageOf(error) });
      return { kind: "refused", failure: { code: "internal" }, upstreamStatus: null, cause: "token_unavailable" };
    }
  }

  #object(mode: Mode): TokenObject {
    return this.#namespace.getByName(mode);
  }
}
