import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { describeProblem, readSettings, readSettingsAt, type Settings } from "../../src/platform/settings.ts";

type Vars = Record<string, unknown>;

const TEAM = "padaria.cloudflareaccess.com";
const ACCESS = { ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: "a" };
const DEPLOYED = { LOCAL: undefined, CLARO_BASE_URL: "https://claro.example" };
const GOOD = "Zq3-kP9_wL5xT7vB1nM4hJ8dS2fG6cRy";
const KEY = JSON.parse((env as unknown as { EXPORT_SIGNING_KEY: string }).EXPORT_SIGNING_KEY) as { kid: string };

/** The gateway's own secrets, each with what is said when it is missing. */
const OWN_SECRETS = ["ADMIN_TOKEN", "ACCESS_TOKEN_SECRET", "CPF_HMAC_SECRET", "IDEMPOTENCY_SECRET"] as const;
const PREVIOUS = OWN_SECRETS.map((name) => `${name}_PREVIOUS`);
const CLAROS = ["CLARO_CLIENT_ID", "CLARO_CLIENT_SECRET"] as const;

function problems(vars: Vars): string[] {
  const settings = readSettings({ ...env, ...vars });
  return settings.ok ? [] : settings.failure.problems.map(({ name, reason }) => `${name} ${reason}`);
}

function names(vars: Vars, hostname?: string): readonly string[] {
  const all = { ...env, ...vars };
  const settings = hostname === undefined ? readSettings(all) : readSettingsAt(all, hostname);
  return settings.ok ? [] : settings.failure.names;
}

function read(vars: Vars): Settings {
  const settings = readSettings({ ...env, ...vars });
  if (!settings.ok) throw new Error(settings.failure.problems.map(describeProblem).join());
  return settings.value;
}

describe("the settings", () => {
  test("that are missing or malformed are named, all of them, each with its reason and its shape, without its value", () => {
    expect(problems({})).toEqual([]);
    const vars = { ADMIN_TOKEN: undefined, CPF_HMAC_SECRET: "sh0rt-and-secret", CLARO_TIMEOUT_MS: "soon" };
    const settings = readSettings({ ...env, ...vars });
    const told = settings.ok ? [] : settings.failure.problems.map(describeProblem);
    expect(told.toSorted()).toEqual([
      "ADMIN_TOKEN is missing; it must be at least 32 characters, 10 of them different, visible ASCII without blanks",
      "CLARO_TIMEOUT_MS is malformed; it must be a whole number of milliseconds from 100 to 60000",
      "CPF_HMAC_SECRET has under 32 characters; it must be at least 32 characters, 10 of them different",
    ]);
    expect(JSON.stringify(settings)).not.toContain("sh0rt");
  });

  const bad: [string, string, string][] = [
    ["under 32 characters", GOOD.slice(1), "has under 32 characters"],
    ["sixteen times the same", "a".repeat(16), "has under 32 characters"],
    ["many times the same", "a".repeat(64), "has under 10 different characters"],
    ["nine different ones", "123456789".repeat(5), "has under 10 different characters"],
    ["none at all", "", "is empty"],
    ["a line end", `${GOOD}\n`, "holds a control character or a line end"],
    ["a NUL", `${GOOD}\0`, "holds a control character or a line end"],
    ["an invisible character", `${GOOD}\u200b`, "holds a control character or a line end"],
    ["a blank at its start", ` ${GOOD}`, "begins or ends with a blank"],
    ["a blank at its end", `${GOOD} `, "begins or ends with a blank"],
    ["a no-break space at its end", `${GOOD}\u00a0`, "begins or ends with a blank"],
    ["far too many characters", GOOD.repeat(40), "has over 1024 characters"],
  ];
  test.each(OWN_SECRETS.flatMap((name) => bad.map(([what, value, reason]) => [name, what, value, reason] as const)))(
    "%s with %s is refused",
    (name, _what, value, reason) => {
      expect(problems({ [name]: value })).toEqual([`${name} ${reason}`]);
    },
  );

  test.each(PREVIOUS)("%s is refused too when anybody could guess it", (name) => {
    for (const value of ["", "short", "a".repeat(64), `${GOOD}\n`, ` ${GOOD}`]) {
      expect(names({ [name]: value }), JSON.stringify(value)).toEqual([name]);
    }
    expect(names({ [name]: GOOD })).toEqual([]);
  });

  test("only secrets that open nothing for a caller may be as short as they once were, while they are replaced", () => {
    const former = GOOD.slice(0, 16);
    const refused = PREVIOUS.filter((name) => names({ [name]: former }).length > 0);
    expect(refused).toEqual(["ADMIN_TOKEN_PREVIOUS", "ACCESS_TOKEN_SECRET_PREVIOUS"]);
  });

  test.each<[string, string]>([
    ["ADMIN_TOKEN", `${GOOD}é`],
    ["ADMIN_TOKEN", `${GOOD} ${GOOD}`],
    ["CLARO_CLIENT_ID", "an:id"],
    ["ACCESS_AUD", "an audience"],
    ...CLAROS.flatMap((name) => ["", " x", "x ", "x\n", "x\u0007y"].map((value): [string, string] => [name, value])),
  ])("%s that its use cannot carry is refused (%j)", (name, value) => {
    expect(names({ ...ACCESS, [name]: value })).toEqual([name]);
  });

  test("take any text as a key of a hash", () => {
    expect(problems({ CPF_HMAC_SECRET: `${GOOD} ação`, IDEMPOTENCY_SECRET: `${GOOD}🔑` })).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no key", "{}"],
    ["another curve", JSON.stringify({ ...KEY, crv: "X25519" })],
    ["no private half", JSON.stringify({ ...KEY, d: undefined })],
    ["half a private half", JSON.stringify({ ...KEY, d: "AAAA" })],
    ["no name", JSON.stringify({ ...KEY, kid: "" })],
    ["a name with a line end", JSON.stringify({ ...KEY, kid: "a\nb" })],
  ])("take no signing key with %s", (_case, value) => {
    for (const name of ["EXPORT_SIGNING_KEY", "EXPORT_SIGNING_KEY_PREVIOUS"]) {
      expect(names({ [name]: value })).toEqual([name]);
    }
  });

  test("take no new signing key under the name of the one before", () => {
    const before = JSON.stringify({ ...KEY, x: "A".repeat(43) });
    expect(names({ EXPORT_SIGNING_KEY_PREVIOUS: before })).toEqual(["EXPORT_SIGNING_KEY"]);
    const renamed = JSON.stringify({ ...KEY, x: "A".repeat(43), kid: "before" });
    expect(read({ EXPORT_SIGNING_KEY_PREVIOUS: renamed }).previousExportKey).toEqual({
      kty: "OKP",
      crv: "Ed25519",
      x: "A".repeat(43),
      kid: "before",
    });
  });

  test.each<[string, unknown]>([
    ["CLARO_TIMEOUT_MS", ""],
    ["CLARO_TIMEOUT_MS", " 200"],
    ["CLARO_TIMEOUT_MS", "1e4"],
    ["CLARO_TIMEOUT_MS", "0x100"],
    ["CLARO_TIMEOUT_MS", "1000.5"],
    ["CLARO_TIMEOUT_MS", 99],
    ["CLARO_TIMEOUT_MS", Number.NaN],
    ["CPF_REFERENCE_YEARS", "0"],
    ["CPF_REFERENCE_YEARS", "-5"],
    ["CPF_REFERENCE_YEARS", "five"],
    ["LEDGER_FLUSH_MS", "99"],
    ["ACCESS_REQUIRED", "yes"],
    ["ACCESS_REQUIRED", "TRUE"],
    ["LOCAL", "1"],
    ["CLARO_CONNECT_CHECK", ""],
    ["CLARO_BASE_URL", "api.claro.com.br"],
    ["CLARO_BASE_URL", "ftp://api.claro.com.br"],
    ["CLARO_BASE_URL", "https://user:pass@api.claro.com.br"],
    ["CLARO_BASE_URL", "https://api.claro.com.br?x=1"],
    ["CLARO_TOKEN_URL", "https://api.claro.com.br/#x"],
    ["CLARO_TOKEN_URL", "https://api.claro.com.br/a b"],
    ["ISSUER_LEGAL_NAME", ""],
    ["ISSUER_LEGAL_NAME", "Padaria\nLtda"],
    ["ISSUER_LEGAL_NAME", "P".repeat(201)],
    ["ISSUER_DOCUMENT", "123"],
    ["ISSUER_ADDRESS", " Rua A, 1"],
    ["SECURITY_CONTACT", "security@example.com"],
    ["SECURITY_CONTACT", "http://example.com/security"],
    ["SECURITY_CONTACT", "mailto:a b@example.com"],
  ])("%s is refused as %j", (name, value) => {
    expect(names({ ...ACCESS, [name]: value })).toEqual([name]);
  });

  test("take numbers and truth as `wrangler.toml` writes them", () => {
    const { claro, cpfReferenceYears } = read({
      CLARO_TIMEOUT_MS: 5000,
      CLARO_CONNECT_CHECK: false,
      CPF_REFERENCE_YEARS: 7,
    });
    expect([claro.timeoutMs, claro.connectCheck, cpfReferenceYears]).toEqual([5000, false, 7]);
    expect(read({}).cpfReferenceYears).toBe(5);
  });

  test("say who bills, or nothing of it", () => {
    expect(read({}).issuer).toEqual({ name: null, legalName: null, document: null, address: null });
    const issuer = {
      ISSUER_LEGAL_NAME: "Padaria Ltda",
      ISSUER_DOCUMENT: "11.222.333/0001-81",
      ISSUER_ADDRESS: "Rua A, 1",
    };
    expect(read(issuer).issuer).toEqual({
      name: null,
      legalName: "Padaria Ltda",
      document: "11.222.333/0001-81",
      address: "Rua A, 1",
    });
  });

  test("move the clock of a local gateway only", () => {
    expect(names({ CLOCK_OFFSET_MS: "86400000", LOCAL: "true" })).toEqual([]);
    expect(names({ CLOCK_OFFSET_MS: "86400000", LOCAL: "false" })).toEqual(["CLOCK_OFFSET_MS"]);
    expect(names({ CLOCK_OFFSET_MS: "1", LOCAL: undefined })).toEqual(["CLOCK_OFFSET_MS"]);
    expect(names({ CLOCK_OFFSET_MS: "0", LOCAL: undefined })).toEqual([]);
  });

  test("of Cloudflare Access come both or not at all, as a host or an origin", () => {
    const origin = { issuer: `https://${TEAM}`, audience: "a" };
    expect(read({}).access).toBeNull();
    expect(read(ACCESS).access).toEqual(origin);
    expect(read({ ...ACCESS, ACCESS_TEAM_DOMAIN: `https://${TEAM}/` }).access).toEqual(origin);
    expect(names({ ACCESS_TEAM_DOMAIN: TEAM })).toEqual(["ACCESS_AUD"]);
    expect(names({ ACCESS_AUD: "a" })).toEqual(["ACCESS_TEAM_DOMAIN"]);
    expect(names({ ...ACCESS, ACCESS_TEAM_DOMAIN: "not a host" })).toEqual(["ACCESS_TEAM_DOMAIN"]);
  });

  test("need no operator's token where Access is required, and take none", () => {
    const required = { ...ACCESS, ACCESS_REQUIRED: "true" };
    expect(read({ ...required, ADMIN_TOKEN: undefined }).adminTokens).toEqual([]);
    expect(read({ ...required, ADMIN_TOKEN: "short", ADMIN_TOKEN_PREVIOUS: "x" }).adminTokens).toEqual([]);
    expect(read({ ...required, ACCESS_REQUIRED: true, ADMIN_TOKEN: GOOD }).adminTokens).toEqual([]);
    expect(names({ ACCESS_REQUIRED: "true" })).toEqual(["ACCESS_TEAM_DOMAIN"]);
    expect(names({ ...ACCESS, ACCESS_REQUIRED: "false", ADMIN_TOKEN: undefined })).toEqual(["ADMIN_TOKEN"]);
  });
});

describe("a gateway that others can reach", () => {
  const HOST = "gateway.example.com";

  test.each(["127.0.0.1", "127.8.9.1", "[::1]", "localhost", "gateway.localhost"])("is none at %s", (hostname) => {
    const vars = { CLARO_BASE_URL: "http://127.0.0.1:1", LOCAL: "true", CLOCK_OFFSET_MS: "1" };
    expect(names(vars, hostname)).toEqual([]);
  });

  test.each(["10.0.0.1", "[2001:db8::1]", "localhost.example.com", "127.0.0.1.example.com", "xlocalhost", HOST])(
    "is one at %s",
    (hostname) => {
      expect(names({ ...DEPLOYED, LOCAL: "true" }, hostname)).toEqual(["LOCAL"]);
    },
  );

  test("sends Claro's credentials, and asks Access, over https only", () => {
    expect(names(DEPLOYED, HOST)).toEqual([]);
    expect(names({ ...DEPLOYED, CLARO_BASE_URL: "http://claro.example" }, HOST)).toEqual(["CLARO_BASE_URL"]);
    expect(names({ ...DEPLOYED, CLARO_BASE_URL: "HTTP://claro.example" }, HOST)).toEqual(["CLARO_BASE_URL"]);
    expect(names({ ...DEPLOYED, CLARO_TOKEN_URL: "http://claro.example/t" }, HOST)).toEqual(["CLARO_TOKEN_URL"]);
    const access = { ...ACCESS, ACCESS_TEAM_DOMAIN: "http://127.0.0.1:1" };
    expect(names({ ...DEPLOYED, ...access }, HOST)).toEqual(["ACCESS_TEAM_DOMAIN"]);
    expect(read({ ...access, LOCAL: "true" }).access).toEqual({ issuer: "http://127.0.0.1:1", audience: "a" });
  });

  test("does not start with what is for local use", () => {
    expect(names({ ...DEPLOYED, LOCAL: "true", CLOCK_OFFSET_MS: "5" }, HOST)).toEqual(["LOCAL", "CLOCK_OFFSET_MS"]);
  });
});
