import { formatMicros } from "../money.ts";
import type { Difference } from "../reconciliation_differences.ts";
import type { Outcome } from "../meter_event.ts";
import { csvLine, type CsvCell } from "./csv.ts";
import { PORTUGUESE_WORDS } from "./portuguese_words.ts";

const BYTE_ORDER_MARK = "\uFEFF";

/** Whose list a difference is on. */
export type DifferenceSide = "onlyOurs" | "onlyClaro";
export type DifferencesStyle = "plain" | "brazilian";

type Style = {
  readonly start: string;
  readonly separator: "," | ";";
  readonly columns: readonly string[];
  readonly sides: Readonly<Record<DifferenceSide, string>>;
  readonly reasons: Readonly<Record<Difference["reason"], string>>;
  readonly outcomeWord: (outcome: Outcome) => string;
  readonly money: (micros: number) => string;
};

const STYLES: Readonly<Record<DifferencesStyle, Style>> = {
  plain: {
    start: "",
    separator: ",",
    columns: [
      "side",
      "reason",
      "date",
      "customerId",
      "tenantId",
      "lookupId",
      "outcome",
      "transactionId",
      "quantity",
      "amount",
      "cost",
    ],
    sides: { onlyOurs: "onlyOurs", onlyClaro: "onlyClaro" },
    reasons: {
      not_in_report: "not_in_report",
      near_month_end: "near_month_end",
      unknown_to_us: "unknown_to_us",
      repeated: "repeated",
      not_delivered: "not_delivered",
    },
    outcomeWord: (outcome) => outcome,
    money: formatMicros,
  },
  brazilian: {
    start: BYTE_ORDER_MARK,
    separator: ";",
    columns: [
      "lado",
      "explicação",
      "dia",
      "Customer ID",
      "parceiro",
      "consulta",
      "resultado",
      "transação da Claro",
      "quantidade",
      "cobrado do parceiro (R$)",
      "custo da Claro (R$)",
    ],
    sides: { onlyOurs: "só nosso", onlyClaro: "só da Claro" },
    reasons: {
      not_in_report: "ausente do relatório",
      near_month_end: "perto da virada do mês",
      unknown_to_us: "desconhecida aqui",
      repeated: "repetida no relatório",
      not_delivered: "terminou de outro jeito aqui",
    },
    outcomeWord: (outcome) => PORTUGUESE_WORDS["outcome"]?.[outcome] ?? outcome,
    money: (micros) => formatMicros(micros).replace(".", ","),
  },
};

/** The first line of a file of differences between a month and Claro's report. */
export function differencesHead(style: DifferencesStyle): string {
  const { start, columns, separator } = STYLES[style];
  return start + csvLine(columns, separator);
}

/** The lines of some differences of one side; `unitCostMicros` is Claro's price of each lookup, null where it is not known. */
export function differencesLines(
  differences: readonly Difference[],
  { side, style, unitCostMicros }: { side: DifferenceSide; style: DifferencesStyle; unitCostMicros: number | null },
): string {
  const { sides, reasons, money, separator, outcomeWord } = STYLES[style];
  return differences
    .map(({ reason, date, customerId, tenantId, lookupId, outcome, transactionId, quantity, amountMicros }) => {
      const what: CsvCell[] = [
        sides[side],
        reasons[reason],
        date,
        customerId,
        tenantId,
        lookupId,
        outcome === null ? null : outcomeWord(outcome),
        transactionId,
      ];
      const cost = unitCostMicros === null ? null : { number: money(unitCostMicros * quantity) };
      return csvLine([...what, quantity, { number: money(amountMicros) }, cost], separator);
    })
    .join("");
}
