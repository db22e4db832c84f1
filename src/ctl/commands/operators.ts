import type { Command } from "commander";
import { ROLES } from "../../domain/roles.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { confirm } from "../terminal/confirm.ts";
import { fieldsText, print, tableText, warn } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";
import { collectOf, instant } from "./read_arguments.ts";
import { shownTime } from "./shown_values.ts";

type Operator = {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly roles: readonly string[];
  readonly status: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
};

const MOST_LISTED = 10_000;

/** `operators`: who may do what. */
export function addOperatorCommands(program: Command): void {
  const operators = addGroup(program, "operators", "Who operates the gateway: list, create, change, revoke.");
  withExamples(operators, ["operators list", 'operators create --name "Ana Souza" --role operate']);
  withExamples(
    operators.command("list").description("Lists the operators, without their tokens.").action(listOperators),
    ["operators list", "operators list --json"],
  );
  withExamples(
    operators
      .command("create")
      .description("Makes an operator. The token is printed now and never again.")
      .requiredOption("--name <name>", "who it is")
      .requiredOption("--role <role>", `${ROLES.join(", ")}; repeat it`, collectOf(ROLES))
      .option("--email <email>", "what Cloudflare Access vouches for")
      .option("--expires <time>", "when it ends: 2027-01-31T23:59:59-03:00, or 90d from now (default: never)", instant)
      .action(createOperator),
    [
      'operators create --name "Ana Souza" --email ana@example.com --role admin',
      'operators create --name "Night shift" --role operate --role finance --expires 90d',
    ],
  );
  withExamples(
    operators
      .command("set-roles")
      .description("Gives an operator other roles, at once, in open sessions too.")
      .argument("<operator-id>", "csg_op_…")
      .requiredOption("--role <role>", `${ROLES.join(", ")}; repeat it: these replace all`, collectOf(ROLES))
      .action(setRoles),
    ["operators set-roles csg_op_0123456789 --role operate --role finance"],
  );
  withExamples(
    operators
      .command("revoke")
      .description("Ends an operator's token and e-mail at once and for ever.")
      .argument("<operator-id>", "csg_op_…")
      .option("--yes", "do not ask")
      .action(revokeOperator),
    ["operators revoke csg_op_0123456789"],
  );
}

async function listOperators(_options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const page = await withSpinner("Reading operators", () => api.list<Operator>("/operators", { most: MOST_LISTED }));
  const human = () =>
    tableText(
      page.data,
      [
        { title: "ID", cell: ({ id }) => id },
        { title: "NAME", cell: ({ name }) => name, elastic: true },
        { title: "E-MAIL", cell: ({ email }) => email ?? "-", elastic: true },
        { title: "ROLES", cell: ({ roles }) => roles.join(" ") },
        { title: "STATUS", cell: ({ status }) => status },
        { title: "LAST USED", cell: ({ lastUsedAt }) => shownTime(lastUsedAt), optional: true },
        { title: "EXPIRES", cell: ({ expiresAt }) => shownTime(expiresAt), optional: true },
      ],
      'There are no operators yet, only ADMIN_TOKEN. Make one with: npm run ctl -- operators create --name "…" --role admin',
    );
  print(page, { json, human });
}

async function createOperator(
  options: { name: string; role: readonly string[]; email?: string; expires?: string },
  command: Command,
): Promise<void> {
  const { api, json } = contextOf(command);
  const { name, role: roles, email = null, expires: expiresAt = null } = options;
  const made = await api.post<Operator & { token: string }>("/operators", { name, roles, email, expiresAt });
  const human = () =>
    fieldsText([
      ["Operator", `${made.name} (${made.id})`],
      ["Roles", made.roles.join(" ")],
      ["E-mail", made.email ?? "-"],
      ["Expires", shownTime(made.expiresAt)],
      ["Token", made.token],
    ]);
  print(made, { json, human });
  if (!json) warn("The token is not shown again. Its owner keeps it with: npm run ctl -- login");
}

async function setRoles(id: string, { role: roles }: { role: readonly string[] }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const changed = await api.patch<Operator>(`/operators/${encodeURIComponent(id)}`, { roles });
  print(changed, { json, human: () => `${changed.name} (${changed.id}) may now: ${changed.roles.join(" ")}` });
}

async function revokeOperator(id: string, options: { yes?: true }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  await confirm(`Revoke ${id}? Its token and e-mail stop working at once, for ever.`, { yes: options.yes === true });
  const revoked = await api.post<Operator>(`/operators/${encodeURIComponent(id)}/revoke`);
  print(revoked, { json, human: () => `${revoked.name} (${revoked.id}) is revoked.` });
}
