import type { CostedTotals, PeriodOfAll } from "../period_of_all.ts";
import { formatCnpj } from "../cnpj.ts";
import { formatCentavos } from "../money.ts";
import { type CsvCell, csvLine } from "./csv.ts";

const BYTE_ORDER_MARK = "\uFEFF";

type Style = {
  readonly separator: "," | ";";
  readonly columns: readonly string[];
  readonly states: { readonly open: string; readonly closed: string };
  readonly total: string;
  readonly money: (centavos: number | null) => CsvCell;
};

const PLAIN: Style = {
  separator: ",",
  columns: [
    "tenantId",
    "name",
    "document",
    "status",
    "quantity",
    "amount",
    "adjustments",
    "carriedOut",
    "total",
    "claroCost",
    "margin",
  ],
  states: { open: "open", closed: "closed" },
  total: "total",
  money: (centavos) => (centavos === null ? null : { number: formatCentavos(centavos) }),
};

const BRAZILIAN: Style = {
  separator: ";",
  columns: [
    "identificador",
    "parceiro",
    "CNPJ",
    "situação",
    "quantidade",
    "valor (R$)",
    "ajustes (R$)",
    "transportado (R$)",
    "total (R$)",
    "custo da Claro (R$)",
    "margem (R$)",
  ],
  states: { open: "aberto", closed: "fechado" },
  total: "total",
  money: (centavos) => (centavos === null ? null : { number: formatCentavos(centavos).replace(".", ",") }),
};

/** A month over all tenants, a line each and the total last: RFC 4180, commas, decimal point. */
export function periodCsv(month: PeriodOfAll): string {
  return fileOf(month, PLAIN);
}

/** The same for a spreadsheet under Brazilian settings: byte order mark, semicolons, decimal comma. */
export function periodPtbrCsv(month: PeriodOfAll): string {
  return BYTE_ORDER_MARK + fileOf(month, BRAZILIAN);
}

function fileOf({ tenants, totals, open }: PeriodOfAll, style: Style): string {
  const line = (cells: readonly CsvCell[]) => csvLine(cells, style.separator);
  const rows = tenants.map((tenant) => {
    const state = tenant.totals === null ? style.states.open : style.states.closed;
    // With its punctuation no spreadsheet takes a CNPJ for a number.
    const who = [tenant.tenantId, tenant.name, formatCnpj(tenant.document), state];
    return line([...who, ...amountsOf(tenant.totals, style)]);
  });
  const state = open === 0 ? style.states.closed : style.states.open;
  return [line(style.columns), ...rows, line([style.total, "", "", state, ...amountsOf(totals, style)])].join("");
}

function amountsOf(totals: CostedTotals | null, { money }: Style): CsvCell[] {
  if (totals === null) return [null, null, null, null, null, null, null];
  const { quantity, amountCentavos, adjustmentsCentavos, carriedOutCentavos, totalCentavos } = totals;
  const ours = [amountCentavos, adjustmentsCentavos, carriedOutCentavos, totalCentavos].map(money);
  return [quantity, ...ours, money(totals.claroCostCentavos), money(totals.marginCentavos)];
}
