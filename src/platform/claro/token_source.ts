import type { Mode } from "../../domain/meter_event.ts";
import type { Remote } from "../remote.ts";
import type { Clock } from "../clock.ts";
import type { AccessToken, AccessTokenGrant, AccessTokenReply } from "./access_token.ts";

/** The token that this isolate used last, for each mode: while it can be used, nobody has to be asked. */
const grants = new Map<Mode, AccessTokenGrant>();

/** Claro's token as a lookup gets it: from the isolate's memory, else from the one object that keeps it. */
export class TokenSource {
  readonly #namespace: DurableObjectNamespace<AccessToken>;
  readonly #clock: Clock;

  constructor(namespace: DurableObjectNamespace<AccessToken>, clock: Clock) {
    this.#namespace = namespace;
    this.#clock = clock;
  }

  async get(mode: Mode): Promise<AccessTokenReply> {
    const grant = grants.get(mode);
    if (grant !== undefined && this.#clock.nowMs() < grant.usableUntilMs) return { kind: "granted", grant };
    return await this.#ask(mode, (object) => object.get(mode));
  }

  /** The successor of a token that Claro refused. */
  async replace(mode: Mode, failedGeneration: number): Promise<AccessTokenReply> {
    const grant = grants.get(mode);
    if (grant !== undefined && grant.generation > failedGeneration) return { kind: "granted", grant };
    return await this.#ask(mode, (object) => object.replace(mode, failedGeneration));
  }

  /** For the operator; null when the object cannot be asked. */
  async status(mode: Mode): Promise<ReturnType<AccessToken["status"]> | null> {
    try {
      const stub = this.#namespace.getByName(mode) as unknown as Remote<AccessToken, "status">;
      return await stub.status();
    } catch {
      return null;
    }
  }

  async #ask(
    mode: Mode,
    call: (object: Remote<AccessToken, "get" | "replace">) => Promise<AccessTokenReply>,
  ): Promise<AccessTokenReply> {
    try {
      const reply = await call(this.#namespace.getByName(mode));
      if (reply.kind === "granted" && reply.grant.generation >= (grants.get(mode)?.generation ?? 0)) {
        grants.set(mode, reply.grant);
      }
      return reply;
    } catch {
      return { kind: "refused", failure: { code: "claro_unreachable", retryAfterSeconds: 1 } };
    }
  }
}
