import type { Text } from "../../http/language.ts";

/** The console's pages by name. */
export const NAV_TEXTS = {
  overview: { "pt-BR": "Visão geral", en: "Overview" },
  tenants: { "pt-BR": "Parceiros", en: "Tenants" },
  lookups: { "pt-BR": "Consultas", en: "Lookups" },
  months: { "pt-BR": "Meses", en: "Months" },
  people: { "pt-BR": "Pessoas e LGPD", en: "People and law" },
  health: { "pt-BR": "Saúde", en: "Health" },
  audit: { "pt-BR": "Auditoria", en: "Audit" },
  operators: { "pt-BR": "Operadores", en: "Operators" },
} as const satisfies Readonly<Record<string, Text>>;
