import { Option, type Command } from "commander";
import { overridePlan, PLAN_NAMES, resolvePlan, TRIAL_MONTHS, type Plan } from "../../domain/plan.ts";
import { usageError } from "../ctl_error.ts";
import { addGroup, contextOf, contextOfOffline, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, note, print, tableText } from "../terminal/output.ts";
import { dangersOf, describeChanges } from "./plan_changes.ts";
import { addPlanOptions, plansFields, planTerms, shownTiers, type GivenTerms, type PlanOptions } from "./plan_terms.ts";
import { saoPauloDate } from "./read_arguments.ts";
import { shownCount } from "./shown_values.ts";
import { fetchTenant, type ShownTenant } from "./tenants.ts";

/** `plans`: the terms that tenants are served under. */
export function addPlanCommands(program: Command): void {
  const plans = addGroup(
    program,
    "plans",
    "The terms that tenants are served under: allowance, price, rate, spend cap.",
  );
  withExamples(plans, ["plans list", "plans set <tenant-id> --plan pay-per-use --price 10000:0.15,rest:0.12"]);

  withExamples(
    plans.command("list").description("Lists the plans with the terms that they begin with.").action(listPlans),
    ["plans list"],
  );
  withExamples(plans.command("show").description("Shows a tenant's plan.").argument("<tenant-id>").action(showPlan), [
    "plans show <tenant-id>",
  ]);
  const set = plans
    .command("set")
    .description(
      "Changes a tenant's plan, or terms of it, from the next lookup on, or with --from from a coming month on. With " +
        "--plan the terms begin anew from that plan's defaults; without it, what is not given stays. What changes is " +
        "shown; what is dangerous is asked about.",
    )
    .argument("<tenant-id>")
    .addOption(new Option("--plan <name>", "trial or pay-per-use").choices(PLAN_NAMES))
    .option("--from <day>", "the first day of a coming month, e.g. 2027-01-01 (default: now)", saoPauloDate)
    .option("--yes", "do not ask, whatever changes");
  withExamples(addPlanOptions(set).action(setPlan), [
    "plans set <tenant-id> --plan pay-per-use --price 10000:0.15,50000:0.12,rest:0.10 --spend-cap 5000",
    "plans set <tenant-id> --price 0.12 --from 2027-01-01",
    "plans set <tenant-id> --rate 100 --burst 200",
    "plans set <tenant-id> --allowance 5000 --allowance-ends 90d",
    "plans set <tenant-id> --allowance-ends never",
    "plans set <tenant-id> --spend-cap none --yes",
  ]);
}

async function listPlans(_options: unknown, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const plans = PLAN_NAMES.map((name) => resolvePlan({ name }, Date.now()));
  // A trial's end is counted from the tenant's creation: it is no term of the plan itself.
  const shown = plans.map(({ allowance, ...plan }) => ({
    ...plan,
    allowance: allowance === null ? null : { requests: allowance.requests, months: TRIAL_MONTHS },
  }));
  const human = () =>
    tableText(
      shown,
      [
        { title: "PLAN", cell: (plan) => plan.name },
        {
          title: "ALLOWANCE",
          cell: ({ allowance }) =>
            allowance === null ? "unlimited" : `${shownCount(allowance.requests)} in ${allowance.months} months`,
        },
        { title: "PRICE (BRL)", cell: (plan) => shownTiers(plan.tiers), align: "right" },
        { title: "RATE", cell: (plan) => `${plan.ratePerSecond}/s`, align: "right" },
        { title: "BURST", cell: (plan) => shownCount(plan.burst), align: "right" },
        { title: "SPEND CAP", cell: () => "none" },
      ],
      "",
    );
  print({ data: shown, nextCursor: null }, { json, human });
}

async function showPlan(tenantId: string, _options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  printPlan(await fetchTenant(api, tenantId), json);
}

async function setPlan(
  tenantId: string,
  { from, yes = false, ...options }: PlanOptions & { from?: string; yes?: boolean },
  command: Command,
): Promise<void> {
  if (Object.keys(options).length === 0) throw usageError("Nothing to change: see --help for a plan's terms");
  const { api, json } = contextOf(command);
  const before = await fetchTenant(api, tenantId);
  const terms = planTerms(options, before.plan);
  const after = changedPlan(before, terms);
  const changes = describeChanges(before.plan, after);
  const { nextPlan } = before;
  const dropped = nextPlan === null ? [] : [`the plan that waits for ${nextPlan.effectiveFrom} is dropped`];
  const dangers = [...dangersOf(before.plan, after), ...dropped];
  const start = from === undefined ? "" : ` from ${from} on`;
  if (dangers.length > 0) {
    const question = `Change the plan of ${before.name} (${tenantId})${start}?`;
    const lines = [question, ...changes, ...dangers.map((why) => `! ${why}`)];
    await confirm(lines.join("\n  "), { yes });
  }
  const tenant = await api.patch<ShownTenant>(`/tenants/${encodeURIComponent(tenantId)}`, {
    plan: from === undefined ? terms : { ...terms, effectiveFrom: from },
  });
  if (!json) note(changes.length === 0 ? "Nothing changes: the plan has these terms." : changes.join("\n"));
  printPlan(tenant, json);
}

/** The plan as the gateway will make it of the terms. */
function changedPlan({ plan, createdAt }: ShownTenant, { name, ...terms }: GivenTerms): Plan {
  return name === undefined ? overridePlan(plan, terms) : resolvePlan({ name, ...terms }, Date.parse(createdAt));
}

function printPlan(tenant: ShownTenant, json: boolean): void {
  const { plan, nextPlan } = tenant;
  print({ ...plan, nextPlan }, { json, human: () => fieldsText(plansFields(tenant)) });
}
