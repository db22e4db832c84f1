import { CtlError } from "../ctl_error.ts";
import type { EnvironmentFile } from "./environment.ts";
import { checkLookup, makeCheckKey, waitForVersion, type DeployedGateway } from "./gateway_check.ts";
import type { Options } from "./options.ts";
import { say } from "./terminal.ts";

/** Asks a deployed gateway how it is and, with the admin token at hand, for a score of the sandbox. */
export async function checkGateway(
  gateway: DeployedGateway,
  {
    versionId,
    adminToken,
    file,
    options,
    canReturn,
  }: {
    versionId: string;
    adminToken: string | null;
    file: EnvironmentFile;
    options: Options;
    /** Whether --rollback would take the version before. */
    canReturn: boolean;
  },
): Promise<void> {
  const { checkWaitSeconds: waitSeconds } = options;
  try {
    await waitForVersion(gateway, versionId, waitSeconds);
    say(`${gateway.url}/healthz answers, by version ${versionId}.`);
    if (adminToken === null) {
      say("No lookup was tried: CLARO_GATEWAY_ADMIN_TOKEN is not set.");
      return;
    }
    const checkKey = await makeCheckKey(gateway, { adminToken, file, seconds: waitSeconds, waitSeconds });
    await checkLookup(gateway, checkKey.key, waitSeconds);
    await checkKey.revoke();
    say("A sandbox lookup gave a score.");
  } catch (error) {
    if (!(error instanceof CtlError)) throw error;
    throw new CtlError(
      error.exitCode,
      `The version is out, but the check failed: ${error.message}
Look at the Worker's log, ${canReturn ? "deploy a repair, or return to the version before with --rollback" : "and deploy a repair"}.`,
    );
  }
}
