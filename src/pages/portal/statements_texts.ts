import type { Text } from "../../http/language.ts";

export const STATEMENTS_TEXTS = {
  month: { "pt-BR": "Mês", en: "Month" },
  status: { "pt-BR": "Situação", en: "Status" },
  open: { "pt-BR": "aberto", en: "open" },
  closed: { "pt-BR": "fechado", en: "closed" },
  total: { "pt-BR": "Total", en: "Total" },
  soFar: { "pt-BR": "até agora", en: "so far" },
  closedAt: { "pt-BR": "Fechado em", en: "Closed at" },
  none: { "pt-BR": "Ainda não há extratos.", en: "There are no statements yet." },
  testNote: {
    "pt-BR":
      "Modo de teste: o mês atual, com as últimas 1.000 consultas de teste, para ensaiar. Nada é cobrado. Os extratos de verdade aparecem com uma chave csg_live_….",
    en: "Test mode: the present month, with the last 1,000 test lookups, to rehearse with. Nothing is charged. A csg_live_… key shows the real statements.",
  },
  lines: { "pt-BR": "O que o mês soma", en: "What the month comes to" },
  line: { "pt-BR": "Linha", en: "Line" },
  quantity: { "pt-BR": "Quantidade", en: "Quantity" },
  unitPrice: { "pt-BR": "Preço unitário", en: "Unit price" },
  lineLookups: { "pt-BR": "consultas com score", en: "lookups with a score" },
  lineCredits: { "pt-BR": "créditos", en: "credits" },
  lineCharges: { "pt-BR": "acréscimos", en: "charges" },
  lineCarried: { "pt-BR": "crédito trazido do mês anterior", en: "credit carried from the month before" },
  carriedOut: { "pt-BR": "Crédito para o próximo mês", en: "Credit for the next month" },
  files: { "pt-BR": "Arquivos", en: "Files" },
  file: { "pt-BR": "Arquivo", en: "File" },
  size: { "pt-BR": "Tamanho", en: "Size" },
  forWhat: { "pt-BR": "Para quê", en: "For what" },
  demonstrativo: {
    "pt-BR": "o demonstrativo, para imprimir em A4",
    en: "the statement to print on A4 (in Portuguese)",
  },
  eventosXlsx: { "pt-BR": "cada consulta, para o Excel", en: "each lookup, for Excel (in Portuguese)" },
  eventsPtbrCsv: { "pt-BR": "cada consulta, para sistemas brasileiros", en: "each lookup, for Brazilian systems" },
  eventsCsv: { "pt-BR": "cada consulta, em CSV", en: "each lookup, as CSV" },
  eventsJsonl: { "pt-BR": "cada consulta, em JSON por linha", en: "each lookup, JSON a line" },
  focusCsv: { "pt-BR": "o mês em FOCUS, para ferramentas de custo", en: "the month in FOCUS, for cost tools" },
  manifest: { "pt-BR": "os hashes e a assinatura", en: "the hashes and the signature" },
  openNote: {
    "pt-BR": "O mês está aberto: estes números crescem, e os arquivos ainda não são assinados.",
    en: "The month is open: these numbers grow, and its files are not signed yet.",
  },
  verify: { "pt-BR": "Conferir este extrato", en: "Check this statement" },
  verifyNote: {
    "pt-BR":
      "O seu navegador baixa os arquivos, calcula o SHA-256 de cada um e confere a assinatura Ed25519 do manifesto com as chaves publicadas. Para não depender deste site, confira no seu computador:",
    en: "Your browser downloads the files, computes each one's SHA-256 and checks the manifest's Ed25519 signature by the published keys. To depend on nothing of this site, check on your own computer:",
  },
  verifyNow: { "pt-BR": "Conferir agora", en: "Check now" },
  checking: { "pt-BR": "Conferindo…", en: "Checking…" },
  holds: {
    "pt-BR": "Tudo confere: a assinatura, o hash de cada arquivo, as somas e a ligação com o mês anterior.",
    en: "Everything holds: the signature, each file's hash, the sums, and the link to the month before.",
  },
  broken: { "pt-BR": "Não confere:", en: "This does not hold:" },
  notChecked: {
    "pt-BR": "Não foi possível conferir neste navegador. Use o comando acima.",
    en: "It could not be checked in this browser. Use the command above.",
  },
  events: { "pt-BR": "Eventos", en: "Events" },
  signedBy: { "pt-BR": "Assinado com a chave", en: "Signed by the key" },
} as const satisfies Readonly<Record<string, Text>>;
