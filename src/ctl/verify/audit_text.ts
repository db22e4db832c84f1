import type { AuditedMonth } from "../../domain/statement_audit.ts";

/** What was verified, a line a month and a sentence at the end. */
export function auditText(months: readonly AuditedMonth[]): string {
  const rows = [
    ["TENANT", "MONTH", "AMOUNT (BRL)", "CHAIN", "KEY"],
    ...months.map(({ tenantId, period, amount, chain, keyId }) => [
      tenantId ?? "-",
      period ?? "-",
      amount ?? "-",
      chain,
      keyId ?? "-",
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const count = months.length === 1 ? "1 month is as it was signed" : `${months.length} months are as they were signed`;
  return `${lines.join("\n")}\n\n${count}.`;
}

/** What does not hold, a line each under a sentence. */
export function problemLines(months: readonly AuditedMonth[]): string[] {
  const wrong = months.filter(({ problems }) => problems.length > 0);
  return [
    `${wrong.length} of ${months.length} months are not as they were signed, or cannot be trusted:`,
    ...wrong.flatMap(({ where, problems }) => problems.map(({ name, subject }) => `  ${where}: ${name} (${subject})`)),
  ];
}
