import { describeMigrations } from "./schema.ts";
import { fieldsText } from "../terminal/output.ts";
import type { Options } from "./options.ts";
import { describeRelease } from "./release.ts";
import { reasonsApart } from "./side_by_side.ts";
import type { Checkout, Survey } from "./survey.ts";

type Line = readonly [name: string, value: string];

/** What a deployment will do, as it is shown before it is asked for. */
export function planText(survey: Survey, options: Options, secretsToMake: readonly string[]): string {
  const { account, found, names, schema, running, release } = survey;
  const madeOrThere = (id: string | null | undefined) => (id === null ? "will be made" : "is there");
  const lines: Line[] = [
    ["Environment", options.environment],
    ["Account", account.id],
    ["Worker", `${names.worker}: ${running === null ? "will be made" : describeRunning(survey)}`],
    ["New version", describeRelease(release)],
    ...storageLines(survey, (kind, binding) => madeOrThere(found[kind][binding])),
    ["Secrets", secretsToMake.length === 0 ? "are there" : `will be set: ${secretsToMake.join(", ")}`],
    [
      "Schema of D1",
      schema.pending.length === 0 ? "is up to date" : `to be applied: ${describeMigrations(schema.pending)}`,
    ],
    ...addressLines(survey),
    ["Goes out", wayOut(survey, options)],
  ];
  return [fieldsText(lines), ...warnings(survey, options)].join("\n\n");
}

/** What a first deployment makes, told without asking the account. */
export function dryPlanText({ names, template, release }: Checkout, environment: string): string {
  const lines: Line[] = [
    ["Environment", environment],
    ["Worker", names.worker],
    ["New version", describeRelease(release)],
    ...storageLines({ names }, () => "made unless it is there"),
    ["Secrets", `set unless they are there: ${template.secrets.required.join(", ")}`],
  ];
  return fieldsText(lines);
}

function storageLines(
  { names }: Pick<Checkout, "names">,
  state: (kind: "databases" | "namespaces" | "buckets", binding: string) => string,
): Line[] {
  const kinds = [
    ["D1 database", "databases"],
    ["KV namespace", "namespaces"],
    ["R2 bucket", "buckets"],
  ] as const;
  return kinds.flatMap(([label, kind]) =>
    Object.entries(names[kind]).map(([binding, name]): Line => [label, `${name}: ${state(kind, binding)}`]),
  );
}

function addressLines({ file, found }: Survey): Line[] {
  const { customDomain } = file.record;
  if (customDomain !== undefined)
    return [["Address", `https://${customDomain} (a DNS record of that name is replaced)`]];
  return found.subdomain === null ? [["workers.dev", "the account gets a name there"]] : [];
}

function describeRunning({ running }: Survey): string {
  return running?.release === null || running === null
    ? "a version runs that another way of deploying has made"
    : `${describeRelease(running.release)} runs`;
}

function wayOut({ running }: Survey, { canaryPercent, watchSeconds }: Options): string {
  if (canaryPercent !== null) {
    return `to ${canaryPercent} % of the calls, is watched for ${watchSeconds} s, then promoted or returned`;
  }
  return running === null ? "at once" : "at once, to every call: within seconds the version before gets none";
}

/** What whoever says yes should know. */
function warnings({ running, canary, schema, release, classNames }: Survey, { canaryPercent }: Options): string[] {
  const told: string[] = [];
  if (schema.pending.length > 0 && running !== null) {
    told.push(
      schema.replacing.length === 0
        ? "The schema is applied first. It only adds, so the version that runs goes on with it."
        : `The schema is applied first. ${schema.replacing.join(", ")} takes away what the version that runs uses: calls that
need it fail until the new version is out, a few seconds later.`,
    );
  }
  if (running !== null && canaryPercent === null) {
    const reasons = reasonsApart(running, { release, classNames }, { replacing: schema.replacing });
    if (reasons.length > 0) {
      told.push(`Afterwards --rollback will refuse to return to the version that runs now:\n${listed(reasons)}`);
    }
  }
  if (canary !== null && canaryPercent === null) {
    told.push("A canary is out. This deployment replaces both it and the version before it.");
  }
  return told;
}

export function listed(reasons: readonly string[]): string {
  return reasons.map((reason) => `  - ${reason}`).join("\n");
}
