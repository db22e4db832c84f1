import type { FailureCode } from "../../domain/failure.ts";
import type { Text } from "../language.ts";

type ProblemText = { readonly status: number; readonly title: Text } & Text;

/** Every failure's status and words: the one place that knows both. `title` names it, and is the same each time. */
export const PROBLEMS: Readonly<Record<FailureCode, ProblemText>> = {
  invalid_json: {
    status: 400,
    title: { "pt-BR": "JSON inválido", en: "Invalid JSON" },
    "pt-BR": "O corpo da requisição não é um JSON válido em UTF-8.",
    en: "The request body is not valid JSON in UTF-8.",
  },
  invalid_request: {
    status: 400,
    title: { "pt-BR": "Requisição inválida", en: "Invalid request" },
    "pt-BR": "Há algo errado na requisição; veja `issues`.",
    en: "Something is wrong with the request; see `issues`.",
  },
  invalid_cpf: {
    status: 400,
    title: { "pt-BR": "CPF inválido", en: "Invalid CPF" },
    "pt-BR": "O CPF precisa ter onze dígitos (com ou sem pontuação) e dígitos verificadores corretos.",
    en: "The CPF must have eleven digits (with or without punctuation) and correct check digits.",
  },
  purpose_required: {
    status: 400,
    title: { "pt-BR": "Faltam informações exigidas", en: "Purpose required" },
    "pt-BR": "O seu contrato exige mais informações em cada consulta; veja em `issues` quais faltam.",
    en: "Your terms require more with each lookup; `issues` names what is missing.",
  },
  rejected_by_claro: {
    status: 400,
    title: { "pt-BR": "Recusada pela Claro", en: "Rejected by Claro" },
    "pt-BR": "A Claro recusou a consulta deste CPF. Repetir a mesma requisição não adianta.",
    en: "Claro rejected the lookup of this CPF. Repeating the same request does not help.",
  },
  missing_credentials: {
    status: 401,
    title: { "pt-BR": "Faltam credenciais", en: "Missing credentials" },
    "pt-BR":
      "Envie a chave de API em `Authorization: Bearer <chave>` ou em `x-api-key`; no formato da Claro, `x-client-auth: Basic` para obter o token e `Bearer <token>` para consultar.",
    en: "Send the API key in `Authorization: Bearer <key>` or `x-api-key`; in Claro's shape, `x-client-auth: Basic` to get the token and `Bearer <token>` to look up.",
  },
  invalid_api_key: {
    status: 401,
    title: { "pt-BR": "Chave de API inválida", en: "Invalid API key" },
    "pt-BR": "Esta chave de API não existe ou foi digitada errado.",
    en: "The API key does not exist or is misspelled.",
  },
  expired_api_key: {
    status: 401,
    title: { "pt-BR": "Chave de API vencida", en: "Expired API key" },
    "pt-BR": "Esta chave de API venceu. Peça uma nova.",
    en: "This API key has expired. Ask for a new one.",
  },
  revoked_api_key: {
    status: 401,
    title: { "pt-BR": "Chave de API revogada", en: "Revoked API key" },
    "pt-BR": "Esta chave de API foi revogada. Peça uma nova.",
    en: "This API key has been revoked. Ask for a new one.",
  },
  invalid_token: {
    status: 401,
    title: { "pt-BR": "Token de acesso inválido", en: "Invalid access token" },
    "pt-BR": "O token de acesso é inválido ou venceu. Obtenha outro em `/oauth2/v1/token`.",
    en: "The access token is invalid or has expired. Get another one at `/oauth2/v1/token`.",
  },
  invalid_admin_credentials: {
    status: 401,
    title: { "pt-BR": "Credenciais de operador inválidas", en: "Invalid operator credentials" },
    "pt-BR": "A API de administração é só para operadores: envie `Authorization: Bearer <token de operador>`.",
    en: "The admin API is for operators only: send `Authorization: Bearer <operator token>`.",
  },
  tenant_suspended: {
    status: 403,
    title: { "pt-BR": "Acesso suspenso", en: "Tenant suspended" },
    "pt-BR": "O acesso do parceiro está suspenso. Fale com o operador do gateway.",
    en: "The tenant's access is suspended. Talk to the gateway's operator.",
  },
  insufficient_scope: {
    status: 403,
    title: { "pt-BR": "Chave sem permissão", en: "Insufficient scope" },
    "pt-BR": "Esta chave de API não tem permissão para isto.",
    en: "This API key may not do this.",
  },
  ip_not_allowed: {
    status: 403,
    title: { "pt-BR": "Endereço IP não permitido", en: "IP address not allowed" },
    "pt-BR": "Esta chave de API não pode ser usada a partir deste endereço IP.",
    en: "This API key may not be used from this IP address.",
  },
  role_required: {
    status: 403,
    title: { "pt-BR": "Falta o papel necessário", en: "Role required" },
    "pt-BR": "O seu usuário de operador não tem o papel que esta chamada exige.",
    en: "Your operator account does not have the role that this call requires.",
  },
  cross_site_request: {
    status: 403,
    title: { "pt-BR": "Chamada de outra origem", en: "Cross-site request" },
    "pt-BR":
      "O navegador enviou esta chamada a partir de uma página de outra origem. Alterações só são aceitas do próprio gateway ou de fora de um navegador.",
    en: "A browser sent this call from a page of another origin. Changes are taken only from the gateway itself or from outside a browser.",
  },
  trial_ended: {
    status: 403,
    title: { "pt-BR": "Período de teste encerrado", en: "Trial ended" },
    "pt-BR": "O período de teste acabou. Contrate o plano pago por uso.",
    en: "The trial period has ended. Move to the pay-per-use plan.",
  },
  subject_restricted: {
    status: 403,
    title: { "pt-BR": "Consultas bloqueadas para esta pessoa", en: "Subject restricted" },
    "pt-BR": "As consultas sobre esta pessoa estão bloqueadas. Nada foi enviado à Claro nem cobrado.",
    en: "Lookups of this person are restricted. Nothing was sent to Claro or charged.",
  },
  score_not_found: {
    status: 404,
    title: { "pt-BR": "Score não encontrado", en: "Score not found" },
    "pt-BR": "A Claro não tem score para este CPF.",
    en: "Claro has no score for this CPF.",
  },
  not_found: {
    status: 404,
    title: { "pt-BR": "Não encontrado", en: "Not found" },
    "pt-BR": "Não há nada neste endereço.",
    en: "There is nothing at this address.",
  },
  method_not_allowed: {
    status: 405,
    title: { "pt-BR": "Método não aceito", en: "Method not allowed" },
    "pt-BR": "Este endereço não aceita este método; o cabeçalho `Allow` diz quais aceita.",
    en: "This address does not take this method; the `Allow` header names those that it takes.",
  },
  conflict: {
    status: 409,
    title: { "pt-BR": "Conflito", en: "Conflict" },
    "pt-BR": "O pedido entra em conflito com o que já existe; veja `issues`.",
    en: "The request conflicts with what exists; see `issues`.",
  },
  period_open: {
    status: 409,
    title: { "pt-BR": "Mês ainda aberto", en: "Period open" },
    "pt-BR": "O mês ainda não acabou em São Paulo.",
    en: "The month has not ended in São Paulo.",
  },
  document_in_use: {
    status: 409,
    title: { "pt-BR": "CNPJ já cadastrado", en: "Document in use" },
    "pt-BR":
      "Já existe um parceiro com este CNPJ. Se for mesmo outro cadastro da mesma empresa, envie `allowDuplicate: true`.",
    en: "A tenant with this CNPJ exists. If you do mean another account of the same company, send `allowDuplicate: true`.",
  },
  change_pending: {
    status: 503,
    title: { "pt-BR": "Alteração ainda não vale", en: "Change not effective yet" },
    "pt-BR": "A alteração está gravada, mas ainda não vale para as consultas; veja `issues`.",
    en: "The change is recorded, but not effective for lookups yet; see `issues`.",
  },
  idempotency_in_progress: {
    status: 409,
    title: { "pt-BR": "Primeira requisição em andamento", en: "First request in progress" },
    "pt-BR": "A primeira requisição com esta Idempotency-Key ainda está em andamento.",
    en: "The first request with this Idempotency-Key is still running.",
  },
  idempotency_expired: {
    status: 409,
    title: { "pt-BR": "Resposta guardada já apagada", en: "Kept answer erased" },
    "pt-BR":
      "A resposta guardada para esta Idempotency-Key já foi apagada; a cobrança não se repete. Para uma nova consulta, use outra.",
    en: "The answer kept for this Idempotency-Key has been erased; the charge is not repeated. Use another key for another lookup.",
  },
  idempotency_mismatch: {
    status: 422,
    title: { "pt-BR": "Idempotency-Key já usada com outro corpo", en: "Idempotency key reused" },
    "pt-BR": "Esta Idempotency-Key já foi usada com outro corpo.",
    en: "This Idempotency-Key was used with another body.",
  },
  payload_too_large: {
    status: 413,
    title: { "pt-BR": "Corpo grande demais", en: "Payload too large" },
    "pt-BR": "O corpo da requisição é grande demais.",
    en: "The request body is too large.",
  },
  unsupported_media_type: {
    status: 415,
    title: { "pt-BR": "Tipo de conteúdo não aceito", en: "Unsupported media type" },
    "pt-BR": "O corpo veio com um tipo ou uma codificação que esta chamada não aceita.",
    en: "The body has a type or an encoding that this call does not take.",
  },
  rate_limited: {
    status: 429,
    title: { "pt-BR": "Requisições demais", en: "Rate limited" },
    "pt-BR": "Requisições demais em pouco tempo. Espere o tempo indicado em `Retry-After`.",
    en: "Too many requests in a short time. Wait for the time in `Retry-After`.",
  },
  quota_exceeded: {
    status: 429,
    title: { "pt-BR": "Franquia esgotada", en: "Quota exceeded" },
    "pt-BR": "A franquia de consultas acabou.",
    en: "The allowance of lookups is used up.",
  },
  spend_cap_reached: {
    status: 429,
    title: { "pt-BR": "Limite de gasto atingido", en: "Spend cap reached" },
    "pt-BR": "O limite de gasto do mês foi atingido.",
    en: "The month's spend cap has been reached.",
  },
  key_limit_reached: {
    status: 429,
    title: { "pt-BR": "Limite da chave atingido", en: "Key limit reached" },
    "pt-BR": "Esta chave de API atingiu o limite que tem só para ela.",
    en: "This API key has reached a limit of its own.",
  },
  test_quota_exceeded: {
    status: 429,
    title: { "pt-BR": "Consultas de teste esgotadas", en: "Test quota exceeded" },
    "pt-BR": "As consultas de teste de hoje acabaram.",
    en: "Today's test lookups are used up.",
  },
  internal: {
    status: 500,
    title: { "pt-BR": "Erro interno", en: "Internal error" },
    "pt-BR": "Erro interno. Informe o `requestId` ao operador do gateway.",
    en: "Internal error. Tell the gateway's operator the `requestId`.",
  },
  misconfigured: {
    status: 500,
    title: { "pt-BR": "Gateway mal configurado", en: "Misconfigured" },
    "pt-BR": "O gateway está mal configurado. O operador encontra o motivo no log.",
    en: "The gateway is misconfigured. The operator finds the reason in the log.",
  },
  claro_contract: {
    status: 502,
    title: { "pt-BR": "Resposta da Claro em formato inesperado", en: "Claro's answer not understood" },
    "pt-BR": "A resposta da Claro veio em um formato inesperado. Nada foi cobrado.",
    en: "Claro's answer could not be understood. Nothing was charged.",
  },
  claro_unauthorized: {
    status: 502,
    title: { "pt-BR": "A Claro recusou o gateway", en: "Claro refused the gateway" },
    "pt-BR": "A Claro recusou as credenciais do gateway. Nada foi cobrado.",
    en: "Claro refused the gateway's credentials. Nothing was charged.",
  },
  claro_forbidden: {
    status: 502,
    title: { "pt-BR": "A Claro não permite a consulta", en: "Claro forbids the lookup" },
    "pt-BR": "A Claro não permite que o gateway faça esta consulta. Nada foi cobrado.",
    en: "Claro does not allow the gateway this lookup. Nothing was charged.",
  },
  claro_failed: {
    status: 502,
    title: { "pt-BR": "Erro da Claro", en: "Claro failed" },
    "pt-BR": "A Claro respondeu com erro. Nada foi cobrado.",
    en: "Claro answered with an error. Nothing was charged.",
  },
  claro_throttled: {
    status: 503,
    title: { "pt-BR": "A Claro está limitando o gateway", en: "Claro throttles the gateway" },
    "pt-BR":
      "A Claro está limitando as consultas do gateway. Nada foi cobrado; espere o tempo indicado em `Retry-After`.",
    en: "Claro is throttling the gateway. Nothing was charged; wait for the time in `Retry-After`.",
  },
  claro_unreachable: {
    status: 503,
    title: { "pt-BR": "Sem conexão com a Claro", en: "Claro unreachable" },
    "pt-BR": "Não conseguimos nos conectar à Claro. Nada foi enviado nem cobrado.",
    en: "Claro could not be reached. Nothing was sent or charged.",
  },
  claro_timeout: {
    status: 504,
    title: { "pt-BR": "A Claro não respondeu a tempo", en: "Claro did not answer in time" },
    "pt-BR": "A Claro demorou demais para responder. Você não paga por esta consulta.",
    en: "Claro did not answer in time. You do not pay for this lookup.",
  },
  access_unavailable: {
    status: 503,
    title: { "pt-BR": "Cloudflare Access indisponível", en: "Access unavailable" },
    "pt-BR": "O Cloudflare Access não está entregando as chaves que confirmam quem chama. Tente de novo em instantes.",
    en: "Cloudflare Access does not give the keys that tell who calls. Try again in a moment.",
  },
  ledger_unavailable: {
    status: 503,
    title: { "pt-BR": "Registros indisponíveis", en: "Ledger unavailable" },
    "pt-BR":
      "Os registros do gateway estão indisponíveis no momento. Nenhum score foi entregue e nada foi cobrado; tente de novo em instantes.",
    en: "The gateway's records are unavailable right now. No score was given and nothing is charged; try again in a moment.",
  },
  statement_unavailable: {
    status: 503,
    title: { "pt-BR": "Extrato indisponível", en: "Statement unavailable" },
    "pt-BR": "Não é possível ler o extrato agora. Nada se perdeu; tente de novo em instantes.",
    en: "The statement cannot be read right now. Nothing is lost; try again in a moment.",
  },
};
