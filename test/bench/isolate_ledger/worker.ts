import type { AdmitCall, AdmitReply, SettleCall, SettleReply } from "../../../src/domain/ledger/commands.ts";
import gateway from "../../../src/main.ts";
import type { LookupCall, LookupReply } from "../../../src/platform/ledger/messages.ts";

/**
 * The gateway as it is deployed, but for what its ledgers do for lookups: an isolate answers itself what the ledger answered
 * to the first. What is between the two is what ledgers cost. Only the benchmark builds this entry.
 */
export * from "../../../src/main.ts";

type Ledger = {
  admit(call: AdmitCall): Promise<AdmitReply>;
  settle(call: SettleCall): Promise<SettleReply>;
};

type Admitted = Extract<AdmitReply, { kind: "admitted" }>;

/** A ledger that says yes to everything. */
class IsolateLedger {
  readonly #ledger: () => Ledger;
  #admitted: Admitted | null = null;
  #settled: SettleReply | null = null;

  constructor(ledger: () => Ledger) {
    this.#ledger = ledger;
  }

  async admit(call: AdmitCall): Promise<AdmitReply> {
    if (this.#admitted === null) {
      const reply = await this.#ledger().admit(call);
      if (reply.kind === "admitted") this.#admitted = reply;
      return reply;
    }
    const { policy, policyVersion } = this.#admitted;
    return {
      ...this.#admitted,
      admittedAtMs: call.callerNowMs ?? Date.now(),
      earlyCalls: call.earlyCallsAsked ?? 0,
      policy: call.policyVersion === policyVersion ? null : policy,
    };
  }

  async settle(call: SettleCall): Promise<SettleReply> {
    this.#settled ??= await this.#ledger().settle(call);
    return this.#settled;
  }

  async lookupCalls(calls: readonly LookupCall[]): Promise<PromiseSettledResult<LookupReply>[]> {
    return await Promise.allSettled(
      calls.map((each): Promise<LookupReply> =>
        each.kind === "admit" ? this.admit(each.call) : this.settle(each.call),
      ),
    );
  }
}

const ledgers = new Map<string, IsolateLedger>();
const envs = new WeakMap<Env, Env>();

export default {
  fetch(request, env, context) {
    const known = envs.get(env) ?? { ...env, TENANT_LEDGER: answeredHere(env.TENANT_LEDGER) };
    envs.set(env, known);
    return gateway.fetch(request, known, context);
  },
} satisfies ExportedHandler<Env>;

function answeredHere(namespace: Env["TENANT_LEDGER"]): Env["TENANT_LEDGER"] {
  const getByName = (name: string) => {
    const here = ledgers.get(name) ?? new IsolateLedger(() => namespace.getByName(name));
    ledgers.set(name, here);
    return new Proxy(here, {
      get: (_, method) =>
        method in here
          ? (...call: unknown[]) => (here as unknown as Methods)[method]?.(...call)
          : (...call: unknown[]) => (namespace.getByName(name) as unknown as Methods)[method]?.(...call),
    });
  };
  return { getByName } as unknown as Env["TENANT_LEDGER"];
}

type Methods = Record<string | symbol, ((...call: unknown[]) => unknown) | undefined>;
