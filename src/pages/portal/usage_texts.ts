import type { Text } from "../../http/language.ts";

export const USAGE_TEXTS = {
  from: { "pt-BR": "De", en: "From" },
  to: { "pt-BR": "Até", en: "To" },
  by: { "pt-BR": "Mostrar", en: "Show" },
  byDay: { "pt-BR": "por dia", en: "by day" },
  byKey: { "pt-BR": "por chave", en: "by key" },
  show: { "pt-BR": "Mostrar", en: "Show" },
  csv: { "pt-BR": "Baixar CSV", en: "Download CSV" },
  thisMonth: { "pt-BR": "Este mês", en: "This month" },
  lastMonth: { "pt-BR": "Mês passado", en: "Last month" },
  last90: { "pt-BR": "90 dias", en: "90 days" },
  due: { "pt-BR": "A pagar", en: "Due" },
  dueNote: {
    "pt-BR": "exato; o extrato arredonda cada linha ao centavo",
    en: "exact; the statement rounds each line to the centavo",
  },
  adjustments: { "pt-BR": "Ajustes", en: "Adjustments" },
  none: { "pt-BR": "Nenhuma consulta neste período.", en: "No lookup in this range." },
  asOf: { "pt-BR": "Até a última consulta respondida antes de", en: "Up to the last lookup answered before" },
  perDay: { "pt-BR": "Cada dia", en: "Each day" },
  perKey: { "pt-BR": "Cada chave", en: "Each key" },
} as const satisfies Readonly<Record<string, Text>>;
