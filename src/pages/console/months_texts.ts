import type { Text } from "../../http/language.ts";

/** Months of all tenants. */
export const MONTHS = {
  lead: {
    "pt-BR": "Um mês fecha uma única vez; o que vem depois é ajuste.",
    en: "A month is closed once; what comes after is an adjustment.",
  },
  tenants: { "pt-BR": "Parceiros", en: "Tenants" },
  closedOf: { "pt-BR": "Fechados", en: "Closed" },
  running: { "pt-BR": "em andamento", en: "running" },
  archived: { "pt-BR": "arquivado", en: "archived" },
  toClose: { "pt-BR": "a fechar", en: "to be closed" },
  quantity: { "pt-BR": "Quantidade", en: "Quantity" },
  adjustments: { "pt-BR": "Ajustes", en: "Adjustments" },
  cost: { "pt-BR": "Custo na Claro", en: "Claro's cost" },
  margin: { "pt-BR": "Margem", en: "Margin" },
  csvBrazil: { "pt-BR": "CSV brasileiro", en: "Brazilian CSV" },
  endsAt: {
    "pt-BR": "Este mês ainda não terminou. Ele pode ser fechado a partir de",
    en: "This month has not ended. It can be closed from",
  },
  close: { "pt-BR": "Fechar o mês", en: "Close the month" },
  closeNote: {
    "pt-BR": "Congela e assina o extrato de cada parceiro, para sempre, e também os meses anteriores ainda abertos.",
    en: "Freezes and signs each tenant's statement, for ever, and months before it that are still open.",
  },
  closeButton: { "pt-BR": "Fechar agora", en: "Close now" },
  preview: { "pt-BR": "O que vai ser fechado", en: "What will be closed" },
  previewOpen: { "pt-BR": "Parceiros com o mês aberto", en: "Tenants whose month is open" },
  previewQuantity: { "pt-BR": "Consultas deles, até agora", en: "Their lookups, so far" },
  previewTotal: { "pt-BR": "Total deles, até agora", en: "Their total, so far" },
  soFar: {
    "pt-BR": "O que está aberto mostra o que o D1 já contou; o crédito que vem do mês anterior entra no fechamento.",
    en: "What is open shows what D1 has counted so far; credit that the month before carries over comes in at closing.",
  },
  previewClosed: { "pt-BR": "Já fechados", en: "Closed already" },
  isClosed: { "pt-BR": "O mês está fechado para todos.", en: "The month is closed for all tenants." },
  stillClosing: {
    "pt-BR": "Fechamento em andamento: clique de novo, ou o cron continua.",
    en: "Closing goes on: press again, or the cron does.",
  },
  prices: { "pt-BR": "O que a Claro cobra", en: "What Claro charges" },
  pricesSince: { "pt-BR": "Preços desde", en: "Prices since" },
  noPrices: {
    "pt-BR": "Ninguém informou ainda: custo e margem ficam vazios.",
    en: "Nobody has said so yet: cost and margin are empty.",
  },
  setPrices: { "pt-BR": "Alterar preços da Claro", en: "Change Claro's prices" },
  setPricesNote: {
    "pt-BR": "Valem a partir deste mês, para todos os parceiros juntos. Nenhum extrato muda.",
    en: "In force from this month on, for all tenants together. No statement changes.",
  },
  pricesSaved: { "pt-BR": "Preços da Claro salvos.", en: "Claro's prices are saved." },
  reconcile: { "pt-BR": "Conciliar com a Claro", en: "Reconcile with Claro" },
  reconcileNote: {
    "pt-BR":
      "Envie o relatório da Claro deste mês: CSV (`,` ou `;`) ou JSONL, até 32 MiB. Maior: `npm run ctl -- reconcile`.",
    en: "Send Claro's report of this month: CSV (`,` or `;`) or JSONL, up to 32 MiB. Larger: `npm run ctl -- reconcile`.",
  },
  report: { "pt-BR": "Relatório", en: "Report" },
  send: { "pt-BR": "Enviar e comparar", en: "Send and compare" },
  comparing: { "pt-BR": "Enviado. Comparando…", en: "Sent. Comparing…" },
  notSent: { "pt-BR": "Não foi possível enviar. Tente de novo.", en: "It could not be sent. Try again." },
  runs: { "pt-BR": "Conciliações", en: "Reconciliations" },
  noRuns: { "pt-BR": "Nenhuma ainda.", en: "None yet." },
  lines: { "pt-BR": "Linhas", en: "Lines" },
  unexplained: { "pt-BR": "Sem explicação", en: "Unexplained" },
  runStatus: { "pt-BR": "Andamento", en: "Status" },
  done: { "pt-BR": "concluída", en: "done" },
  runningRun: { "pt-BR": "em andamento", en: "running" },
  failedRun: { "pt-BR": "falhou", en: "failed" },
  matched: { "pt-BR": "Iguais", en: "Matched" },
  onlyOurs: { "pt-BR": "Só do nosso lado", en: "Only ours" },
  onlyClaro: { "pt-BR": "Só da Claro", en: "Only Claro's" },
  resolved: { "pt-BR": "Sem resposta, confirmadas pela Claro", en: "Unknown ones that Claro confirms" },
  deltaQuantity: { "pt-BR": "Diferença em consultas", en: "Difference in lookups" },
  deltaCost: { "pt-BR": "Diferença em custo na Claro", en: "Difference in Claro's cost" },
  chargedTenant: { "pt-BR": "Cobrado do parceiro", en: "Charged to the tenant" },
  reason: { "pt-BR": "Explicação", en: "Explanation" },
  lookup: { "pt-BR": "Consulta", en: "Lookup" },
  date: { "pt-BR": "Dia", en: "Day" },
  customer: { "pt-BR": "Customer ID", en: "Customer ID" },
  progress: { "pt-BR": "Passos feitos", en: "Steps done" },
  goOn: { "pt-BR": "Continuar", en: "Go on" },
  noDifference: { "pt-BR": "Nenhuma diferença.", en: "No difference." },
  noMore: { "pt-BR": "Deste lado não há mais nada.", en: "This side has no more." },
} as const satisfies Readonly<Record<string, Text>>;

/** Why something is on one side only. */
export const REASON_TEXTS = {
  not_in_report: { "pt-BR": "Entregue por nós, ausente do relatório.", en: "Delivered by us, not in the report." },
  near_month_end: {
    "pt-BR": "Perto da virada do mês: o relatório vizinho pode ter.",
    en: "Near the month's edge: the neighbour's report may have it.",
  },
  unknown_to_us: { "pt-BR": "A Claro lista, nós não conhecemos.", en: "Claro lists it, we do not know it." },
  repeated: {
    "pt-BR": "A Claro lista a mesma transação mais de uma vez.",
    en: "Claro lists one transaction more than once.",
  },
  not_delivered: {
    "pt-BR": "A Claro entregou; aqui terminou de outro jeito.",
    en: "Claro delivered it; here it ended otherwise.",
  },
} as const satisfies Readonly<Record<string, Text>>;
