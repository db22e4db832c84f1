import { homedir } from "node:os";
import { join } from "node:path";

/** Where this user's computer keeps what commands remember, outside every checkout and download. */
export function configFolder(env: Readonly<Record<string, string | undefined>>): string {
  // A variable that is set to nothing is unset: by it the files would lie wherever a command is run.
  const root = env["XDG_CONFIG_HOME"] || env["APPDATA"] || join(homedir(), ".config");
  return join(root, "claro-score-gateway");
}
