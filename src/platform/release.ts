import * as z from "zod";
import { LEDGER_SCHEMA_VERSION } from "../domain/ledger/schema_version.ts";

/** Which gateway this is: `npm run deploy` gives every version its `RELEASE`. */
export type Release = {
  readonly version: string;
  readonly commit: string;
  readonly environment: string;
  readonly ledgerSchema: number;
  /** Cloudflare's id of the version, and when it was uploaded; null on one's own machine. */
  readonly versionId: string | null;
  readonly deployedAt: string | null;
};

const bindings = z.object({
  RELEASE: z.object({ version: z.string(), commit: z.string(), environment: z.string() }),
  VERSION: z.object({ id: z.string(), timestamp: z.iso.datetime() }).nullable().catch(null),
});

const UNKNOWN = { version: "unknown", commit: "unknown", environment: "unknown" };
const LOCAL_ENVIRONMENT = "local";

export function readRelease(env: object): Release {
  const read = bindings.safeParse(env);
  const { version, commit, environment } = read.success ? read.data.RELEASE : UNKNOWN;
  // The local runtime makes up a version of its own.
  const deployed = read.success && environment !== LOCAL_ENVIRONMENT ? read.data.VERSION : null;
  return {
    version,
    commit,
    environment,
    ledgerSchema: LEDGER_SCHEMA_VERSION,
    versionId: deployed?.id ?? null,
    deployedAt: deployed?.timestamp ?? null,
  };
}
