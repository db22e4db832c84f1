import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CtlError, EXIT } from "../ctl_error.ts";
import { describeRelease, type Release } from "./release.ts";
import { PASSED_FILE, runWrangler } from "./run_wrangler.ts";
import { openSecretsFile, type Secrets } from "./secrets.ts";
import type { WorkFolder } from "./wrangler_config.ts";

/**
 * How a version goes out: `later` gets no call yet, `now` gets all of them. Objects that are at work go on with the code of
 * before for up to five minutes then; with `everywhere_now` they begin anew at once.
 */
export type WayOut = "later" | "now" | "everywhere_now";

const COMMANDS: Readonly<Record<WayOut, readonly string[]>> = {
  later: ["versions", "upload"],
  now: ["deploy"],
  everywhere_now: ["deploy", "--durable-objects-code-update-mode", "immediate"],
};

/** Uploads a version. Returns its id. */
export async function uploadVersion(
  folder: WorkFolder,
  { release, secrets, wayOut }: { release: Release; secrets: Secrets; wayOut: WayOut },
): Promise<string> {
  const outputPath = join(folder.dir, "wrangler-output.ndjson");
  const isSecretive = Object.keys(secrets).length > 0;
  const file = isSecretive ? openSecretsFile(secrets) : null;
  try {
    const { code, output } = await runWrangler(
      [
        ...COMMANDS[wayOut],
        "-c",
        folder.configPath,
        "--tag",
        `${release.commit}-ledger${release.ledgerSchema}`,
        "--message",
        describeRelease(release),
        ...(file === null ? [] : ["--secrets-file", PASSED_FILE]),
      ],
      {
        environment: { WRANGLER_OUTPUT_FILE_PATH: outputPath },
        ...(file === null ? {} : { passedFile: file.descriptor }),
      },
    );
    if (code !== 0) throw new CtlError(EXIT.refused, `The upload failed:\n${output}`);
    return versionIdOf(readFileSync(outputPath, "utf8"));
  } finally {
    file?.close();
  }
}

/** Brings an environment's crons, addresses and log settings up to date: they belong to no version. */
export async function applyTriggers(folder: WorkFolder, { worker, versionId }: { worker: string; versionId: string }) {
  for (const args of [
    ["versions", "deploy", `${versionId}@100`, "--yes", "--name", worker],
    ["triggers", "deploy", "--name", worker],
  ]) {
    const { code, output } = await runWrangler([...args, "-c", folder.configPath]);
    if (code !== 0) throw new CtlError(EXIT.refused, `wrangler ${args.join(" ")} failed:\n${output}`);
  }
}

/** Builds what would be uploaded into a folder, and reaches nobody. */
export async function buildOnly(folder: WorkFolder, outDir: string): Promise<void> {
  const args = ["deploy", "--dry-run", "--outdir", outDir, "-c", folder.configPath];
  const { code, output } = await runWrangler(args);
  if (code !== 0) throw new CtlError(EXIT.refused, `The Worker could not be built:\n${output}`);
}

/** wrangler writes a line of JSON for what it has done. */
function versionIdOf(output: string): string {
  const lines = output.split("\n").filter((line) => line !== "");
  const ids = lines.map((line) => (JSON.parse(line) as { version_id?: string | null }).version_id);
  const id = ids.findLast((candidate) => typeof candidate === "string");
  if (id === undefined || id === null)
    throw new CtlError(EXIT.refused, "wrangler does not say which version it has made.");
  return id;
}
