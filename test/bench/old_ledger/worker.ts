import { TenantLedger as DeployedLedger } from "../../../src/main.ts";

/**
 * The gateway as it is deployed, with ledgers that know of no call batches: a Worker is replaced within seconds, a busy object goes
 * on with the code of before for minutes.
 */
export * from "../../../src/main.ts";
export { default } from "../../../src/main.ts";

class OldLedger extends DeployedLedger {
  override lookupCalls(): Promise<never> {
    return Promise.reject(new TypeError('The RPC receiver does not implement the method "lookupCalls".'));
  }
}

export { OldLedger as TenantLedger };
