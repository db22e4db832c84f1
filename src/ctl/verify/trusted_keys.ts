import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fail, ok, type Result } from "../../domain/result.ts";
import { EXPORT_KEYS_PATH } from "../../domain/statement.ts";
import type { TrustedKey } from "../../domain/statement_audit.ts";
import { networkFailure } from "../api/network_failure.ts";
import { configFolder } from "../config_folder.ts";

/** Keys, or in words why there are none to trust. */
type Keys = Result<readonly TrustedKey[], string>;
type Pins = Record<string, { readonly pinnedAt: string; readonly keys: readonly TrustedKey[] }>;

/** A gateway that takes a connection and says nothing is as good as away; `fetch` would wait five minutes. */
const KEYS_TIMEOUT_MS = 20_000;

/** Where this user's computer keeps the keys that it has seen first, outside every download. */
function pinFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(configFolder(env), "trusted-keys.json");
}

export type PinOptions = {
  readonly file?: string;
  readonly acceptNew?: boolean;
  readonly say?: (text: string) => void;
};

/** The keys by which somebody wants months checked. What fails says in words what to do. */
export async function chosenKeys(
  { keys, gateway }: { readonly keys?: string | undefined; readonly gateway?: string | undefined },
  options: PinOptions,
): Promise<Keys> {
  if (keys !== undefined && gateway !== undefined) return fail("Give --keys or --gateway, not both.");
  if (keys !== undefined) return await readKeysFile(resolve(keys));
  return gateway === undefined ? await pinnedKeys() : await keysOfGateway(gateway.replace(/\/+$/, ""), options);
}

/** The keys of a file that the user has named: what a gateway lists (`export-keys.json`), or what was pinned here or elsewhere. */
export async function readKeysFile(path: string): Promise<Keys> {
  const read = await readJson(path);
  if (!read.ok) return read;
  if (read.value === null) return fail(`There is no file ${path}`);
  const pins = pinsIn(read.value.json);
  const keys = pins === null ? keysIn(read.value.json) : keysOfAll(pins);
  if (keys === null || keys.length === 0) return fail(`${path} holds no keys`);
  const doubtful = doubtfulAmong(keys);
  return doubtful === null ? ok(keys) : fail(`${doubtful}: leave the gateway that you mean in ${path}.`);
}

/** The keys that were pinned, of every gateway. */
async function pinnedKeys(): Promise<Keys> {
  const pins = await readPins(pinFile());
  if (!pins.ok) return pins;
  const keys = keysOfAll(pins.value);
  if (keys.length === 0) {
    return fail(
      "No keys are trusted here yet: keys that travel with the files prove nothing.\n" +
        "Name a file of keys that you trust with --keys, or the gateway to pin them from with --gateway https://….",
    );
  }
  const doubtful = doubtfulAmong(keys);
  return doubtful === null ? ok(keys) : fail(`${doubtful}: name one with --gateway.`);
}

/** What a gateway lists, pinned. Where it cannot be asked, what was pinned before still tells who signed. */
async function keysOfGateway(gatewayUrl: string, options: PinOptions): Promise<Keys> {
  if (!/^https?:\/\//.test(gatewayUrl)) return fail("--gateway is an address such as https://gateway.example");
  const listed = await listedKeys(gatewayUrl);
  if (listed.ok) return await pinKeys(gatewayUrl, listed.value, options);
  const { file = pinFile(), say = () => {} } = options;
  const pins = await readPins(file);
  if (!pins.ok) return pins;
  const pinned = pins.value[gatewayUrl];
  if (pinned === undefined) {
    const how = "repeat when it answers, or name a file of keys that you trust with --keys.";
    return fail(`${gatewayUrl} cannot be asked for its keys (${listed.failure}), and none are pinned here: ${how}`);
  }
  say(
    `${gatewayUrl} cannot be asked whether there are newer keys (${listed.failure}): those that are pinned here count.`,
  );
  return ok(pinned.keys);
}

/** The keys that a gateway lists now, or why it cannot be asked. */
export async function listedKeys(gatewayUrl: string, { timeoutMs = KEYS_TIMEOUT_MS } = {}): Promise<Keys> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`${gatewayUrl}${EXPORT_KEYS_PATH}`, { redirect: "error", signal });
    const text = await response.text();
    if (!response.ok) return fail(`it answered ${response.status}`);
    const keys = keysIn(parseJson(text)?.json);
    return keys === null ? fail("its answer is no list of keys") : ok(keys);
  } catch (error) {
    return fail(networkFailure(error).reason);
  }
}

/**
 * Takes a gateway's keys as it lists them now: at first use they are pinned, later they must be the same. A key that has
 * changed, is gone, or counts for more than before is refused; a new one has to be accepted. What takes trust away (its
 * end, its disowning) is taken over.
 */
export async function pinKeys(
  gatewayUrl: string,
  listed: readonly TrustedKey[],
  { file = pinFile(), acceptNew = false, say = () => {} }: PinOptions = {},
): Promise<Keys> {
  const pins = await readPins(file);
  if (!pins.ok) return pins;
  const pinned = pins.value[gatewayUrl]?.keys;
  if (pinned === undefined) {
    if (listed.length === 0) return fail(`${gatewayUrl} lists no keys: ask its operator.`);
    for (const key of listed) say(`Trusted from now on, of ${gatewayUrl}: ${fingerprintOf(key)}`);
  } else {
    const wrong = pinned.flatMap(
      (key) =>
        changeOf(
          key,
          listed.find(({ kid }) => kid === key.kid),
        ) ?? [],
    );
    if (wrong.length > 0) return fail([`THE KEYS OF ${gatewayUrl} HAVE CHANGED:`, ...wrong, HELP(file)].join("\n"));
    const fresh = listed.filter(({ kid }) => !pinned.some((key) => key.kid === kid));
    if (fresh.length > 0 && !acceptNew) {
      const names = fresh.map((key) => `  ${fingerprintOf(key)}`);
      const how = "Ask the operator whether it is theirs, then repeat with --trust-new-keys.";
      return fail([`${gatewayUrl} has a new key:`, ...names, how].join("\n"));
    }
    for (const key of fresh) say(`Trusted from now on, of ${gatewayUrl}: ${fingerprintOf(key)}`);
    for (const { kid, revokedAt } of listed) {
      if (typeof revokedAt === "string") say(`${kid} was disowned at ${revokedAt}`);
    }
  }
  const pinnedAt = pins.value[gatewayUrl]?.pinnedAt ?? new Date().toISOString();
  const written = await writePins(file, { ...pins.value, [gatewayUrl]: { pinnedAt, keys: listed } });
  return written.ok ? ok(listed) : written;
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

function keysOfAll(pins: Pins): TrustedKey[] {
  return Object.values(pins).flatMap((pin) => pin.keys);
}

/** That two gateways have different keys of one name, in words. */
function doubtfulAmong(keys: readonly TrustedKey[]): string | null {
  const doubtful = keys.find(({ kid, x }) => keys.some((other) => other.kid === kid && other.x !== x));
  return doubtful === undefined ? null : `${doubtful.kid} is another key at each of several gateways`;
}

/** Null for what is no list of keys. */
function keysIn(value: unknown): readonly TrustedKey[] | null {
  const { keys } = (value ?? {}) as { keys?: unknown };
  return Array.isArray(keys) && keys.every(isKey) ? keys : null;
}

/** Null for what is not as pins are written. */
function pinsIn(value: unknown): Pins | null {
  const { gateways } = (value ?? {}) as { gateways?: unknown };
  if (typeof gateways !== "object" || gateways === null) return null;
  return Object.values(gateways).every((pin) => keysIn(pin) !== null) ? (gateways as Pins) : null;
}

function isKey(value: unknown): value is TrustedKey {
  const { kty, crv, x, kid } = (value ?? {}) as Record<string, unknown>;
  return (
    kty === "OKP" && crv === "Ed25519" && typeof x === "string" && /^[\w-]{43}$/.test(x) && typeof kid === "string"
  );
}

async function readPins(file: string): Promise<Result<Pins, string>> {
  const read = await readJson(file);
  if (!read.ok) return read;
  if (read.value === null) return ok({});
  const pins = pinsIn(read.value.json);
  // Overwriting a pin that cannot be read would defeat it.
  return pins === null ? fail(`${file} cannot be read as what it was written as`) : ok(pins);
}

async function writePins(file: string, gateways: Pins): Promise<Result<null, string>> {
  const part = `${file}.${process.pid}.part`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(part, `${JSON.stringify({ gateways }, null, 2)}\n`, { mode: 0o600 });
    await chmod(part, 0o600);
    await rename(part, file);
    return ok(null);
  } catch (error) {
    const why = `${file} cannot be written (${(error as NodeJS.ErrnoException).code})`;
    return fail(`${why}: to trust keys without keeping them, name a file of them with --keys.`);
  }
}

/** A file of JSON; null where there is none. */
async function readJson(path: string): Promise<Result<{ readonly json: unknown } | null, string>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? ok(null) : fail(`${path} cannot be read (${code})`);
  }
  const parsed = parseJson(text);
  return parsed === null ? fail(`${path} cannot be read: it is no JSON`) : ok(parsed);
}

/** Null for what is no JSON. */
function parseJson(text: string): { readonly json: unknown } | null {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}
