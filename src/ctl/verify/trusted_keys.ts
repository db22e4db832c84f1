import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXPORT_KEYS_PATH } from "../../domain/statement.ts";
import type { TrustedKey } from "../../domain/statement_audit.ts";
import { configFolder } from "../config_folder.ts";

/** The keys are not to be trusted, or there are none to trust. Its message says what to do. */
export class UntrustedKeysError extends Error {}

type Pins = Record<string, { readonly pinnedAt: string; readonly keys: readonly TrustedKey[] }>;

/** Where this user's computer keeps the keys that it has seen first, outside every download. */
function pinFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(configFolder(env), "trusted-keys.json");
}

/** The keys of a file that the user has named. */
export async function readKeysFile(path: string): Promise<TrustedKey[]> {
  try {
    return parseKeys(await readFile(path, "utf8"));
  } catch {
    throw new UntrustedKeysError(`${path} holds no keys`);
  }
}

/** The keys that were pinned for a gateway, or for the only one there is. */
export async function pinnedKeys(gatewayUrl: string | null, file: string = pinFile()): Promise<TrustedKey[]> {
  const pins = await readPins(file);
  if (gatewayUrl !== null) {
    const pin = pins[gatewayUrl];
    if (pin === undefined) throw new UntrustedKeysError(`No keys of ${gatewayUrl} are pinned in ${file}.`);
    return [...pin.keys];
  }
  const keys = Object.values(pins).flatMap((pin) => pin.keys);
  if (keys.length === 0) {
    throw new UntrustedKeysError(
      "No keys are trusted here yet: keys that travel with the files prove nothing.\n" +
        "Name a file of keys that you trust with --keys, or the gateway to pin them from with --gateway https://….",
    );
  }
  const doubtful = keys.find(({ kid, x }) => keys.some((other) => other.kid === kid && other.x !== x));
  if (doubtful === undefined) return keys;
  throw new UntrustedKeysError(`${doubtful.kid} is another key at each of several gateways: name one with --gateway.`);
}

/**
 * Takes a gateway's keys as it lists them now: at first use they are pinned, later they must be the same. A key that has
 * changed, is gone, or counts for more than before is refused; a new one has to be accepted. What takes trust away (its
 * end, its disowning) is taken over.
 */
async function pinKeys(
  gatewayUrl: string,
  listed: readonly TrustedKey[],
  { file = pinFile(), acceptNew = false, say = () => {} }: PinOptions = {},
): Promise<TrustedKey[]> {
  const pins = await readPins(file);
  const pinned = pins[gatewayUrl]?.keys;
  if (pinned === undefined) {
    for (const key of listed) say(`Trusted from now on, of ${gatewayUrl}: ${fingerprintOf(key)}`);
  } else {
    const wrong = pinned.flatMap(
      (key) =>
        changeOf(
          key,
          listed.find(({ kid }) => kid === key.kid),
        ) ?? [],
    );
    if (wrong.length > 0)
      throw new UntrustedKeysError([`THE KEYS OF ${gatewayUrl} HAVE CHANGED:`, ...wrong, HELP(file)].join("\n"));
    const fresh = listed.filter(({ kid }) => !pinned.some((key) => key.kid === kid));
    if (fresh.length > 0 && !acceptNew) {
      const names = fresh.map((key) => `  ${fingerprintOf(key)}`);
      const how = "Ask the operator whether it is theirs, then repeat with --trust-new-keys.";
      throw new UntrustedKeysError([`${gatewayUrl} has a new key:`, ...names, how].join("\n"));
    }
    for (const key of fresh) say(`Trusted from now on, of ${gatewayUrl}: ${fingerprintOf(key)}`);
    for (const { kid, revokedAt } of listed) {
      if (typeof revokedAt === "string") say(`${kid} was disowned at ${revokedAt}`);
    }
  }
  const pinnedAt = pins[gatewayUrl]?.pinnedAt ?? new Date().toISOString();
  await writePins(file, { ...pins, [gatewayUrl]: { pinnedAt, keys: listed } });
  return [...listed];
}

export type PinOptions = {
  readonly file?: string;
  readonly acceptNew?: boolean;
  readonly say?: (text: string) => void;
};

/** Fetches the keys that a gateway lists, and pins them. */
export async function pinKeysOf(gatewayUrl: string, options: PinOptions = {}): Promise<TrustedKey[]> {
  const response = await fetch(`${gatewayUrl}${EXPORT_KEYS_PATH}`, { redirect: "error" });
  if (!response.ok) throw new UntrustedKeysError(`${gatewayUrl}${EXPORT_KEYS_PATH} answered ${response.status}`);
  return await pinKeys(gatewayUrl, parseKeys(await response.text()), options);
}

const HELP = (file: string) =>
  `Nothing was trusted, downloaded or verified. Either the gateway is not the one that it was, or somebody stands between.
If its operator confirms the change, take the gateway's keys out of ${file}.`;

/** What of a pinned key is not as it was, in words; null where nothing counts for more than before. */
function changeOf(pinned: TrustedKey, listed: TrustedKey | undefined): string | null {
  if (listed === undefined) return `  ${pinned.kid} is gone`;
  if (listed.x !== pinned.x)
    return `  ${pinned.kid} is another key: ${fingerprintOf(pinned)} became ${fingerprintOf(listed)}`;
  if (typeof pinned.revokedAt === "string" && typeof listed.revokedAt !== "string")
    return `  ${pinned.kid} is no longer disowned`;
  const isLonger =
    typeof pinned.validUntil === "string" &&
    (typeof listed.validUntil !== "string" || Date.parse(listed.validUntil) > Date.parse(pinned.validUntil));
  return isLonger ? `  ${pinned.kid} is valid for longer than it was` : null;
}

/** A key as people compare it. */
function fingerprintOf({ kid, x }: TrustedKey): string {
  return `${kid} SHA256:${createHash("sha256").update(Buffer.from(x, "base64url")).digest("base64url")}`;
}

function parseKeys(text: string): TrustedKey[] {
  const { keys } = JSON.parse(text) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey))
    throw new UntrustedKeysError("there are no keys in it");
  return keys;
}

function isKey(value: unknown): value is TrustedKey {
  const { kty, crv, x, kid } = (value ?? {}) as Record<string, unknown>;
  return (
    kty === "OKP" && crv === "Ed25519" && typeof x === "string" && /^[\w-]{43}$/.test(x) && typeof kid === "string"
  );
}

async function readPins(file: string): Promise<Pins> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    return {};
  }
  try {
    return (JSON.parse(text) as { gateways: Pins }).gateways;
  } catch {
    // Overwriting a pin that cannot be read would defeat it.
    throw new UntrustedKeysError(`${file} cannot be read as what it was written as`);
  }
}

async function writePins(file: string, gateways: Pins): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, `${JSON.stringify({ gateways }, null, 2)}\n`, { mode: 0o600 });
  await chmod(part, 0o600);
  await rename(part, file);
}
