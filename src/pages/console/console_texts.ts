import type { Text } from "../../http/language.ts";

/** The console's pages by name. */
export const NAV_TEXTS = {
  overview: { "pt-BR": "Visão geral", en: "Overview" },
  tenants: { "pt-BR": "Parceiros", en: "Tenants" },
  lookups: { "pt-BR": "Consultas", en: "Lookups" },
  months: { "pt-BR": "Meses", en: "Months" },
  health: { "pt-BR": "Saúde", en: "Health" },
  audit: { "pt-BR": "Auditoria", en: "Audit" },
  operators: { "pt-BR": "Operadores", en: "Operators" },
} as const satisfies Readonly<Record<string, Text>>;

/** What several pages of the console say. */
export const PART_TEXTS = {
  active: { "pt-BR": "ativo", en: "active" },
  suspended: { "pt-BR": "suspenso", en: "suspended" },
  pager: { "pt-BR": "Mais páginas", en: "More pages" },
  day: { "pt-BR": "Dia", en: "Day" },
  hour: { "pt-BR": "Hora", en: "Hour" },
  tenant: { "pt-BR": "Parceiro", en: "Tenant" },
  lookups: { "pt-BR": "Consultas", en: "Lookups" },
  amount: { "pt-BR": "Valor", en: "Amount" },
  code: { "pt-BR": "Código", en: "Code" },
  since: { "pt-BR": "Desde", en: "Since" },
  created: { "pt-BR": "Criado em", en: "Created" },
  state: { "pt-BR": "Situação", en: "State" },
  period: { "pt-BR": "Mês", en: "Month" },
  open: { "pt-BR": "aberto", en: "open" },
  closed: { "pt-BR": "fechado", en: "closed" },
  closing: { "pt-BR": "fechando", en: "closing" },
  save: { "pt-BR": "Salvar", en: "Save" },
  label: { "pt-BR": "Rótulo", en: "Label" },
  expires: { "pt-BR": "Vence", en: "Expires" },
  mode: { "pt-BR": "Modo", en: "Mode" },
  live: { "pt-BR": "produção", en: "live" },
  test: { "pt-BR": "teste", en: "test" },
  nothing: { "pt-BR": "nada", en: "nothing" },
  notAsked: { "pt-BR": "não respondeu", en: "could not be asked" },
} as const satisfies Readonly<Record<string, Text>>;
