import type { Text } from "../http/language.ts";

/** Signing in and out. */
export const SIGN_IN = {
  consoleTitle: { "pt-BR": "Entrar no console", en: "Sign in to the console" },
  consoleLead: {
    "pt-BR": "Para quem opera o gateway. Use o seu token de operador.",
    en: "For who operates the gateway. Use your operator token.",
  },
  token: { "pt-BR": "Token de operador", en: "Operator token" },
  tokenHint: {
    "pt-BR": "Começa com `csg_op_`. Em emergências, o `ADMIN_TOKEN` também serve.",
    en: "Begins with `csg_op_`. In an emergency the `ADMIN_TOKEN` works too.",
  },
  byAccess: { "pt-BR": "Entrar com Cloudflare Access", en: "Sign in with Cloudflare Access" },
  accessLead: {
    "pt-BR": "O Cloudflare Access já confirmou quem você é.",
    en: "Cloudflare Access has confirmed who you are.",
  },
  portalTitle: { "pt-BR": "Entrar no portal", en: "Sign in to the portal" },
  portalLead: {
    "pt-BR": "Para parceiros. Use uma chave de API da sua empresa: você vê o que ela pode ver.",
    en: "For partners. Use an API key of your company: you see what it may see.",
  },
  key: { "pt-BR": "Chave de API", en: "API key" },
  keyHint: {
    "pt-BR": "Começa com `csg_live_` ou `csg_test_`. Ela não fica guardada no navegador.",
    en: "Begins with `csg_live_` or `csg_test_`. It is not kept in the browser.",
  },
  noKey: {
    "pt-BR": "Sem chave? Peça ao seu contato um link de acesso.",
    en: "No key? Ask your contact for a sign-in link.",
  },
  linkTitle: { "pt-BR": "Link de acesso ao portal", en: "Sign-in link to the portal" },
  linkLead: {
    "pt-BR": "Este link vale uma única vez. Clique no botão para entrar.",
    en: "This link works once. Press the button to sign in.",
  },
  linkOver: {
    "pt-BR": "Este link já foi usado ou venceu. Peça outro ao seu contato.",
    en: "This link was used already or is too old. Ask your contact for another one.",
  },
  signedOut: { "pt-BR": "Você saiu. Até logo!", en: "You are signed out." },
  session: { "pt-BR": "A sessão dura até 8 horas.", en: "A session lasts up to 8 hours." },
} as const satisfies Readonly<Record<string, Text>>;
