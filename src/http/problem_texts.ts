import type { FailureCode } from "../domain/failure.ts";

export type Language = "pt-BR" | "en";

type ProblemText = { readonly status: number; readonly title: string } & Readonly<Record<Language, string>>;

/** Every failure's status and words: the one place that knows both. `title` never changes; details speak to people. */
export const PROBLEMS: Readonly<Record<FailureCode, ProblemText>> = {
  invalid_json: {
    status: 400,
    title: "Invalid JSON",
    "pt-BR": "O corpo da requisição não é um JSON válido em UTF-8.",
    en: "The request body is not valid JSON in UTF-8.",
  },
  invalid_request: {
    status: 400,
    title: "Invalid request",
    "pt-BR": "A requisição não tem o formato esperado.",
    en: "The request does not have the expected form.",
  },
  invalid_cpf: {
    status: 400,
    title: "Invalid CPF",
    "pt-BR": "O CPF deve ter onze dígitos (com ou sem pontuação) e dígitos verificadores corretos.",
    en: "The CPF must have eleven digits (with or without punctuation) and correct check digits.",
  },
  rejected_by_claro: {
    status: 400,
    title: "Rejected by Claro",
    "pt-BR": "A Claro recusou a consulta deste CPF. Não repita a requisição sem modificá-la.",
    en: "Claro rejected the lookup of this CPF. Do not repeat the request unmodified.",
  },
  missing_credentials: {
    status: 401,
    title: "Missing credentials",
    "pt-BR":
      "Envie a chave de API em `Authorization: Bearer <chave>` ou `x-api-key`; no formato da Claro, `x-client-auth: Basic` para o token e `Bearer <token>` para a pontuação.",
    en: "Send the API key in `Authorization: Bearer <key>` or `x-api-key`; in Claro's shape, `x-client-auth: Basic` for the token and `Bearer <token>` for the score.",
  },
  invalid_api_key: {
    status: 401,
    title: "Invalid API key",
    "pt-BR": "A chave de API não existe ou foi digitada errada.",
    en: "The API key does not exist or is misspelled.",
  },
  expired_api_key: {
    status: 401,
    title: "Expired API key",
    "pt-BR": "A validade desta chave de API terminou. Peça uma nova.",
    en: "This API key has expired. Ask for a new one.",
  },
  revoked_api_key: {
    status: 401,
    title: "Revoked API key",
    "pt-BR": "Esta chave de API foi revogada. Peça uma nova.",
    en: "This API key has been revoked. Ask for a new one.",
  },
  invalid_token: {
    status: 401,
    title: "Invalid access token",
    "pt-BR": "O token de acesso é inválido ou expirou. Obtenha outro em `/oauth2/v1/token`.",
    en: "The access token is invalid or has expired. Get another one at `/oauth2/v1/token`.",
  },
  invalid_admin_credentials: {
    status: 401,
    title: "Invalid operator credentials",
    "pt-BR": "A API de administração exige a credencial do operador.",
    en: "The admin API requires the operator's credentials.",
  },
  tenant_suspended: {
    status: 403,
    title: "Tenant suspended",
    "pt-BR": "O acesso do parceiro está suspenso. Fale com o operador.",
    en: "The tenant's access is suspended. Talk to the operator.",
  },
  insufficient_scope: {
    status: 403,
    title: "Insufficient scope",
    "pt-BR": "Esta chave de API não tem permissão para esta operação.",
    en: "This API key may not do this.",
  },
  ip_not_allowed: {
    status: 403,
    title: "IP address not allowed",
    "pt-BR": "Esta chave de API não pode ser usada deste endereço IP.",
    en: "This API key may not be used from this IP address.",
  },
  trial_ended: {
    status: 403,
    title: "Trial ended",
    "pt-BR": "O período de teste terminou. Contrate o plano pago por uso.",
    en: "The trial period has ended. Move to the pay-per-use plan.",
  },
  score_not_found: {
    status: 404,
    title: "Score not found",
    "pt-BR": "A Claro não tem pontuação para este CPF.",
    en: "Claro has no score for this CPF.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    "pt-BR": "Este recurso não existe.",
    en: "This resource does not exist.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    "pt-BR": "Este recurso não aceita este método; veja `Allow`.",
    en: "This resource does not take this method; see `Allow`.",
  },
  conflict: {
    status: 409,
    title: "Conflict",
    "pt-BR": "O pedido conflita com o que já existe; veja `issues`.",
    en: "The request conflicts with what exists; see `issues`.",
  },
  period_open: {
    status: 409,
    title: "Period open",
    "pt-BR": "O mês ainda não terminou em São Paulo.",
    en: "The month has not ended in São Paulo.",
  },
  change_pending: {
    status: 503,
    title: "Change not effective yet",
    "pt-BR": "A alteração foi registrada, mas ainda não vale para as consultas; veja `issues`.",
    en: "The change is recorded, but not effective for lookups yet; see `issues`.",
  },
  idempotency_in_progress: {
    status: 409,
    title: "First request in progress",
    "pt-BR": "A primeira requisição com esta Idempotency-Key ainda está em andamento.",
    en: "The first request with this Idempotency-Key is still running.",
  },
  idempotency_expired: {
    status: 409,
    title: "Kept answer erased",
    "pt-BR": "A resposta guardada para esta Idempotency-Key foi apagada; a cobrança não se repete. Use outra chave.",
    en: "The answer kept for this Idempotency-Key has been erased; the charge is not repeated. Use another key.",
  },
  idempotency_mismatch: {
    status: 422,
    title: "Idempotency key reused",
    "pt-BR": "Esta Idempotency-Key já foi usada com outro corpo.",
    en: "This Idempotency-Key was used with another body.",
  },
  payload_too_large: {
    status: 413,
    title: "Payload too large",
    "pt-BR": "O corpo da requisição passa do limite.",
    en: "The request body exceeds the limit.",
  },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    "pt-BR": "O tipo ou a codificação do corpo não é aceito aqui.",
    en: "The body's type or encoding is not accepted here.",
  },
  rate_limited: {
    status: 429,
    title: "Rate limited",
    "pt-BR": "Requisições demais; espere o tempo indicado em `Retry-After`.",
    en: "Too many requests; wait for the time in `Retry-After`.",
  },
  quota_exceeded: {
    status: 429,
    title: "Quota exceeded",
    "pt-BR": "A franquia de consultas acabou.",
    en: "The allowance of lookups is used up.",
  },
  spend_cap_reached: {
    status: 429,
    title: "Spend cap reached",
    "pt-BR": "O limite de gasto do mês foi atingido.",
    en: "The month's spend cap has been reached.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    "pt-BR": "Erro interno. Informe o `requestId` ao operador.",
    en: "Internal error. Tell the operator the `requestId`.",
  },
  misconfigured: {
    status: 500,
    title: "Misconfigured",
    "pt-BR": "O gateway está mal configurado. O operador encontra o motivo no log.",
    en: "The gateway is misconfigured. The operator finds the reason in the log.",
  },
  claro_contract: {
    status: 502,
    title: "Claro's answer not understood",
    "pt-BR": "A resposta da Claro não pôde ser entendida. Nada foi cobrado.",
    en: "Claro's answer could not be understood. Nothing was charged.",
  },
  claro_unauthorized: {
    status: 502,
    title: "Claro refused the gateway",
    "pt-BR": "A Claro recusou a credencial do gateway. Nada foi cobrado.",
    en: "Claro refused the gateway's credentials. Nothing was charged.",
  },
  claro_forbidden: {
    status: 502,
    title: "Claro forbids the lookup",
    "pt-BR": "A Claro não permite esta consulta ao gateway. Nada foi cobrado.",
    en: "Claro does not allow the gateway this lookup. Nothing was charged.",
  },
  claro_failed: {
    status: 502,
    title: "Claro failed",
    "pt-BR": "A Claro falhou ao atender a consulta. Nada foi cobrado.",
    en: "Claro failed to serve the lookup. Nothing was charged.",
  },
  claro_throttled: {
    status: 503,
    title: "Claro throttles the gateway",
    "pt-BR": "A Claro está limitando o gateway. Nada foi cobrado; espere o tempo indicado em `Retry-After`.",
    en: "Claro is throttling the gateway. Nothing was charged; wait for the time in `Retry-After`.",
  },
  claro_unreachable: {
    status: 503,
    title: "Claro unreachable",
    "pt-BR": "A Claro não pôde ser alcançada. Nada foi enviado nem cobrado.",
    en: "Claro could not be reached. Nothing was sent or charged.",
  },
  claro_timeout: {
    status: 504,
    title: "Claro did not answer in time",
    "pt-BR": "A Claro não respondeu a tempo. A consulta não é cobrada de você.",
    en: "Claro did not answer in time. The lookup is not charged to you.",
  },
  ledger_unavailable: {
    status: 503,
    title: "Ledger unavailable",
    "pt-BR": "O registro de consultas está indisponível. Nenhuma pontuação foi entregue e nada foi cobrado.",
    en: "The ledger is unavailable. No score was given and nothing is charged.",
  },
  statement_unavailable: {
    status: 503,
    title: "Statement unavailable",
    "pt-BR": "Os eventos do extrato não podem ser lidos agora; nada se perdeu. Tente de novo em instantes.",
    en: "The statement's events cannot be read now; nothing is lost. Try again in a moment.",
  },
};
