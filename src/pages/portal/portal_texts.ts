import type { Text } from "../../http/language.ts";

/** The portal's pages by name, and what its first one says. */
export const PORTAL_TEXTS = {
  overview: { "pt-BR": "Visão geral", en: "Overview" },
  partner: { "pt-BR": "Parceiro", en: "Partner" },
  document: { "pt-BR": "CNPJ", en: "CNPJ" },
  signedInBy: { "pt-BR": "Entrou com", en: "Signed in by" },
  link: { "pt-BR": "link de acesso", en: "a sign-in link" },
  mode: { "pt-BR": "Modo", en: "Mode" },
  live: { "pt-BR": "produção", en: "live" },
  test: { "pt-BR": "teste", en: "test" },
  may: { "pt-BR": "Pode", en: "May" },
} as const satisfies Readonly<Record<string, Text>>;
