import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";

/** What the uses work with; what a use spends is made anew for it. */
export type Furnished = {
  readonly tenantId: string;
  readonly keyId: string;
  readonly lookupId: string;
  /** A month that has ended, with the tenant's events in it. */
  readonly endedMonth: string;
  readonly openMonth: string;
  /** A folder of this use alone. */
  readonly dir: string;
  /** A folder with the closed month as `statements download` wrote it, and the audit. */
  readonly downloads: string;
  readonly newTenant: () => Promise<string>;
  readonly newKey: () => Promise<string>;
  readonly newOperator: () => Promise<string>;
  readonly newRestriction: () => Promise<string>;
};

type Argv = readonly string[];

/** How a command is tried. */
export type Uses = {
  /** Its right uses, each of which ends with 0: the words after the command's own. */
  readonly right: (the: Furnished) => Promise<readonly Argv[]> | readonly Argv[];
  /** One that asks, where it has `--yes`; a no leaves all as it was. */
  readonly asked?: (the: Furnished) => Argv | Promise<Argv>;
  /** What is typed where it asks for a secret. Such a use is tried alone. */
  readonly typed?: string;
};

const NOTHING: Uses = { right: () => [[]] };

/** Every command of the command line. The test compares these with the program's own: none is forgotten. */
export const USES: Readonly<Record<string, Uses>> = {
  "tenants list": { right: () => [[], ["--limit", "1"]] },
  "tenants show": { right: ({ tenantId }) => [[tenantId]] },
  "tenants create": {
    right: () => [[...NEW_TENANT, "--plan", "pay-per-use", "--price", "0,15"]],
    asked: () => [...NEW_TENANT, "--plan", "pay-per-use", "--price", "15"],
  },
  "tenants update": {
    right: ({ tenantId }) => [[tenantId, "--legal-name", "Razão Social Muito Comprida de Comércio e Serviços Ltda."]],
    asked: ({ tenantId }) => [tenantId, "--document", "33.014.556/0001-96"],
  },
  "tenants suspend": {
    right: async ({ newTenant }) => [[await newTenant(), "--yes"]],
    asked: ({ tenantId }) => [tenantId],
  },
  "tenants resume": { right: async ({ newTenant }) => [[await newTenant()]] },
  "tenants portal-link": { right: async ({ newTenant }) => [[await newTenant()], [await newTenant(), "--revoke"]] },
  "keys list": { right: ({ tenantId }) => [[tenantId]] },
  "keys create": {
    right: async ({ newTenant }) => [[await newTenant(), "--mode", "test", "--label", "caixa", "--expires", "90d"]],
  },
  "keys show": { right: ({ tenantId, keyId }) => [[tenantId, keyId]] },
  "keys update": {
    right: async ({ tenantId, newKey }) => [[tenantId, await newKey(), "--daily-lookups", "100", "--spend-cap", "50"]],
    asked: async ({ tenantId, newKey }) => [tenantId, await newKey(), "--daily-lookups", "0"],
  },
  "keys rotate": {
    right: async ({ newKey }) => [[await newKey(), "--overlap", "1h"]],
    asked: ({ keyId }) => [keyId, "--overlap", "0s"],
  },
  "keys revoke": { right: async ({ newKey }) => [[await newKey(), "--yes"]], asked: ({ keyId }) => [keyId] },
  "keys revoke-now": {
    right: async ({ tenantId, newKey }) => [[tenantId, await newKey(), "--yes"]],
    asked: ({ tenantId, keyId }) => [tenantId, keyId],
  },
  "plans list": NOTHING,
  "plans show": { right: ({ tenantId }) => [[tenantId]] },
  "plans set": {
    right: async ({ newTenant }) => [[await newTenant(), "--reads", "100"]],
    asked: ({ tenantId }) => [tenantId, "--spend-cap", "none"],
  },
  usage: { right: ({ tenantId }) => [[tenantId], [tenantId, "--mode", "test", "--all-days"]] },
  "lookups show": {
    right: ({ tenantId, lookupId }) => [[lookupId], [lookupId, "--tenant", tenantId], ["pedido-7"]],
  },
  "statements list": { right: ({ tenantId }) => [[tenantId]] },
  "statements show": {
    right: ({ tenantId, endedMonth, openMonth }) =>
      [endedMonth, openMonth].map((month) => [tenantId, "--period", month]),
  },
  "statements close": {
    right: ({ endedMonth }) => [["--period", endedMonth, "--yes"]],
    asked: ({ endedMonth }) => ["--period", endedMonth],
  },
  "statements download": {
    right: ({ tenantId, endedMonth, dir }) => [[tenantId, "--period", endedMonth, "--dir", dir]],
  },
  "statements verify": { right: ({ downloads }) => [[downloads]] },
  "statements revoke-key": { right: () => [], asked: () => ["export-none"] },
  "statements new-key": NOTHING,
  "periods show": { right: ({ endedMonth, dir }) => [[endedMonth], [endedMonth, "--csv", join(dir, "period.csv")]] },
  "periods upstream-prices": { right: ({ openMonth }) => [[openMonth, "--price", "100000:0.09,rest:0.07"]] },
  adjust: {
    right: ({ tenantId }) => [[tenantId, "--amount", "1,00", "--reason", "cortesia", "--yes"]],
    asked: ({ tenantId }) => [tenantId, "--amount=-12,34", "--reason", "cortesia"],
  },
  adjustments: { right: ({ tenantId }) => [[tenantId]] },
  reconcile: {
    right: ({ endedMonth, dir }) => {
      writeFileSync(join(dir, "claro.csv"), "transactionId,occurredAt,customerId,status\n");
      return [[join(dir, "claro.csv"), "--period", endedMonth]];
    },
  },
  audit: { right: () => [[], ["--limit", "2"], ["--after", "999999"]] },
  "audit download": { right: ({ dir }) => [[join(dir, "audit")]] },
  "audit verify": {
    right: ({ downloads }) => [[join(downloads, "audit.jsonl"), "--keys", join(downloads, "export-keys.json")]],
  },
  health: NOTHING,
  "ledger verify": { right: ({ tenantId }) => [[tenantId]] },
  "ledger restore": { right: ({ tenantId }) => [[tenantId, "--yes"]], asked: ({ tenantId }) => [tenantId] },
  "ledger rebuild": NOTHING,
  "operators list": NOTHING,
  "operators create": { right: () => [["--name", "Ana Operadora", "--role", "read", "--expires", "90d"]] },
  "operators set-roles": {
    right: async ({ newOperator }) => [[await newOperator(), "--role", "operate", "--role", "finance"]],
  },
  "operators revoke": {
    right: async ({ newOperator }) => [[await newOperator(), "--yes"]],
    asked: async ({ newOperator }) => [await newOperator()],
  },
  "privacy status": NOTHING,
  "subjects access": { right: ({ dir }) => [["--report", join(dir, "acesso.html")]], typed: "529.982.247-25\r" },
  "subjects restrict": { right: () => [["--reason", "oposição", "--until", "1d"]], typed: "111.444.777-35\r" },
  "subjects restrictions": NOTHING,
  "subjects unrestrict": {
    right: async ({ newRestriction }) => [[await newRestriction(), "--yes"]],
    asked: async ({ newRestriction }) => [await newRestriction()],
  },
  login: { right: () => [[]], typed: "test-admin-token-0123456789-abcdef\r" },
  logout: NOTHING,
  // Takes half a minute and more: test/ctl/demo_traffic.test.ts and the screenshots run it.
  "demo fill": { right: () => [] },
};

const NEW_TENANT = [
  "--name",
  `Comércio ${"muito comprido ".repeat(8)}Ltda.`,
  "--document",
  "12.ABC.345/01DE-35",
  "--allow-duplicate",
  "--customer-id",
  "cliente_1",
];

/** Wrong values for each kind of value; none where any text will do. A kind that is not here fails the test. */
const WRONG_VALUES: Readonly<Record<string, readonly string[]>> = {
  n: ["1.000", "1e3", "\u0665", "many"],
  reais: ["5.000", "cinco", "\u0665", "1e3"],
  tiers: ["10000:0.15", "0.150.000", "x"],
  duration: ["24", "24H", "1h30m"],
  time: ["24", "2027-01-31", "31/01/2027"],
  instant: ["2026", "2026-11-01", "9999-01-01T00:00:00Z"],
  date: ["30/11/2026", "2026-11-31"],
  day: ["2026-02-30", "today"],
  month: ["11/2026", "2026-13", "\uff12026-11"],
  cnpj: ["00000000000000", "12ABC34501DE36", "12345678901"],
  role: ["god"],
  scope: ["all"],
  field: ["cpf"],
  text: [],
  id: [],
  email: [],
  address: [],
  name: [],
  what: [],
  file: [],
  dir: [],
  url: [],
  cidr: [],
  "tenant-id": [],
};

function wrongValuesOf({ flags, argChoices }: Option): readonly string[] {
  if (argChoices !== undefined) return ["neither"];
  const known = WRONG_VALUES[kindOf(flags)];
  if (known === undefined) throw new Error(`WRONG_VALUES has nothing for ${flags}`);
  return known;
}

/** `reais` of `--amount <reais>`. */
const kindOf = (flags: string) => /<(.+)>/.exec(flags)?.[1] ?? "";

/** A value for a positional argument that has the right form, and that nothing is called by. */
const UNKNOWN: Readonly<Record<string, string>> = {
  "tenant-id": "ten_nobody",
  "key-id": "csg_live_0000000000",
  "operator-id": "csg_op_0000000000",
  "restriction-id": "rst_0123456789abcdef0123",
  kid: "export-none",
};

export type TriedCommand = { readonly path: readonly string[]; readonly command: Command };

/** Every command that does something, with its words. */
export function commandsOf(command: Command, path: readonly string[] = []): TriedCommand[] {
  const inner = command.commands.flatMap((each) => commandsOf(each, [...path, each.name()]));
  const isGroup = command.commands.length > 0 && command.options.length === 0;
  return path.length === 0 || isGroup ? inner : [{ path, command }, ...inner];
}

export type WrongUse = { readonly why: string; readonly argv: Argv; readonly code: number };

/** The wrong uses of a command, as its own declaration gives them. */
export function wrongUsesOf({ path, command }: TriedCommand): WrongUse[] {
  const given = command.registeredArguments.map((argument) => UNKNOWN[argument.name()] ?? valueOf(argument.name()));
  const mandatory = command.options.filter((option) => option.mandatory);
  const needed = (left?: Option) =>
    mandatory.flatMap((option) => (option === left ? [] : [option.long ?? "", valueOf(nameOf(option))]));
  const wrong = (why: string, ...argv: Argv): WrongUse => ({ why, argv: [...path, ...argv], code: 2 });
  const uses = [wrong("an unknown flag", ...given, ...needed(), "--no-such-flag")];
  const required = command.registeredArguments.filter((argument) => argument.required);
  if (required.length > 0) {
    uses.push(wrong("a missing argument", ...given.slice(0, required.length - 1), ...needed()));
    uses.push(wrong("a blank argument", ...given.slice(0, -1), " ", ...needed()));
  }
  if (!command.registeredArguments.some((argument) => argument.variadic)) {
    uses.push(wrong("one argument too many", ...given, "more", ...needed()));
  }
  for (const option of mandatory) uses.push(wrong(`without ${option.long}`, ...given, ...needed(option)));
  for (const option of command.options.filter(({ flags }) => flags.includes("<"))) {
    const before = [...given, ...needed(option), option.long ?? ""];
    for (const value of wrongValuesOf(option)) uses.push(wrong(`${option.long} ${value}`, ...before, value));
    uses.push(wrong(`${option.long} without a value`, ...before));
  }
  // What the gateway does not know, it refuses. A key of signatures can be disowned that it never had.
  if (required.some((argument) => argument.name() in UNKNOWN && argument.name() !== "kid")) {
    const yes = command.options.some(({ long }) => long === "--yes") ? ["--yes"] : [];
    const change = CHANGES[path.join(" ")] ?? [];
    uses.push({ why: "an id that nobody has", argv: [...path, ...given, ...needed(), ...change, ...yes], code: 1 });
  }
  return uses;
}

/** What is changed by a command that wants at least one change. */
const CHANGES: Readonly<Record<string, Argv>> = {
  "tenants update": ["--name", "x"],
  "keys update": ["--rate", "5"],
  "plans set": ["--reads", "100"],
};

const nameOf = ({ flags, argChoices }: Option): string => argChoices?.[0] ?? kindOf(flags);

/** A right value of a kind; the first of its choices stands for itself. */
function valueOf(kind: string): string {
  const values: Readonly<Record<string, string>> = {
    month: "2026-11",
    reais: "1",
    tiers: "0.15",
    cnpj: "12ABC34501DE35",
    role: "read",
    n: "1",
    file: "no-such-file",
    what: "no-such-lookup",
  };
  return values[kind] ?? kind;
}
