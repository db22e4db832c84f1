import { Option, type Command } from "commander";
import { DEFAULT_SCOPES, SCOPES } from "../../domain/api_key.ts";
import type { KeyLimits } from "../../domain/ledger/terms.ts";
import type { LookupDefaults } from "../../domain/lookup_grounds.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { usageError } from "../ctl_error.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, print, tableText, warn } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import {
  addKeyTermOptions,
  changedKeyTerms,
  keyTermFields,
  type KeyTermOptions,
  limitDangers,
  shownLimits,
} from "./key_terms.ts";
import { collect, collectOf, durationSeconds, formatDuration, instant } from "./read_arguments.ts";
import { shownTime, utcMinute } from "./shown_values.ts";

type ShownKey = {
  readonly id: string;
  readonly tenantId: string;
  readonly mode: string;
  readonly label: string | null;
  readonly scopes: readonly string[];
  readonly allowedIps: readonly string[];
  readonly status: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly limits: KeyLimits | null;
  readonly defaults: LookupDefaults | null;
};
type ListedKey = ShownKey & { readonly lastUsedAt: string | null };
type IssuedKey = ShownKey & { readonly key: string; readonly clientId: string; readonly clientSecret: string };

const MOST_LISTED = 100_000;
/** A shorter overlap may end before the successor is in place; a longer one keeps a leaked key working for too long. */
const USUAL_OVERLAP_SECONDS = { least: 600, most: 30 * 86_400 } as const;

/** `keys`: a tenant's credentials. */
export function addKeyCommands(program: Command): void {
  const keys = addGroup(program, "keys", "The API keys of tenants: create, list, rotate, revoke.");
  withExamples(keys, ["keys list <tenant-id>", "keys create <tenant-id> --mode live", "keys revoke <key-id>"]);

  withExamples(
    keys
      .command("list")
      .description("Lists a tenant's keys, without their secrets.")
      .argument("<tenant-id>")
      .action(listKeys),
    ["keys list <tenant-id>", "keys list <tenant-id> --json"],
  );
  const create = keys
    .command("create")
    .description("Makes a key. Its secret is printed now and never again.")
    .argument("<tenant-id>")
    .addOption(
      new Option("--mode <mode>", "live (reaches Claro, costs) or test (answered by the sandbox)")
        .choices(["live", "test"])
        .makeOptionMandatory(),
    )
    .option("--label <text>", "what the key is for; it is shown in exports")
    .option(
      "--scope <scope>",
      `${SCOPES.join(", ")}; repeat it (default: ${DEFAULT_SCOPES.join(", ")})`,
      collectOf(SCOPES),
    )
    .option("--expires <time>", "when it ends: 2027-01-31T23:59:59-03:00, or 90d from now (default: never)", instant)
    .option("--allow-ip <cidr>", "from where it may be used, IPv4 or IPv6; repeat it (default: anywhere)", collect);
  withExamples(
    keys
      .command("show")
      .description("Shows one key with its limits and defaults, without its secret.")
      .argument("<tenant-id>")
      .argument("<key-id>", "the key's id, csg_live_… or csg_test_…")
      .action(showKey),
    ["keys show <tenant-id> csg_live_0123456789"],
  );
  const update = keys
    .command("update")
    .description("Changes a key's own limits and what it says of lookups that do not say it.")
    .argument("<tenant-id>")
    .argument("<key-id>", "the key's id, csg_live_… or csg_test_…")
    .option("--yes", "do not ask, whatever changes");
  withExamples(addKeyTermOptions(update).action(updateKey), [
    "keys update <tenant-id> csg_live_0123456789 --daily-lookups 5000 --spend-cap 500",
    "keys update <tenant-id> csg_live_0123456789 --purpose credit_granting --rate none",
  ]);
  withExamples(addKeyTermOptions(create).action(createKey), [
    "keys create <tenant-id> --mode test --label laptop",
    "keys create <tenant-id> --mode live --label checkout --allow-ip 203.0.113.0/24 --allow-ip 2001:db8::/32",
    "keys create <tenant-id> --mode live --label finance --scope usage:read --scope statements:read --expires 90d",
  ]);
  withExamples(
    keys
      .command("rotate")
      .description("Makes a key's successor with the same rights. Both work until the overlap is over.")
      .argument("<key-id>", "the key's id, csg_live_… or csg_test_…")
      .option("--overlap <duration>", "how long the old key still works: 24h, 30m, 0s", durationSeconds, 86_400)
      .option("--yes", "do not ask, even when the old key ends within minutes, or lives for months")
      .action(rotateKey),
    ["keys rotate csg_live_0123456789", "keys rotate csg_live_0123456789 --overlap 7d"],
  );
  withExamples(
    keys
      .command("revoke")
      .description("Ends a key at once and for ever.")
      .argument("<key-id>", "the key's id, csg_live_… or csg_test_…")
      .option("--yes", "do not ask")
      .action(revokeKey),
    ["keys revoke csg_live_0123456789", "keys revoke csg_live_0123456789 --yes"],
  );
  withExamples(
    keys
      .command("revoke-now")
      .description("Ends a key in its ledger, also while D1 is away; the register follows.")
      .argument("<tenant-id>")
      .argument("<key-id>", "the key's id, csg_live_… or csg_test_…")
      .option("--yes", "do not ask")
      .action(revokeKeyNow),
    ["keys revoke-now <tenant-id> csg_live_0123456789"],
  );
}

async function listKeys(tenantId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const path = `/tenants/${encodeURIComponent(tenantId)}/keys`;
  const page = await withSpinner("Reading keys", () => api.list<ListedKey>(path, { most: MOST_LISTED }));
  const human = () =>
    tableText(
      page.data,
      [
        { title: "ID", cell: (key) => key.id },
        { title: "LABEL", cell: (key) => key.label ?? "-", elastic: true },
        { title: "STATUS", cell: (key) => key.status },
        { title: "EXPIRES", cell: (key) => utcMinute(key.expiresAt) },
        { title: "LAST USED", cell: (key) => utcMinute(key.lastUsedAt), optional: true },
        {
          title: "SCOPES",
          cell: (key) => key.scopes.map((scope) => scope.split(":")[0]).join(" "),
          elastic: true,
          optional: true,
        },
        { title: "ALLOWED IPS", cell: (key) => key.allowedIps.join(" ") || "any", elastic: true, optional: true },
      ],
      `This tenant has no keys. Make one with: npx ctl keys create ${tenantId} --mode test`,
    );
  print(page, { json, human });
}

/** Finds one key in its tenant's list: the API has no call for a single key. */
async function fetchKey(api: AdminApi, tenantId: string, keyId: string): Promise<ListedKey> {
  const path = `/tenants/${encodeURIComponent(tenantId)}/keys`;
  const { data } = await api.list<ListedKey>(path, { most: MOST_LISTED });
  const key = data.find(({ id }) => id === keyId);
  if (key === undefined) throw usageError(`${tenantId} has no key ${keyId}: npx ctl keys list ${tenantId}`);
  return key;
}

async function showKey(tenantId: string, keyId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const key = await fetchKey(api, tenantId, keyId);
  print(key, { json, human: () => fieldsText(keyFields(key)) });
}

async function updateKey(
  tenantId: string,
  keyId: string,
  { yes = false, ...options }: KeyTermOptions & { yes?: boolean },
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const before = await fetchKey(api, tenantId, keyId);
  const terms = changedKeyTerms(options, before);
  if (terms === null) throw usageError("Nothing to change: see --help for what can be");
  const dangers = limitDangers(before.limits, terms.limits);
  if (dangers.length > 0) {
    const change = `  Own limits: ${shownLimits(before.limits)} → ${shownLimits(terms.limits)}`;
    const lines = [`Change ${keyId}?`, change, ...dangers.map((why) => `  ! ${why}`)];
    await confirm(lines.join("\n"), { yes });
  }
  const key = await api.patch<ShownKey>(`/keys/${encodeURIComponent(keyId)}`, terms);
  print(key, { json, human: () => fieldsText(keyFields(key)) });
}

function keyFields(key: ShownKey): (readonly [name: string, value: string])[] {
  return [
    ["Key", key.id],
    ["Status", key.status],
    ["Label", key.label ?? "-"],
    ["Scopes", key.scopes.join(" ")],
    ["Allowed IPs", key.allowedIps.join(" ") || "any"],
    ...keyTermFields(key),
    ["Created", shownTime(key.createdAt)],
    ["Expires", shownTime(key.expiresAt)],
    ["Revoked", shownTime(key.revokedAt)],
  ];
}

async function createKey(
  tenantId: string,
  options: KeyTermOptions & {
    mode: string;
    label?: string;
    scope?: readonly string[];
    expires?: string;
    allowIp?: readonly string[];
  },
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const { mode, label, scope: scopes, expires: expiresAt, allowIp: allowedIps } = options;
  const terms = changedKeyTerms(options, { limits: null, defaults: null });
  const asked = { mode, label, scopes, expiresAt, allowedIps, ...terms };
  const key = await api.post<IssuedKey>(`/tenants/${encodeURIComponent(tenantId)}/keys`, asked);
  printIssuedKey(key, json);
}

async function rotateKey(keyId: string, options: { overlap: number; yes?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const { overlap, yes = false } = options;
  const question = overlapQuestion(keyId, overlap);
  if (question !== null) await confirm(question, { yes });
  const path = `/keys/${encodeURIComponent(keyId)}/rotate`;
  const key = await api.post<IssuedKey>(path, { overlapSeconds: overlap });
  printIssuedKey(key, json);
  if (!json) warn(`The old key ${keyId} works until ${await shownEnd(api, keyId, key.tenantId)}.`);
}

function overlapQuestion(keyId: string, overlap: number): string | null {
  if (overlap === 0) return `End ${keyId} at once, before anybody has its successor?`;
  if (overlap < USUAL_OVERLAP_SECONDS.least) return `End ${keyId} in ${formatDuration(overlap)}?`;
  if (overlap > USUAL_OVERLAP_SECONDS.most) return `Let ${keyId} work for ${formatDuration(overlap)} more?`;
  return null;
}

/**
 * When the old key ends. The gateway is asked, because an overlap never extends a key. The rotation is done even if
 * this fails.
 */
async function shownEnd(api: AdminApi, keyId: string, tenantId: string): Promise<string> {
  try {
    return shownTime((await fetchKey(api, tenantId, keyId)).expiresAt);
  } catch {
    return "its own end or that of the overlap, whichever comes first (keys list tells)";
  }
}

async function revokeKey(keyId: string, options: { yes?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  await confirm(`Revoke ${keyId}? Whoever uses it is refused from now on, for ever.`, { yes: options.yes === true });
  const revoked = await api.post<{ effectiveAt: string }>(`/keys/${encodeURIComponent(keyId)}/revoke`);
  print(revoked, { json, human: () => `${keyId} is revoked since ${shownTime(revoked.effectiveAt)}.` });
}

async function revokeKeyNow(tenantId: string, keyId: string, options: { yes?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  await confirm(`Revoke ${keyId}? Whoever uses it is refused from now on, for ever.`, { yes: options.yes === true });
  const path = `/tenants/${encodeURIComponent(tenantId)}/keys/${encodeURIComponent(keyId)}/revoke-now`;
  const revoked = await api.post<{ effectiveAt: string; registered: boolean }>(path);
  const follows = revoked.registered ? "" : " The register will have it with a later sweep.";
  print(revoked, { json, human: () => `${keyId} is revoked since ${shownTime(revoked.effectiveAt)}.${follows}` });
}

function printIssuedKey(key: IssuedKey, json: boolean): void {
  const human = () =>
    fieldsText([
      ["API key", key.key],
      ["Client ID", `${key.clientId}  (Claro's shape: the key id)`],
      ["Client secret", key.clientSecret],
      ["Mode", key.mode],
      ["Label", key.label ?? "-"],
      ["Scopes", key.scopes.join(" ")],
      ["Allowed IPs", key.allowedIps.join(" ") || "any"],
      ...keyTermFields(key),
      ["Expires", shownTime(key.expiresAt)],
    ]);
  print(key, { json, human });
  warn("The API key and the client secret are shown only now: nobody can read them again. Keep them safe.");
}
