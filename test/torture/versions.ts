import { execFileSync } from "node:child_process";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";
import { PROJECT_ROOT } from "../../src/ctl/local/wrangler.ts";

/** How far back the version before lies when none is named: further than most deployments are apart. */
const COMMITS_BACK = 20;
const SCHEMA_FILE = "src/domain/ledger/schema_version.ts";

/** A version that an upgrade comes from. */
export type VersionBefore = {
  readonly commit: string;
  readonly title: string;
  /** Whether it has the ledger's schema of this checkout; else a deployment goes out at once, and there is no return. */
  readonly hasSameSchema: boolean;
};

/** The commit that `ref` names, or the furthest of the last ones. */
export function versionBefore(ref: string | null): VersionBefore {
  const commit = ref === null ? furthestCommit() : git("rev-parse", "--verify", `${ref}^{commit}`);
  const schema = schemaAt(commit);
  if (schema > LEDGER_SCHEMA_VERSION) throw new Error(`${commit} has a later schema of the ledger than this checkout`);
  return { commit, title: git("log", "-1", "--format=%h %s", commit), hasSameSchema: schema === LEDGER_SCHEMA_VERSION };
}

/** Whether there is a version before this one: an archive of the sources has none. */
export function hasVersionBefore(): boolean {
  try {
    return furthestCommit() !== git("rev-parse", "HEAD");
  } catch {
    return false;
  }
}

function furthestCommit(): string {
  const commits = git("log", "--first-parent", "--format=%H", `--max-count=${COMMITS_BACK + 1}`).split("\n");
  return commits.at(-1) ?? "HEAD";
}

function schemaAt(commit: string): number {
  try {
    return Number(/LEDGER_SCHEMA_VERSION = (\d+)/.exec(git("show", `${commit}:${SCHEMA_FILE}`))?.[1] ?? Number.NaN);
  } catch {
    // From before schemas had versions.
    return 1;
  }
}

function git(...args: string[]): string {
  return execFileSync("git", args, {
    cwd: PROJECT_ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}
