import type { Text } from "../../http/language.ts";

export const TRY_TEXTS = {
  note: {
    "pt-BR":
      "O sandbox responde: nada chega à Claro e nada é cobrado. Cada botão é uma consulta de verdade ao gateway.",
    en: "The sandbox answers: nothing reaches Claro and nothing is charged. Each button is a real lookup of the gateway.",
  },
  choose: { "pt-BR": "Escolha uma resposta", en: "Choose an answer" },
  gets: { "pt-BR": "você recebe", en: "you get" },
  own: { "pt-BR": "Ou um CPF qualquer, válido", en: "Or any valid CPF" },
  ownHint: {
    "pt-BR": "Vai só no corpo da requisição e volta mascarado. O mesmo CPF tem sempre o mesmo score.",
    en: "It goes in the request's body only and comes back masked. The same CPF always has the same score.",
  },
  send: { "pt-BR": "Consultar", en: "Look up" },
  slowNote: { "pt-BR": "leva uns segundos", en: "takes some seconds" },
  answer: { "pt-BR": "Resposta", en: "Answer" },
  request: { "pt-BR": "Requisição", en: "Request" },
  headers: { "pt-BR": "Cabeçalhos", en: "Headers" },
  took: { "pt-BR": "levou", en: "took" },
  whatHelps: { "pt-BR": "O que fazer", en: "What to do" },
  samples: { "pt-BR": "A mesma chamada no seu sistema", en: "The same call in your system" },
  samplesNote: {
    "pt-BR": "A chave e o CPF vêm do ambiente (API_KEY, CPF): nenhum dos dois fica no código.",
    en: "Key and CPF come from the environment (API_KEY, CPF): neither stands in code.",
  },
  run: { "pt-BR": "Para executar", en: "To run it" },
  needsScope: {
    "pt-BR":
      "Para consultar daqui, entre com uma chave que tenha o escopo scores:read. Os exemplos abaixo valem para qualquer chave.",
    en: "To look up from here, sign in with a key that has the scope scores:read. The samples below are for any key.",
  },
  needsTestKey: {
    "pt-BR": "Não há uma chave de teste que possa consultar. Crie uma em Chaves, ou peça uma ao operador.",
    en: "There is no test key that can look up. Create one at Keys, or ask the operator for one.",
  },
  withKey: { "pt-BR": "Com a chave de teste", en: "With the test key" },
} as const satisfies Readonly<Record<string, Text>>;
