import type { Text } from "../../http/language.ts";

/** The overview. */
export const OVERVIEW = {
  lookups: { "pt-BR": "Consultas hoje", en: "Lookups today" },
  delivered: { "pt-BR": "Com score entregue", en: "Scores delivered" },
  latency: { "pt-BR": "Claro em ms, p50 · p95 · p99", en: "Claro in ms, p50 · p95 · p99" },
  charged: { "pt-BR": "Cobrado hoje", en: "Charged today" },
  cost: { "pt-BR": "Custo na Claro", en: "Claro's cost" },
  margin: { "pt-BR": "Margem hoje", en: "Margin today" },
  weekBefore: { "pt-BR": "semana passada:", en: "last week:" },
  noPrices: { "pt-BR": "sem preços da Claro", en: "Claro's prices are not known" },
  setPrices: { "pt-BR": "Informar em Meses", en: "Say them in Months" },
  byHour: { "pt-BR": "Consultas por hora, hoje", en: "Lookups by hour, today" },
  latencyByDay: { "pt-BR": "Tempo de resposta da Claro, 14 dias", en: "Claro's response time, 14 days" },
  claro: { "pt-BR": "Claro agora", en: "Claro now" },
  breaker: { "pt-BR": "Disjuntor", en: "Breaker" },
  breakerClosed: { "pt-BR": "fechado: as consultas passam", en: "closed: lookups go through" },
  breakerOpen: { "pt-BR": "aberto: as consultas são recusadas", en: "open: lookups are refused" },
  breakerHalf: { "pt-BR": "testando: uma consulta passa", en: "trying: one lookup goes through" },
  openings: { "pt-BR": "Aberturas seguidas", en: "Openings in a row" },
  openTenants: { "pt-BR": "Disjuntores de parceiros abertos", en: "Tenants' own breakers open" },
  token: { "pt-BR": "Token da Claro", en: "Claro's token" },
  tokenNone: { "pt-BR": "ainda não foi pedido", en: "not asked for yet" },
  tokenUntil: { "pt-BR": "vale até", en: "good until" },
  tokenFailures: { "pt-BR": "falhas seguidas", en: "failures in a row" },
  copyLag: { "pt-BR": "Atraso do D1", en: "D1's lag" },
  noLag: { "pt-BR": "nenhum", en: "none" },
  ledgersBehind: { "pt-BR": "ledgers atrasados", en: "ledgers behind" },
  nearLimit: { "pt-BR": "Perto do limite", en: "Near a limit" },
  nobodyNear: { "pt-BR": "Ninguém passou de 80 % de um limite.", en: "Nobody is past 80 % of a limit." },
  cap: { "pt-BR": "limite de gasto do mês", en: "month's spend cap" },
  allowance: { "pt-BR": "franquia", en: "allowance" },
  failing: { "pt-BR": "Falhando hoje", en: "Failing today" },
  nobodyFails: { "pt-BR": "Nenhum parceiro com uma falha em dez.", en: "No tenant with one failure in ten." },
  failures: { "pt-BR": "falhas", en: "failures" },
  of: { "pt-BR": "de", en: "of" },
  endingKeys: { "pt-BR": "Chaves que vencem em 14 dias", en: "Keys that expire within 14 days" },
  noEndingKeys: { "pt-BR": "Nenhuma.", en: "None." },
  alarms: { "pt-BR": "Alarmes", en: "Alarms" },
  noAlarms: { "pt-BR": "Nenhum alarme aberto.", en: "No open alarm." },
  asOf: { "pt-BR": "Atualiza a cada 30 s. Completo até", en: "Refreshes every 30 s. Complete through" },
} as const satisfies Readonly<Record<string, Text>>;

/** Alarms by their code: what is wrong, and where to look. */
export const ALARM_TEXTS = {
  breaker_not_asked: { "pt-BR": "O disjuntor da Claro não respondeu.", en: "Claro's breaker could not be asked." },
  breaker_open: {
    "pt-BR": "O disjuntor da Claro não está fechado: consultas são recusadas.",
    en: "Claro's breaker is not closed: lookups are refused.",
  },
  tenant_breakers_open: {
    "pt-BR": "Parceiros com disjuntor próprio aberto.",
    en: "Tenants whose own breaker is open.",
  },
  token_not_asked: { "pt-BR": "O token da Claro não respondeu.", en: "Claro's token could not be asked." },
  token_failing: { "pt-BR": "A Claro não dá um token novo.", en: "Claro gives no new token." },
  ledgers_behind: { "pt-BR": "Ledgers cujos eventos o D1 não aceita.", en: "Ledgers whose events D1 does not take." },
  database_not_asked: { "pt-BR": "O D1 não respondeu.", en: "D1 could not be asked." },
  database_nearly_full: { "pt-BR": "O D1 está quase cheio.", en: "D1 is nearly full." },
  months_stuck: {
    "pt-BR": "Meses que não fecham ou não são arquivados.",
    en: "Months that do not close, or are not archived.",
  },
  claro_differs: {
    "pt-BR": "Diferenças com a Claro sem explicação.",
    en: "Differences with Claro that nothing explains.",
  },
  register_lifted: {
    "pt-BR": "Cadastros recuperados depois de uma restauração do D1.",
    en: "Registers that were lifted after D1 was restored.",
  },
  stray_calls: { "pt-BR": "Chamadas que esperam seu ledger.", en: "Calls that wait for their ledger." },
} as const satisfies Readonly<Record<string, Text>>;
