import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Where this user's computer keeps what commands remember, outside every checkout and download. */
export function configFolder(env: Readonly<Record<string, string | undefined>>): string {
  // Any but an absolute path, as an empty one, would put the files where a command is run, beside what is downloaded.
  const named = [env["XDG_CONFIG_HOME"], env["APPDATA"]].find((path) => path !== undefined && isAbsolute(path));
  const root = named ?? join(homedir(), ".config");
  return join(root, "claro-score-gateway");
}
