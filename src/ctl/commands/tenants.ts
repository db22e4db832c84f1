import { Option, type Command } from "commander";
import { formatCnpj } from "../../domain/cnpj.ts";
import { REQUIRABLE_FIELDS } from "../../domain/lookup_grounds.ts";
import { PLAN_NAMES, resolvePlan, type Plan } from "../../domain/plan.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { usageError } from "../ctl_error.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, note, print, tableText, warn } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { dangersOf, describeChanges } from "./plan_changes.ts";
import { addPlanOptions, plansFields, planTerms, type PlanOptions } from "./plan_terms.ts";
import { cnpj, collectOf, wholeNumber } from "./read_arguments.ts";
import { shownMany, shownTime } from "./shown_values.ts";

/** A tenant as the admin API shows it. */
export type ShownTenant = {
  readonly id: string;
  readonly name: string;
  readonly document: string;
  readonly legalName: string | null;
  readonly email: string | null;
  readonly customerId: string;
  readonly requires: readonly string[];
  readonly plan: Plan;
  /** What takes the plan's place from a day on. */
  readonly nextPlan: (Plan & { readonly effectiveFrom: string }) | null;
  readonly status: "active" | "suspended";
  readonly createdAt: string;
};

type CreatedTenant = ShownTenant & {
  readonly warnings?: readonly { readonly code?: string; readonly message: string }[];
};

/** What a tenant is, besides its plan. */
type About = {
  readonly name?: string;
  readonly document?: string;
  readonly legalName?: string;
  readonly email?: string;
  readonly customerId?: string;
  readonly require?: readonly string[];
  readonly allowDuplicate?: true;
};

/** What `none` takes away. */
const NULLABLE = new Set(["legalName", "email"]);
const MOST_LISTED = 100_000;
const REQUIRE_HELP = `what each lookup must have: ${REQUIRABLE_FIELDS.join(", ")}; repeat it`;

/** `tenants`: the partners, their state and what Claro knows them as. */
export function addTenantCommands(program: Command): void {
  const tenants = addGroup(program, "tenants", "The partners that use the gateway: create, change, suspend.");
  withExamples(tenants, ["tenants list", "tenants show <tenant-id>", "tenants suspend <tenant-id>"]);

  withExamples(
    tenants
      .command("list")
      .description("Lists tenants, oldest first.")
      .option("--limit <n>", "at most so many", wholeNumber(1, MOST_LISTED), 1000)
      .action(listTenants),
    ["tenants list", "tenants list --limit 20 --json"],
  );
  withExamples(tenants.command("show").description("Shows one tenant.").argument("<tenant-id>").action(showTenant), [
    "tenants show <tenant-id>",
    "tenants show <tenant-id> --json",
  ]);
  const create = tenants
    .command("create")
    .description("Creates a tenant. It can make lookups once it has a key.")
    .requiredOption("--name <name>", "the partner's name")
    .requiredOption("--document <cnpj>", "its CNPJ, with punctuation or without", cnpj)
    .requiredOption("--customer-id <id>", "the X-CustomerID that Claro knows the partner by")
    .addOption(new Option("--plan <name>", "trial or pay-per-use").choices(PLAN_NAMES).makeOptionMandatory())
    .option("--legal-name <name>", "razão social, for documents")
    .option("--email <address>", "where documents are sent to")
    .option("--require <field>", REQUIRE_HELP, collectOf(REQUIRABLE_FIELDS))
    .option("--allow-duplicate", "take a CNPJ that another tenant has")
    .option("--yes", "do not ask, whatever the plan");
  withExamples(addPlanOptions(create).action(createTenant), [
    'tenants create --name "Loja São João" --document 12ABC34501DE35 --customer-id loja --plan trial',
    "tenants create --name Banco --document 12ABC34501DE35 --customer-id banco --plan pay-per-use --price 0.15 --rate 100",
  ]);
  withExamples(
    tenants
      .command("update")
      .description("Changes who a tenant is, or what Claro knows it as. For its plan see: plans set")
      .argument("<tenant-id>")
      .option("--name <name>")
      .option("--document <cnpj>", "its CNPJ, with punctuation or without", cnpj)
      .option("--legal-name <name>", "razão social, or none")
      .option("--email <address>", "where documents are sent to, or none")
      .option("--customer-id <id>", "the X-CustomerID that Claro is sent")
      .option("--require <field>", `${REQUIRE_HELP}; none for no field`, collectOf([...REQUIRABLE_FIELDS, "none"]))
      .option("--allow-duplicate", "take a CNPJ that another tenant has")
      .option("--yes", "do not ask, even for another CNPJ or customer id")
      .action(updateTenant),
    [
      'tenants update <tenant-id> --name "Loja São João" --legal-name "Loja São João Ltda."',
      "tenants update <tenant-id> --document 12.ABC.345/01DE-35",
    ],
  );
  withExamples(
    tenants
      .command("suspend")
      .description("Refuses every call of a tenant, at once. `resume` ends it.")
      .argument("<tenant-id>")
      .option("--yes", "do not ask")
      .action(suspendTenant),
    ["tenants suspend <tenant-id>", "tenants suspend <tenant-id> --yes"],
  );
  withExamples(
    tenants.command("resume").description("Ends a suspension, at once.").argument("<tenant-id>").action(resumeTenant),
    ["tenants resume <tenant-id>"],
  );
  withExamples(
    tenants
      .command("portal-link")
      .description("Makes a link by which a partner's person signs in to the portal: once, within 15 minutes.")
      .argument("<tenant-id>")
      .option("--revoke", "end the tenant's links instead, and the sessions that they opened")
      .action(makePortalLink),
    ["tenants portal-link <tenant-id>", "tenants portal-link <tenant-id> --revoke"],
  );
}

export async function fetchTenant(api: AdminApi, tenantId: string): Promise<ShownTenant> {
  return await api.get<ShownTenant>(`/tenants/${encodeURIComponent(tenantId)}`);
}

async function changeTenant(api: AdminApi, tenantId: string, change: unknown): Promise<ShownTenant> {
  return await api.patch<ShownTenant>(`/tenants/${encodeURIComponent(tenantId)}`, change);
}

async function listTenants(options: { limit: number }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const page = await withSpinner("Reading tenants", (report) =>
    api.list<ShownTenant>("/tenants", {
      most: options.limit,
      onEntries: ({ length }) => report(shownMany(length, "tenant")),
    }),
  );
  print(page, { json, human: () => tenantsTable(page.data) });
  if (page.nextCursor !== null && !json) note(`There are more than ${options.limit}: raise --limit to see them.`);
}

function tenantsTable(tenants: readonly ShownTenant[]): string {
  return tableText(
    tenants,
    [
      { title: "ID", cell: (tenant) => tenant.id },
      { title: "NAME", cell: (tenant) => tenant.name, elastic: true },
      { title: "DOCUMENT", cell: (tenant) => tenant.document, optional: true },
      { title: "CUSTOMER ID", cell: (tenant) => tenant.customerId, elastic: true },
      { title: "PLAN", cell: (tenant) => tenant.plan.name },
      { title: "STATUS", cell: (tenant) => tenant.status },
      { title: "CREATED", cell: (tenant) => tenant.createdAt.slice(0, 10), optional: true },
    ],
    "No tenants yet. Create one with: npx ctl tenants create --help",
  );
}

async function showTenant(tenantId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  printTenant(await fetchTenant(api, tenantId), json);
}

async function createTenant(
  options: About & { name: string; document: string; customerId: string; yes?: true } & PlanOptions,
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const { name, document, legalName, email, customerId, allowDuplicate, plan: planName, yes = false } = options;
  const plan = planTerms(options, null);
  if (planName === undefined) throw usageError("Give --plan");
  const usual = resolvePlan({ name: planName }, Date.now());
  const asked = resolvePlan({ ...plan, name: planName }, Date.now());
  const dangers = dangersOf(usual, asked);
  if (dangers.length > 0) {
    const differences = describeChanges(usual, asked);
    const lines = [`Create ${name} with an unusual plan?`, ...differences, ...dangers.map((why) => `! ${why}`)];
    await confirm(lines.join("\n  "), { yes });
  }
  const about = { name, document, legalName, email, customerId, requires: options.require, allowDuplicate };
  const { warnings = [], ...tenant } = await api.post<CreatedTenant>("/tenants", { ...about, plan });
  if (json) return print({ ...tenant, warnings }, { json, human: () => "" });
  printTenant(tenant, json);
  for (const { code, message } of warnings) {
    // The API names its own field; here a command sets it.
    const [fact = message] = message.split(" Set `");
    warn(code === "no_spend_cap" ? `${fact} Set one: npx ctl plans set ${tenant.id} --spend-cap 5000` : message);
  }
  note(`\nNext, a key:  npx ctl keys create ${tenant.id} --mode test`);
}

async function updateTenant(
  tenantId: string,
  { yes = false, ...options }: About & { yes?: boolean },
  command: Command,
): Promise<void> {
  const { allowDuplicate, require, ...given } = options;
  const change: Record<string, string | readonly string[] | null> = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, NULLABLE.has(name) && value === "none" ? null : value]),
  );
  if (require !== undefined) change["requires"] = require.join() === "none" ? [] : require;
  if (Object.keys(change).length === 0) throw usageError("Nothing to change: see --help for what can be");
  const { api, json } = contextOf(command);
  const before = await fetchTenant(api, tenantId);
  const dangers = (["document", "customerId"] as const).flatMap((name) =>
    change[name] === undefined || change[name] === before[name]
      ? []
      : [`${name}: ${before[name]} → ${String(change[name] ?? "none")}`],
  );
  if (dangers.length > 0) {
    const question = `Change what ${before.name} (${tenantId}) is billed as?`;
    await confirm([question, ...dangers].join("\n  "), { yes });
  }
  printTenant(await changeTenant(api, tenantId, { ...change, allowDuplicate }), json);
}

async function suspendTenant(tenantId: string, options: { yes?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const { name } = await fetchTenant(api, tenantId);
  await confirm(`Refuse every call of ${name} (${tenantId}) from now on?`, { yes: options.yes === true });
  printTenant(await changeTenant(api, tenantId, { status: "suspended" }), json);
}

async function resumeTenant(tenantId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  printTenant(await changeTenant(api, tenantId, { status: "active" }), json);
}

async function makePortalLink(tenantId: string, options: { revoke?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const path = `/tenants/${encodeURIComponent(tenantId)}/portal-links`;
  if (options.revoke === true) {
    const ended = await api.post<{ effectiveAt: string }>(`${path}/revoke`);
    return print(ended, {
      json,
      human: () => `Links and their sessions are over since ${shownTime(ended.effectiveAt)}.`,
    });
  }
  const link = await api.post<{ url: string; expiresAt: string }>(path);
  print(link, { json, human: () => link.url });
  note(`Signs in once, until ${shownTime(link.expiresAt)}. Send it to the partner only.`);
}

function printTenant(tenant: ShownTenant, json: boolean): void {
  const human = () =>
    fieldsText([
      ["Tenant", tenant.id],
      ["Name", tenant.name],
      ["Document", formatCnpj(tenant.document)],
      ["Legal name", tenant.legalName ?? "-"],
      ["E-mail", tenant.email ?? "-"],
      ["Customer ID", tenant.customerId],
      ["Requires", tenant.requires.join(" ") || "nothing"],
      ["Status", tenant.status],
      ["Created", shownTime(tenant.createdAt)],
      ...plansFields(tenant),
    ]);
  print(tenant, { json, human });
}
