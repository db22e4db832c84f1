import type { LifeState } from "../domain/life_state.ts";
import type { Text } from "../http/language.ts";

/** What pages of both places say. A file of texts is called `…_texts.ts`: a test reads each of them in both languages. */
export const COMMON = {
  console: { "pt-BR": "Console", en: "Console" },
  portal: { "pt-BR": "Portal do parceiro", en: "Partner portal" },
  skip: { "pt-BR": "Ir para o conteúdo", en: "Skip to the content" },
  pages: { "pt-BR": "Páginas", en: "Pages" },
  search: { "pt-BR": "Buscar", en: "Search" },
  language: { "pt-BR": "Idioma", en: "Language" },
  theme: { "pt-BR": "Aparência", en: "Appearance" },
  auto: { "pt-BR": "Do sistema", en: "System" },
  light: { "pt-BR": "Clara", en: "Light" },
  dark: { "pt-BR": "Escura", en: "Dark" },
  signOut: { "pt-BR": "Sair", en: "Sign out" },
  signIn: { "pt-BR": "Entrar", en: "Sign in" },
  reference: { "pt-BR": "Referência da API", en: "API reference" },
  timesAre: { "pt-BR": "Horários de São Paulo", en: "Times are of São Paulo" },
  asTable: { "pt-BR": "ver como tabela", en: "show as table" },
  none: { "pt-BR": "nenhum", en: "none" },
  never: { "pt-BR": "nunca", en: "never" },
  unlimited: { "pt-BR": "sem limite", en: "no limit" },
  next: { "pt-BR": "Próxima página", en: "Next page" },
  firstPage: { "pt-BR": "Primeira página", en: "First page" },
  filter: { "pt-BR": "Filtrar", en: "Filter" },
  copy: { "pt-BR": "Copiar", en: "Copy" },
  copied: { "pt-BR": "Copiado", en: "Copied" },
  back: { "pt-BR": "Voltar", en: "Back" },
  home: { "pt-BR": "Ir para a página inicial", en: "Go to the first page" },
  requestId: { "pt-BR": "Código da requisição", en: "Request id" },
  wrongFields: { "pt-BR": "Revise os campos marcados.", en: "Look at the fields that are marked." },
  failed: { "pt-BR": "Isso não deu certo", en: "That did not work" },
  total: { "pt-BR": "Total", en: "Total" },
  optional: { "pt-BR": "opcional", en: "optional" },
} as const satisfies Readonly<Record<string, Text>>;

/** How a lookup can end, in the words of the exports. */
export const OUTCOME_TEXTS = {
  delivered: { "pt-BR": "entregue", en: "delivered" },
  notFound: { "pt-BR": "não encontrado", en: "not found" },
  rejected: { "pt-BR": "recusado", en: "rejected" },
  failed: { "pt-BR": "falhou", en: "failed" },
  unknown: { "pt-BR": "sem resposta", en: "unknown" },
} as const satisfies Readonly<Record<string, Text>>;

/** Whether a key still works. */
export const KEY_STATE_TEXTS = {
  active: { "pt-BR": "ativa", en: "active" },
  expired: { "pt-BR": "vencida", en: "expired" },
  revoked: { "pt-BR": "revogada", en: "revoked" },
} as const satisfies Readonly<Record<LifeState, Text>>;
