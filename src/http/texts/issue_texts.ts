import type { Issue, IssueCode } from "../../domain/issue.ts";
import { TIME_ZONE } from "../../domain/period.ts";
import type { Language } from "../language.ts";

type Params = NonNullable<Issue["params"]>;
type Words = string | ((params: Params) => string);
type IssueText = Readonly<Record<Language, Words>>;

/** Every issue in words. They follow a field's name and a colon, or stand alone. */
export const ISSUES = {
  required: {
    "pt-BR": ({ others }) => (others === undefined ? "é obrigatório" : `é obrigatório, ou um destes: ${others}`),
    en: ({ others }) => (others === undefined ? "is required" : `is required, or one of these: ${others}`),
  },
  wrong_type: {
    "pt-BR": ({ expected = "" }) => `precisa ser ${TYPES[expected]?.["pt-BR"] ?? "de outro tipo"}`,
    en: ({ expected = "" }) => `must be ${TYPES[expected]?.en ?? "of another type"}`,
  },
  unknown_field: {
    "pt-BR": ({ meant }) =>
      meant === undefined ? "este campo não existe" : `este campo não existe; seria \`${meant}\`?`,
    en: ({ meant }) =>
      meant === undefined ? "there is no such field" : `there is no such field; did you mean \`${meant}\`?`,
  },
  unknown_parameter: {
    "pt-BR": ({ meant }) =>
      meant === undefined ? "este parâmetro não existe aqui" : `este parâmetro não existe aqui; seria \`${meant}\`?`,
    en: ({ meant }) =>
      meant === undefined
        ? "there is no such parameter here"
        : `there is no such parameter here; did you mean \`${meant}\`?`,
  },
  given_twice: { "pt-BR": "aparece mais de uma vez", en: "is given more than once" },
  not_together: {
    "pt-BR": ({ other = "" }) => `não pode vir junto com ${other}`,
    en: ({ other = "" }) => `cannot go together with ${other}`,
  },
  not_one_of: {
    "pt-BR": ({ values = "" }) => `precisa ser um destes: ${values}`,
    en: ({ values = "" }) => `must be one of: ${values}`,
  },
  too_small: {
    "pt-BR": ({ least = "" }) => `precisa ser no mínimo ${least}`,
    en: ({ least = "" }) => `must be at least ${least}`,
  },
  too_large: {
    "pt-BR": ({ most = "" }) => `pode ser no máximo ${most}`,
    en: ({ most = "" }) => `must be at most ${most}`,
  },
  too_short: {
    "pt-BR": ({ least = "" }) => `precisa ter pelo menos ${counted(least, "caractere", "caracteres")}`,
    en: ({ least = "" }) => `must have at least ${counted(least, "character", "characters")}`,
  },
  too_long: {
    "pt-BR": ({ most = "" }) => `pode ter no máximo ${counted(most, "caractere", "caracteres")}`,
    en: ({ most = "" }) => `must have at most ${counted(most, "character", "characters")}`,
  },
  too_few: {
    "pt-BR": ({ least = "" }) => `precisa ter pelo menos ${counted(least, "item", "itens")}`,
    en: ({ least = "" }) => `must have at least ${counted(least, "entry", "entries")}`,
  },
  too_many: {
    "pt-BR": ({ most = "" }) => `pode ter no máximo ${counted(most, "item", "itens")}`,
    en: ({ most = "" }) => `must have at most ${counted(most, "entry", "entries")}`,
  },
  invalid_form: {
    "pt-BR": ({ example }) =>
      example === undefined ? "não está no formato esperado" : `precisa ser no formato de \`${example}\``,
    en: ({ example }) =>
      example === undefined ? "does not have the expected form" : `must have the form of \`${example}\``,
  },
  printable: {
    "pt-BR": ({ longest = "" }) => `precisa ter de 1 a ${longest} caracteres visíveis, sem quebras de linha`,
    en: ({ longest = "" }) => `must be 1 to ${longest} visible characters, without line breaks`,
  },
  ascii: {
    "pt-BR": ({ longest = "" }) => `precisa ter de 1 a ${longest} caracteres ASCII, sem espaço no começo nem no fim`,
    en: ({ longest = "" }) => `must be 1 to ${longest} ASCII characters, no space at either end`,
  },
  looks_like_cpf: { "pt-BR": "não pode conter um CPF", en: "must not hold a CPF" },
  cpf: {
    "pt-BR": "precisa ter onze dígitos e dígitos verificadores corretos",
    en: "must have eleven digits and correct check digits",
  },
  date: { "pt-BR": "precisa ser uma data como `2026-11-27`", en: "must be a date such as `2026-11-27`" },
  date_time: {
    "pt-BR": "precisa ser uma data com hora e fuso, como `2026-11-27T21:20:40Z`",
    en: "must be a time with its zone, such as `2026-11-27T21:20:40Z`",
  },
  month: { "pt-BR": "precisa ser um mês como `2026-11`", en: "must be a month such as `2026-11`" },
  cursor: {
    "pt-BR": "não é um cursor desta lista; use o `nextCursor` da página anterior",
    en: "is no cursor of this list; use the `nextCursor` of the page before",
  },
  in_the_past: { "pt-BR": "precisa estar no futuro", en: "must be in the future" },
  before_from: { "pt-BR": "não pode ser antes de `from`", en: "must not be before `from`" },
  range_too_long: {
    "pt-BR": ({ days = "" }) => `pode ser no máximo ${days} dias depois de \`from\``,
    en: ({ days = "" }) => `must be at most ${days} days after \`from\``,
  },
  cidr: {
    "pt-BR": "precisa ser um endereço IPv4 ou IPv6, ou uma faixa como `203.0.113.0/24`",
    en: "must be an IPv4 or IPv6 address, or a range such as `203.0.113.0/24`",
  },
  cnpj: {
    "pt-BR": "precisa ser um CNPJ com dígitos verificadores corretos",
    en: "must be a CNPJ with correct check digits",
  },
  email: { "pt-BR": "precisa ser um endereço de e-mail", en: "must be an e-mail address" },
  tiers: {
    "pt-BR": "`upTo` precisa crescer de faixa em faixa, e só a última tem `null`",
    en: "`upTo` must ascend, and only the last one is `null`",
  },
  amount: {
    "pt-BR": "precisa ser um valor em reais com ponto decimal, no máximo seis casas e até um milhão, como `-12.34`",
    en: "must be reais with a decimal point, at most six places and at most a million, such as `-12.34`",
  },
  opposite_signs: {
    "pt-BR": "`units` e `amount` precisam ter o mesmo sinal: abaixo de zero para um crédito, acima para uma cobrança",
    en: "`units` and `amount` must have the same sign: below zero for a credit, above for a charge",
  },
  changes_nothing: { "pt-BR": "precisa mudar `units` ou `amount`", en: "must change `units` or `amount`" },
  visible_once: {
    "pt-BR": "precisa ter de 1 a 255 caracteres visíveis, uma vez só",
    en: "must be 1 to 255 visible characters, once",
  },
  no_body: { "pt-BR": "o corpo está vazio", en: "the body is empty" },
  content_type: {
    "pt-BR": ({ type = "" }) => `envie o cabeçalho \`Content-Type: ${type}\``,
    en: ({ type = "" }) => `send the header \`Content-Type: ${type}\``,
  },
  content_encoding: {
    "pt-BR": "envie o corpo sem compactação, sem este cabeçalho",
    en: "send the body uncompressed, without this header",
  },
  body_limit: {
    "pt-BR": ({ limit = "" }) => `o corpo pode ter no máximo ${limit}`,
    en: ({ limit = "" }) => `the body may have at most ${limit}`,
  },
  credential_form: {
    "pt-BR": ({ form = "" }) => `precisa ser \`${form}\``,
    en: ({ form = "" }) => `must be \`${form}\``,
  },
  scope_required: {
    "pt-BR": ({ scope = "" }) => `a chave precisa do escopo \`${scope}\``,
    en: ({ scope = "" }) => `the key needs the scope \`${scope}\``,
  },
  address_seen: {
    "pt-BR": ({ address = "" }) =>
      address === "" ? "não foi possível saber de que endereço a chamada veio" : `a chamada veio de \`${address}\``,
    en: ({ address = "" }) =>
      address === "" ? "the address that the call came from is not known" : `the call came from \`${address}\``,
  },
  role_required: {
    "pt-BR": ({ role = "" }) => `é preciso ter o papel \`${role}\``,
    en: ({ role = "" }) => `the role \`${role}\` is needed`,
  },
  live_key_required: {
    "pt-BR": "uma chave de teste só vê consultas de teste; use uma chave `csg_live_…`",
    en: "a test key sees test lookups only; use a `csg_live_…` key",
  },
  foreign_origin: { "pt-BR": "vem de outra origem", en: "is another origin" },
  renews_at: {
    "pt-BR": ({ atMs = 0 }) => `volta a ser possível consultar em ${timeIn("pt-BR", atMs)}`,
    en: ({ atMs = 0 }) => `lookups are possible again from ${timeIn("en", atMs)}`,
  },
  ends_at: {
    "pt-BR": ({ atMs = 0 }) => `o mês só termina em ${timeIn("pt-BR", atMs)}`,
    en: ({ atMs = 0 }) => `the month ends on ${timeIn("en", atMs)}`,
  },
  whole_centavos: { "pt-BR": "precisa ser em centavos inteiros", en: "must be whole centavos" },
  nothing_to_correct: {
    "pt-BR": "não é uma consulta nem um mês deste parceiro",
    en: "is neither a lookup nor a month of this tenant",
  },
  credit_too_large: {
    "pt-BR": ({ most = "" }) => `o crédito pode ser no máximo ${most}: o que isso custou e ainda não foi devolvido`,
    en: ({ most = "" }) => `the credit can be at most ${most}: what it cost and was not given back yet`,
  },
  does_not_renew: {
    "pt-BR": "este limite não se renova com o tempo; fale com o operador do gateway",
    en: "this limit does not renew with time; talk to the gateway's operator",
  },
  tenant_unread: {
    "pt-BR": ({ tenantId = "" }) =>
      `os registros do parceiro ${tenantId} não podem ser lidos agora; repita a chamada, e se continuar assim: \`npx ctl ledger verify ${tenantId}\``,
    en: ({ tenantId = "" }) =>
      `the records of tenant ${tenantId} cannot be read now; repeat the call, and if it stays so: \`npx ctl ledger verify ${tenantId}\``,
  },
  events_missing: {
    "pt-BR": ({ first = "", last = "" }) =>
      `os eventos ${first} a ${last} não estão no D1 nem no R2; veja docs/recovery.md`,
    en: ({ first = "", last = "" }) => `events ${first} to ${last} are neither in D1 nor in R2; see docs/recovery.md`,
  },
  file_damaged: {
    "pt-BR": ({ file = "", month = "" }) => `${file} de ${month} no R2 não é o que o manifesto assinado diz`,
    en: ({ file = "", month = "" }) => `${file} of ${month} in R2 is not what its signed manifest says`,
  },
  restored_by_others: {
    "pt-BR": "outra restauração deste ledger começou depois; comece de novo, sem `cursor`",
    en: "another restore of this ledger was begun since; begin again, without `cursor`",
  },
  changed_by_others: {
    "pt-BR": "outra pessoa está alterando o mesmo cadastro; tente de novo",
    en: "somebody else is changing the same entry; try again",
  },
  too_many_keys: {
    "pt-BR": ({ most = "" }) => `o parceiro já tem ${most} chaves ativas: revogue uma antes`,
    en: ({ most = "" }) => `the tenant has ${most} keys that work: revoke one first`,
  },
  key_revoked: { "pt-BR": "a chave está revogada", en: "the key is revoked" },
  key_expired: { "pt-BR": "a chave está vencida", en: "the key has expired" },
  beyond_own_rights: {
    "pt-BR": "uma chave só passa adiante direitos que ela mesma tem; peça esta ao operador do gateway",
    en: "a key passes on only rights that it has itself; ask the gateway's operator for this one",
  },
  change_recorded: {
    "pt-BR": "a alteração está gravada e passa a valer em alguns minutos, ou ao repetir a chamada",
    en: "the change is recorded; it is effective within minutes, or by repeating the call",
  },
  document_taken: {
    "pt-BR": ({ tenantId = "" }) => `é o CNPJ de ${tenantId}; se for isso mesmo, envie \`allowDuplicate: true\``,
    en: ({ tenantId = "" }) => `is the CNPJ of ${tenantId}; send \`allowDuplicate: true\` if that is meant`,
  },
  restriction_recorded: {
    "pt-BR": ({ id = "" }) =>
      `a restrição \`${id}\` está gravada, mas nem todos os ledgers a têm; o gateway completa sozinho, e repetir a chamada também`,
    en: ({ id = "" }) =>
      `the restriction \`${id}\` is recorded, but not every ledger has it; the gateway completes it by itself, and so does a repeat of the call`,
  },
  too_many_restrictions: {
    "pt-BR": ({ most = "" }) => `há no máximo ${most} restrições em vigor; encerre as que não valem mais`,
    en: ({ most = "" }) => `at most ${most} restrictions are in force; end those that are over`,
  },
  tenant_recorded: {
    "pt-BR": ({ tenantId = "" }) =>
      `o parceiro ${tenantId} está criado: não crie outro. Ele poderá consultar em alguns minutos, ou depois de um PATCH`,
    en: ({ tenantId = "" }) =>
      `tenant ${tenantId} is created and recorded: do not create it again. It can make lookups within minutes, or after a PATCH`,
  },
  key_recorded: {
    "pt-BR": ({ keyId = "" }) =>
      `a chave ${keyId} está gravada, mas ninguém viu o segredo dela: revogue-a e emita outra`,
    en: ({ keyId = "" }) =>
      `key ${keyId} is recorded, but nobody was shown its secret: revoke it, and issue another one`,
  },
  setup_missing: {
    "pt-BR": "execute `npm start` uma vez: ele cria os segredos e o banco de dados de um gateway nesta máquina",
    en: "run `npm start` once: it makes the secrets and the database of a gateway on this machine",
  },
  setting_missing: {
    "pt-BR": "falta esta configuração; `npm run ctl -- statements new-key` cria uma",
    en: "is missing; `npm run ctl -- statements new-key` makes one",
  },
  metrics_off: {
    "pt-BR": "as métricas estão desligadas; ligue com `METRICS_ENABLED=true`",
    en: "metrics are off; `METRICS_ENABLED=true` switches them on",
  },
  setting_taken: {
    "pt-BR":
      "o `kid` é de outra chave, ou a chave já foi substituída ou revogada; uma chave nova precisa de um `kid` novo",
    en: "its kid is another key's, or the key was replaced or disowned; a new key needs a new kid",
  },
  email_in_use: {
    "pt-BR": "já é de um operador que não foi revogado",
    en: "is another operator's, who is not revoked",
  },
  last_admin: {
    "pt-BR": "é o último admin com e-mail: crie outro antes; ou os papéis mudaram agora mesmo, tente de novo",
    en: "is the last admin with an e-mail: make another one first; or the roles changed just now: try again",
  },
  report_cells: {
    "pt-BR": ({ count = "" }) => `precisa ter ${count} células de CSV`,
    en: ({ count = "" }) => `not ${count} cells of CSV`,
  },
  report_transaction: {
    "pt-BR": "transactionId: no máximo 200 caracteres visíveis",
    en: "transactionId: at most 200 printable characters",
  },
  report_customer: {
    "pt-BR": "customerId: de 1 a 200 caracteres visíveis",
    en: "customerId: 1 to 200 printable characters",
  },
  report_time: { "pt-BR": "occurredAt: não é um horário da RFC 3339", en: "occurredAt: not a time of RFC 3339" },
  report_period: {
    "pt-BR": ({ period = "" }) => `occurredAt: não é de ${period} em São Paulo`,
    en: ({ period = "" }) => `occurredAt: not in ${period} in São Paulo`,
  },
  line_too_long: {
    "pt-BR": ({ most = "" }) => `a linha tem mais de ${most} caracteres`,
    en: ({ most = "" }) => `the line has more than ${most} characters`,
  },
  report_status: { "pt-BR": "status: um status HTTP ou um resultado", en: "status: an HTTP status or an outcome" },
} satisfies Record<IssueCode, IssueText>;

/** Types as people name them. */
const TYPES: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  string: { "pt-BR": "um texto", en: "a text" },
  number: { "pt-BR": "um número", en: "a number" },
  int: { "pt-BR": "um número inteiro", en: "a whole number" },
  boolean: { "pt-BR": "`true` ou `false`", en: "`true` or `false`" },
  object: { "pt-BR": "um objeto JSON", en: "a JSON object" },
  array: { "pt-BR": "uma lista", en: "a list" },
  null: { "pt-BR": "`null`", en: "`null`" },
  "string or number": { "pt-BR": "um texto ou um número", en: "a text or a number" },
};

/** What is wrong, in one language. */
export function issueText({ code, params = {} }: Issue, language: Language): string {
  const words: Words = (ISSUES as Readonly<Record<IssueCode, IssueText>>)[code][language];
  return typeof words === "string" ? words : words(params);
}

/** Where and what, as a sentence. */
export function issueSentence(issue: Issue, language: Language): string {
  const text = issueText(issue, language);
  const end = text.endsWith("?") ? "" : ".";
  if (issue.path !== "") return `\`${issue.path}\`: ${text}${end}`;
  return `${text.charAt(0).toLocaleUpperCase(language)}${text.slice(1)}${end}`;
}

/** A time of São Paulo as the reader writes dates: `01/12/2026` would be another day to some who read English. */
function timeIn(language: Language, atMs: string | number): string {
  const text = SAO_PAULO_TIME[language].format(Number(atMs));
  return language === "en" ? `${text} (São Paulo time)` : `${text} (horário de São Paulo)`;
}

const ZONED = { timeZone: TIME_ZONE, timeStyle: "short" } as const;
const SAO_PAULO_TIME: Readonly<Record<Language, Intl.DateTimeFormat>> = {
  "pt-BR": new Intl.DateTimeFormat("pt-BR", { ...ZONED, dateStyle: "short" }),
  en: new Intl.DateTimeFormat("en-GB", { ...ZONED, dateStyle: "long" }),
};

function counted(count: string | number, one: string, many: string): string {
  return `${count} ${Number(count) === 1 ? one : many}`;
}
