import type { Command } from "commander";
import { addAuditCommands } from "./audit.ts";
import { addCorrectionCommands } from "./corrections.ts";
import { addDemoCommands } from "./demo.ts";
import { addHealthCommand } from "./health.ts";
import { addKeyCommands } from "./keys.ts";
import { addLedgerCommands } from "./ledger.ts";
import { addLoginCommands } from "./login.ts";
import { addLookupCommands } from "./lookups.ts";
import { addOperatorCommands } from "./operators.ts";
import { addPeriodCommands } from "./periods.ts";
import { addPlanCommands } from "./plans.ts";
import { addPrivacyCommands } from "./privacy.ts";
import { addStatementCommands } from "./statements.ts";
import { addSubjectCommands } from "./subjects.ts";
import { addTenantCommands } from "./tenants.ts";
import { addUsageCommand } from "./usage.ts";
import { newProgram } from "../program.ts";

/** The whole command line. `tellWellness` is told what `health` found. */
export function wholeProgram(tellWellness: (isWell: boolean) => void): Command {
  const program = newProgram();
  addTenantCommands(program);
  addKeyCommands(program);
  addPlanCommands(program);
  addUsageCommand(program);
  addLookupCommands(program);
  addStatementCommands(program);
  addPeriodCommands(program);
  addCorrectionCommands(program);
  addAuditCommands(program);
  addHealthCommand(program, tellWellness);
  addLedgerCommands(program);
  addOperatorCommands(program);
  addPrivacyCommands(program);
  addSubjectCommands(program);
  addLoginCommands(program);
  addDemoCommands(program);
  return program;
}
