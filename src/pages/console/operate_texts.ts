import type { Role } from "../../domain/roles.ts";
import type { Text } from "../../http/language.ts";

/** Health of what the gateway leans on. */
export const HEALTH = {
  version: { "pt-BR": "Versão", en: "Version" },
  commit: { "pt-BR": "Commit", en: "Commit" },
  environment: { "pt-BR": "Ambiente", en: "Environment" },
  deployed: { "pt-BR": "Implantada em", en: "Deployed at" },
  local: { "pt-BR": "local", en: "local" },
  schema: { "pt-BR": "Esquema do ledger", en: "Ledger schema" },
  databaseSchema: { "pt-BR": "Esquema do D1", en: "D1's schema" },
  gateway: { "pt-BR": "Gateway", en: "Gateway" },
  claro: { "pt-BR": "Claro e cópia", en: "Claro and the copy" },
  stores: { "pt-BR": "D1 e R2", en: "D1 and R2" },
  archive: { "pt-BR": "Arquivos no R2", en: "Files in R2" },
  answers: { "pt-BR": "responde", en: "answers" },
  size: { "pt-BR": "Tamanho do D1", en: "D1's size" },
  of: { "pt-BR": "de", en: "of" },
  stray: { "pt-BR": "Chamadas esperando o ledger", en: "Calls waiting for their ledger" },
  stuck: { "pt-BR": "Meses parados", en: "Months that are stuck" },
  differs: { "pt-BR": "Meses que diferem da Claro", en: "Months that differ from Claro" },
  lifted: { "pt-BR": "Cadastros recuperados", en: "Registers lifted" },
  people: { "pt-BR": "Operadores", en: "Operators" },
  working: { "pt-BR": "Com acesso", en: "With access" },
  everyone: {
    "pt-BR": "Quem passa pelo Cloudflare Access é admin até existir um admin com e-mail.",
    en: "Whoever passes Cloudflare Access is an admin until there is an admin with an e-mail.",
  },
  breakGlass: { "pt-BR": "Último uso do ADMIN_TOKEN", en: "ADMIN_TOKEN last used" },
  chain: { "pt-BR": "Cadeia da auditoria", en: "The audit's chain" },
  chainWhole: { "pt-BR": "confere com a última cabeça assinada", en: "agrees with the last signed head" },
  chainBroken: {
    "pt-BR": "NÃO confere com a cabeça da hora anterior",
    en: "does NOT agree with the head of the hour before",
  },
  allWell: { "pt-BR": "Tudo em ordem.", en: "All is well." },
  openTenants: { "pt-BR": "Disjuntores abertos", en: "Open breakers" },
  reason: { "pt-BR": "Motivo", en: "Reason" },
  issuer: { "pt-BR": "Emissor dos documentos", en: "Issuer of documents" },
  issuerMissing: { "pt-BR": "não informado", en: "not said" },
} as const satisfies Readonly<Record<string, Text>>;

/** The audit. */
export const AUDIT = {
  lead: {
    "pt-BR": "Toda alteração e toda leitura em massa, da mais nova à mais antiga.",
    en: "Every change and every reading in bulk, the newest first.",
  },
  who: { "pt-BR": "Quem", en: "Who" },
  what: { "pt-BR": "O quê", en: "What" },
  whom: { "pt-BR": "Sobre", en: "About" },
  when: { "pt-BR": "Quando", en: "When" },
  change: { "pt-BR": "Antes e depois", en: "Before and after" },
  tenant: { "pt-BR": "Id do parceiro", en: "Tenant's id" },
  download: { "pt-BR": "Baixar tudo (JSONL)", en: "Download all (JSONL)" },
  nothing: { "pt-BR": "Nada encontrado.", en: "Nothing was found." },
  nothingHere: {
    "pt-BR": "Nada neste trecho. Há entradas mais antigas.",
    en: "Nothing in this part. There are older entries.",
  },
  older: { "pt-BR": "Mais antigas", en: "Older" },
  newest: { "pt-BR": "Mais novas", en: "Newest" },
  show: { "pt-BR": "ver", en: "show" },
} as const satisfies Readonly<Record<string, Text>>;

/** Operators and what they may do. */
export const OPERATORS = {
  create: { "pt-BR": "Novo operador", en: "New operator" },
  createButton: { "pt-BR": "Criar operador", en: "Make the operator" },
  name: { "pt-BR": "Nome", en: "Name" },
  email: { "pt-BR": "E-mail (Cloudflare Access)", en: "E-mail (Cloudflare Access)" },
  roles: { "pt-BR": "Papéis", en: "Roles" },
  change: { "pt-BR": "Ações", en: "Actions" },
  changeRoles: { "pt-BR": "Mudar papéis", en: "Change roles" },
  changeRolesNote: {
    "pt-BR": "Os papéis marcados substituem os de agora, na hora, também em sessões abertas.",
    en: "The roles that are ticked replace the present ones, at once, in open sessions too.",
  },
  rolesSaved: { "pt-BR": "Papéis salvos.", en: "The roles are saved." },
  lastSeen: { "pt-BR": "Visto por último", en: "Last seen" },
  expires: { "pt-BR": "Acesso até", en: "Access until" },
  endless: { "pt-BR": "sem fim", en: "no end" },
  expiresHint: { "pt-BR": "Vazio: sem fim.", en: "Empty: for ever." },
  once: {
    "pt-BR": "Entregue o token agora: ele aparece uma única vez.",
    en: "Hand the token over now: it is shown once.",
  },
  made: { "pt-BR": "Operador criado", en: "The operator was made" },
  revoke: { "pt-BR": "Revogar", en: "Revoke" },
  revokeNote: { "pt-BR": "Token, e-mail e sessões param na hora.", en: "Token, e-mail and sessions stop at once." },
  revoked: { "pt-BR": "Operador revogado.", en: "The operator is revoked." },
  isExpired: { "pt-BR": "vencido", en: "expired" },
  isRevoked: { "pt-BR": "revogado", en: "revoked" },
  none: {
    "pt-BR": "Nenhum operador ainda: só o ADMIN_TOKEN abre a porta.",
    en: "No operator yet: only the ADMIN_TOKEN opens the door.",
  },
} as const satisfies Readonly<Record<string, Text>>;

export const ROLE_TEXTS = {
  read: { "pt-BR": "read: lê tudo, menos titulares e operadores", en: "read: reads all but subjects and operators" },
  operate: { "pt-BR": "operate: parceiros, chaves, planos, links", en: "operate: tenants, keys, plans, links" },
  finance: {
    "pt-BR": "finance: fecha meses, ajusta, concilia, preços",
    en: "finance: closes months, adjusts, reconciles, prices",
  },
  privacy: { "pt-BR": "privacy: titulares e restrições", en: "privacy: subjects and restrictions" },
  admin: { "pt-BR": "admin: tudo, e operadores", en: "admin: all, and operators" },
} as const satisfies Readonly<Record<Role, Text>>;

/** The search for everything. */
export const SEARCH = {
  lead: {
    "pt-BR": "Parceiro, CNPJ, chave, consulta, requisição, referência, mês, página, ação. CPFs não são procurados.",
    en: "Tenant, CNPJ, key, lookup, request, reference, month, page, action. CPFs are not looked for.",
  },
  text: { "pt-BR": "O que procurar", en: "What to look for" },
  nothing: { "pt-BR": "Nada encontrado.", en: "Nothing was found." },
  page: { "pt-BR": "página", en: "page" },
  action: { "pt-BR": "ação", en: "action" },
  tenant: { "pt-BR": "parceiro", en: "tenant" },
  key: { "pt-BR": "chave", en: "key" },
  lookup: { "pt-BR": "consulta", en: "lookup" },
  further: { "pt-BR": "Procurar mais longe, em Consultas", en: "Look further, in Lookups" },
} as const satisfies Readonly<Record<string, Text>>;
