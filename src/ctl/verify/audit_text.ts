import type { AuditedMonth } from "../../domain/statement_audit.ts";
import { table } from "../terminal/table.ts";

/** What was verified, a line a month and a sentence at the end. */
export function auditText(months: readonly AuditedMonth[]): string {
  const rows = table(
    months,
    [
      { title: "TENANT", cell: ({ tenantId }) => tenantId ?? "-" },
      { title: "MONTH", cell: ({ period }) => period ?? "-" },
      { title: "AMOUNT (BRL)", cell: ({ amount }) => amount ?? "-" },
      { title: "CHAIN", cell: ({ chain }) => chain },
      { title: "KEY", cell: ({ keyId }) => keyId ?? "-" },
    ],
    { maxWidth: null, bold: (text) => text },
  );
  const count = months.length === 1 ? "1 month is as it was signed" : `${months.length} months are as they were signed`;
  return `${rows}\n\n${count}.`;
}

/** What does not hold, a line each under a sentence. */
export function problemLines(months: readonly AuditedMonth[]): string[] {
  const wrong = months.filter(({ problems }) => problems.length > 0);
  return [
    `${wrong.length} of ${months.length} months are not as they were signed, or cannot be trusted:`,
    ...wrong.flatMap(({ where, problems }) => problems.map(({ name, subject }) => `  ${where}: ${name} (${subject})`)),
  ];
}
