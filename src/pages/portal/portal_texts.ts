import type { Text } from "../../http/language.ts";

/** The portal's pages by name, and what several of them say. */
export const PORTAL_TEXTS = {
  overview: { "pt-BR": "Visão geral", en: "Overview" },
  tryIt: { "pt-BR": "Testar", en: "Try it" },
  keys: { "pt-BR": "Chaves", en: "Keys" },
  usage: { "pt-BR": "Consumo", en: "Usage" },
  statements: { "pt-BR": "Extratos", en: "Statements" },
  lookups: { "pt-BR": "Consultas", en: "Lookups" },
  integrate: { "pt-BR": "Integração", en: "Integrate" },
  link: { "pt-BR": "link de acesso", en: "a sign-in link" },
  live: { "pt-BR": "produção", en: "live" },
  test: { "pt-BR": "teste", en: "test" },
  day: { "pt-BR": "Dia", en: "Day" },
  key: { "pt-BR": "Chave", en: "Key" },
  requests: { "pt-BR": "Consultas", en: "Lookups" },
  billed: { "pt-BR": "Cobradas", en: "Charged" },
  amount: { "pt-BR": "Valor", en: "Amount" },
  lookupsADay: { "pt-BR": "Consultas por dia", en: "Lookups a day" },
  unlabelled: { "pt-BR": "sem nome", en: "without a name" },
  needsScope: {
    "pt-BR": "A chave com que você entrou não pode ver isto: falta o escopo",
    en: "The key that you signed in with may not see this: it lacks the scope",
  },
} as const satisfies Readonly<Record<string, Text>>;
