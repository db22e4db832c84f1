import * as z from "zod";
import type { Party } from "../domain/export/exported_event.ts";
import { DAY_MS } from "../domain/instant.ts";
import { isLocalHost } from "../domain/local_host.ts";
import { intentTtlMs, LONGEST_FLUSH_MS } from "../domain/ledger/times.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { ExportPrivateKey, ExportPublicKey } from "../domain/statement.ts";
import type { AccessSettings } from "./access_identity.ts";
import * as shapes from "./setting_shapes.ts";

/** The settings as the Worker's vars and secrets give them, each with the shape that it must have. */
const schema = z.object({
  CLARO_BASE_URL: shapes.url.default("https://api.claro.com.br"),
  CLARO_TOKEN_URL: shapes.url.optional(),
  CLARO_TIMEOUT_MS: shapes.wholeNumber(100, 60_000, "milliseconds").default(10_000),
  CLARO_CONNECT_CHECK: shapes.yesOrNo.default(true),
  CLARO_CLIENT_ID: shapes.clientId,
  CLARO_CLIENT_SECRET: shapes.clientSecret,
  ADMIN_TOKEN: shapes.bearerSecret.optional(),
  ADMIN_TOKEN_PREVIOUS: shapes.bearerSecret.optional(),
  ACCESS_TOKEN_SECRET: shapes.secret,
  ACCESS_TOKEN_SECRET_PREVIOUS: shapes.secret.optional(),
  CPF_HMAC_SECRET: shapes.secret,
  CPF_HMAC_SECRET_PREVIOUS: shapes.formerSecret.optional(),
  IDEMPOTENCY_SECRET: shapes.secret,
  IDEMPOTENCY_SECRET_PREVIOUS: shapes.formerSecret.optional(),
  EXPORT_SIGNING_KEY: shapes.signingKey.optional(),
  EXPORT_SIGNING_KEY_PREVIOUS: shapes.signingKey.optional(),
  ACCESS_TEAM_DOMAIN: shapes.teamUrl.optional(),
  ACCESS_AUD: shapes.audience.optional(),
  ACCESS_REQUIRED: shapes.yesOrNo.default(false),
  ISSUER_LEGAL_NAME: shapes.line("the razão social of who bills").optional(),
  ISSUER_DOCUMENT: shapes.cnpj.optional(),
  ISSUER_ADDRESS: shapes.line("the address of who bills", 400).optional(),
  SECURITY_CONTACT: shapes.contact.optional(),
  CPF_REFERENCE_YEARS: shapes.wholeNumber(1, 50, "years").default(5),
  LEDGER_FLUSH_MS: shapes.wholeNumber(100, 30 * DAY_MS, "milliseconds").default(LONGEST_FLUSH_MS),
  METRICS_ENABLED: shapes.yesOrNo.default(false),
  LOCAL: shapes.yesOrNo.default(false),
  CLOCK_OFFSET_MS: shapes.wholeNumber(-36_500 * DAY_MS, 36_500 * DAY_MS, "milliseconds").default(0),
});

type Name = keyof typeof schema.shape;
type Vars = Readonly<Partial<Record<Name, unknown>>>;

/** What is wrong with a setting and what it has to be. It never tells the value. */
export type SettingProblem = { readonly name: string; readonly reason: string; readonly shape: string };

/** The settings that are missing or malformed. */
export type SettingsFailure = { readonly names: readonly string[]; readonly problems: readonly SettingProblem[] };

/** The newest first, which new things are made with; what was made with another one goes on. */
type Rotating<Secret> = readonly [current: Secret, ...previous: Secret[]];

/** All settings under the names that the code uses. Times are milliseconds. */
export type Settings = {
  readonly claro: {
    readonly tokenUrl: string;
    readonly scoresUrl: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** The whole budget of one lookup with its retries. */
    readonly timeoutMs: number;
    /** Whether a connection is tried before a score call that no recent answer vouches for. */
    readonly connectCheck: boolean;
  };
  /** None where Cloudflare Access is required. */
  readonly adminTokens: readonly string[];
  readonly accessTokenSecrets: Rotating<string>;
  readonly cpfHmacSecrets: Rotating<string>;
  readonly idempotencySecrets: Rotating<string>;
  /** Signs the statements of closed months; null where there is none yet, and then no month can be closed. */
  readonly exportSigningKey: ExportPrivateKey | null;
  /** The public half of the key that it took the place of. */
  readonly previousExportKey: ExportPublicKey | null;
  /** Null where no Cloudflare Access stands before the admin API. */
  readonly access: AccessSettings | null;
  /** Whose documents say who bills. */
  readonly issuer: Party;
  /** Where a weakness is reported, for `security.txt`; null where nobody said. */
  readonly securityContact: string | null;
  /** For how long after its end a year's references to a person can be told from each other. */
  readonly cpfReferenceYears: number;
  /** An intent that nobody settled for this long becomes `unknown`. */
  readonly intentTtlMs: number;
  readonly ledgerFlushMs: number;
  /** Whether `/metrics` answers. */
  readonly metricsEnabled: boolean;
  readonly clockOffsetMs: number;
  /** Whether `npm start` runs it. */
  readonly isLocal: boolean;
  /** What only a gateway on one's own machine may have. */
  readonly localOnly: readonly SettingProblem[];
};

const read = new WeakMap<object, Result<Settings, SettingsFailure>>();

/** Checks the settings, once for each isolate. */
export function readSettings(env: object): Result<Settings, SettingsFailure> {
  let settings = read.get(env);
  if (settings === undefined) read.set(env, (settings = parseSettings(env)));
  return settings;
}

/**
 * The settings of a gateway that is called by `hostname`: one that others can reach sends Claro's credentials over https
 * only, and takes nothing that is for one's own machine.
 */
export function readSettingsAt(env: object, hostname: string): Result<Settings, SettingsFailure> {
  const settings = readSettings(env);
  if (!settings.ok || settings.value.localOnly.length === 0 || isLocalHost(hostname)) return settings;
  return fail(failureOf(settings.value.localOnly));
}

/** A line for people: `ADMIN_TOKEN has under 32 characters; it must be …`. */
export function describeProblem({ name, reason, shape }: SettingProblem): string {
  return `${name} ${reason}; it must be ${shape}`;
}

function parseSettings(env: object): Result<Settings, SettingsFailure> {
  const given = env as Vars;
  const parsed = schema.safeParse(given);
  const ignored = isYes(given.ACCESS_REQUIRED) ? ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS"] : [];
  const malformed = (parsed.error?.issues ?? [])
    .map((issue) => problem(issue.path[0] as Name, reasonOf(given[issue.path[0] as Name], issue)))
    .filter(({ name }) => !ignored.includes(name));
  const problems = [...malformed, ...crossProblems(given)];
  if (problems.length > 0) return fail(failureOf(problems));
  // What is ignored may be malformed.
  const vars = parsed.data ?? schema.parse({ ...given, ADMIN_TOKEN: undefined, ADMIN_TOKEN_PREVIOUS: undefined });
  return ok(toSettings(vars));
}

function reasonOf(value: unknown, issue: { readonly code: string; readonly message: string }): string {
  if (value === undefined) return "is missing";
  return issue.code === "custom" ? issue.message : "is malformed";
}

/** What follows from more than one setting, told whatever else is wrong. */
function crossProblems(given: Vars): SettingProblem[] {
  const has = (name: Name) => given[name] !== undefined;
  const isNear = (name: Name) => has(name) && ![0, "0"].includes(given[name] as number | string);
  const rules: readonly (readonly [isBroken: boolean, name: Name, reason: string])[] = [
    [!has("ADMIN_TOKEN") && !isYes(given.ACCESS_REQUIRED), "ADMIN_TOKEN", "is missing"],
    [
      isYes(given.ACCESS_REQUIRED) && !has("ACCESS_TEAM_DOMAIN"),
      "ACCESS_TEAM_DOMAIN",
      "is missing: ACCESS_REQUIRED needs it",
    ],
    [has("ACCESS_AUD") && !has("ACCESS_TEAM_DOMAIN"), "ACCESS_TEAM_DOMAIN", "is missing: ACCESS_AUD goes with it"],
    [has("ACCESS_TEAM_DOMAIN") && !has("ACCESS_AUD"), "ACCESS_AUD", "is missing: ACCESS_TEAM_DOMAIN goes with it"],
    [isNear("CLOCK_OFFSET_MS") && !isYes(given.LOCAL), "CLOCK_OFFSET_MS", "is for local use only"],
    [sharesKid(given), "EXPORT_SIGNING_KEY", "has the `kid` of EXPORT_SIGNING_KEY_PREVIOUS and is another key"],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, name, reason]) => problem(name, reason));
}

function sharesKid(given: Vars): boolean {
  const [key, previous] = [given.EXPORT_SIGNING_KEY, given.EXPORT_SIGNING_KEY_PREVIOUS].map((text) => {
    const parsed = shapes.signingKey.safeParse(text);
    return parsed.success ? parsed.data : null;
  });
  return key != null && previous != null && key.kid === previous.kid && key.x !== previous.x;
}

function toSettings(vars: z.infer<typeof schema>): Settings {
  const baseUrl = vars.CLARO_BASE_URL.replace(/\/+$/, "");
  const previousKey = vars.EXPORT_SIGNING_KEY_PREVIOUS;
  return {
    claro: {
      tokenUrl: vars.CLARO_TOKEN_URL ?? `${baseUrl}/oauth2/v1/token`,
      scoresUrl: `${baseUrl}/customers/v1/scores`,
      clientId: vars.CLARO_CLIENT_ID,
      clientSecret: vars.CLARO_CLIENT_SECRET,
      timeoutMs: vars.CLARO_TIMEOUT_MS,
      connectCheck: vars.CLARO_CONNECT_CHECK,
    },
    adminTokens: vars.ACCESS_REQUIRED
      ? []
      : [vars.ADMIN_TOKEN, vars.ADMIN_TOKEN_PREVIOUS].filter((token) => token !== undefined),
    accessTokenSecrets: rotating(vars.ACCESS_TOKEN_SECRET, vars.ACCESS_TOKEN_SECRET_PREVIOUS),
    cpfHmacSecrets: rotating(vars.CPF_HMAC_SECRET, vars.CPF_HMAC_SECRET_PREVIOUS),
    idempotencySecrets: rotating(vars.IDEMPOTENCY_SECRET, vars.IDEMPOTENCY_SECRET_PREVIOUS),
    exportSigningKey: vars.EXPORT_SIGNING_KEY ?? null,
    previousExportKey: previousKey === undefined ? null : publicHalf(previousKey),
    access:
      vars.ACCESS_TEAM_DOMAIN === undefined || vars.ACCESS_AUD === undefined
        ? null
        : { issuer: vars.ACCESS_TEAM_DOMAIN, audience: vars.ACCESS_AUD },
    securityContact: vars.SECURITY_CONTACT ?? null,
    issuer: {
      name: null,
      legalName: vars.ISSUER_LEGAL_NAME ?? null,
      document: vars.ISSUER_DOCUMENT ?? null,
      address: vars.ISSUER_ADDRESS ?? null,
    },
    cpfReferenceYears: vars.CPF_REFERENCE_YEARS,
    intentTtlMs: intentTtlMs(vars.CLARO_TIMEOUT_MS),
    ledgerFlushMs: vars.LEDGER_FLUSH_MS,
    metricsEnabled: vars.METRICS_ENABLED,
    clockOffsetMs: vars.CLOCK_OFFSET_MS,
    isLocal: vars.LOCAL,
    localOnly: localOnly(vars),
  };
}

function publicHalf({ kty, crv, x, kid }: ExportPrivateKey): ExportPublicKey {
  return { kty, crv, x, kid };
}

function localOnly(vars: z.infer<typeof schema>): SettingProblem[] {
  const urls = (["CLARO_BASE_URL", "CLARO_TOKEN_URL", "ACCESS_TEAM_DOMAIN"] as const)
    .filter((name) => vars[name]?.toLowerCase().startsWith("http:"))
    .map((name) => problem(name, "is asked over http by a gateway that is not on this machine"));
  const local = vars.LOCAL ? [problem("LOCAL", "is for local use only", "absent where the gateway is deployed")] : [];
  const offset = vars.CLOCK_OFFSET_MS === 0 ? [] : [problem("CLOCK_OFFSET_MS", "is for local use only")];
  return [...urls, ...local, ...offset];
}

function rotating(current: string, previous: string | undefined): Rotating<string> {
  return previous === undefined || previous === current ? [current] : [current, previous];
}

function isYes(value: unknown): boolean {
  return value === true || value === "true";
}

function problem(name: Name, reason: string, shape = shapeOf(schema.shape[name])): SettingProblem {
  return { name, reason, shape };
}

function shapeOf(type: z.core.$ZodType): string {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault) return shapeOf(type.unwrap());
  return z.globalRegistry.get(type)?.description ?? "";
}

function failureOf(problems: readonly SettingProblem[]): SettingsFailure {
  return { names: [...new Set(problems.map(({ name }) => name))], problems };
}
