import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { configFolder } from "../config_folder.ts";
import { usageError } from "../ctl_error.ts";

type Tokens = Readonly<Record<string, string>>;

/** Where `ctl login` keeps tokens: for its owner's eyes only. */
export function tokensFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(configFolder(env), "tokens.json");
}

/** The token that was kept for a gateway, by its URL. */
export function keptToken(url: string, file = tokensFile()): string | undefined {
  return readTokens(file)[url];
}

/** Keeps a token, or forgets it (null), whole or not at all. */
export function keepToken(url: string, token: string | null, file = tokensFile()): void {
  const { [url]: _before, ...others } = readTokens(file);
  const tokens = token === null ? others : { ...others, [url]: token };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const written = `${file}.${process.pid}`;
  try {
    writeFileSync(written, `${JSON.stringify(tokens, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(written, 0o600);
    renameSync(written, file);
  } finally {
    rmSync(written, { force: true });
  }
}

function readTokens(file: string): Tokens {
  if (!existsSync(file)) return {};
  // Windows has no such modes.
  if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) {
    throw usageError(`${file} can be read by others: chmod 600 ${file}`);
  }
  try {
    const tokens: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof tokens === "object" && tokens !== null && !Array.isArray(tokens)) return tokens as Tokens;
  } catch {
    // Said below.
  }
  throw usageError(`${file} is damaged: remove it and log in again`);
}
