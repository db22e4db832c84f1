import { type Cpf, cpfCheckDigits, parseCpf } from "../domain/cpf.ts";
import type { FailureCode } from "../domain/failure.ts";

type Magic = {
  readonly name: string;
  readonly cpf: Cpf;
  /** The HTTP status that Claro gives; null when it gives none. */
  readonly claroStatus: number | null;
  /** The code of the failure that a partner gets; null for a score. */
  readonly failure: FailureCode | null;
  readonly description: { readonly en: string; readonly ptBr: string };
};

/**
 * Made to be remembered: the first three digits are the HTTP status, and the next six tell the answers with status 200
 * apart. None starts with a zero, so that they also survive clients that send a CPF as a bare JSON number.
 */
export const MAGIC_CPFS = [
  {
    name: "score_0",
    cpf: validCpf("20000000027"),
    claroStatus: 200,
    failure: null,
    description: { en: "The lowest score, 0", ptBr: "O menor score, 0" },
  },
  {
    name: "score_1000",
    cpf: validCpf("20000100080"),
    claroStatus: 200,
    failure: null,
    description: { en: "The highest score, 1000", ptBr: "O maior score, 1000" },
  },
  {
    name: "not_found",
    cpf: validCpf("40440440408"),
    claroStatus: 404,
    failure: "score_not_found",
    description: { en: "Claro has no score for this CPF", ptBr: "A Claro não tem score para este CPF" },
  },
  {
    name: "rejected",
    cpf: validCpf("40040040046"),
    claroStatus: 400,
    failure: "rejected_by_claro",
    description: { en: "Claro rejects the request", ptBr: "A Claro rejeita a requisição" },
  },
  {
    name: "expired_token_once",
    cpf: validCpf("40140140107"),
    claroStatus: 401,
    failure: null,
    description: {
      en: "Refused when Claro's token is older than 2 seconds; a fresh token gets a score",
      ptBr: "Recusada se o token da Claro tem mais de 2 segundos; com um token novo há score",
    },
  },
  {
    name: "forbidden",
    cpf: validCpf("40340340339"),
    claroStatus: 403,
    failure: "claro_forbidden",
    description: { en: "Claro refuses the caller", ptBr: "A Claro recusa quem consulta" },
  },
  {
    name: "throttled",
    cpf: validCpf("42942942991"),
    claroStatus: 429,
    failure: "claro_throttled",
    description: { en: "The contracted policy is exceeded", ptBr: "O limite contratado foi excedido" },
  },
  {
    name: "failed",
    cpf: validCpf("50050050052"),
    claroStatus: 500,
    failure: "claro_failed",
    description: { en: "Claro fails on a valid request", ptBr: "A Claro falha em uma requisição válida" },
  },
  {
    name: "slow",
    cpf: validCpf("20000150002"),
    claroStatus: 200,
    failure: null,
    description: { en: "A score after 1.5 seconds", ptBr: "Um score depois de 1,5 segundo" },
  },
  {
    name: "timeout",
    cpf: validCpf("50450450406"),
    claroStatus: null,
    failure: "claro_timeout",
    description: { en: "Claro never answers", ptBr: "A Claro nunca responde" },
  },
  {
    name: "html",
    cpf: validCpf("20088888860"),
    claroStatus: 200,
    failure: "claro_contract",
    description: { en: "An HTML page instead of JSON", ptBr: "Uma página HTML no lugar de JSON" },
  },
  {
    name: "score_out_of_range",
    cpf: validCpf("20000100161"),
    claroStatus: 200,
    failure: "claro_contract",
    description: { en: "A score of 1001, which cannot be", ptBr: "Um score de 1001, que não existe" },
  },
  {
    name: "no_score",
    cpf: validCpf("20099999919"),
    claroStatus: 200,
    failure: "claro_contract",
    description: { en: "A JSON answer without a score", ptBr: "Uma resposta JSON sem score" },
  },
] as const satisfies readonly Magic[];

/** A CPF to which the simulator always gives the same special answer. */
export type MagicCpf = (typeof MAGIC_CPFS)[number];
export type MagicName = MagicCpf["name"];

const NAMES_BY_CPF: ReadonlyMap<Cpf, MagicName> = new Map(MAGIC_CPFS.map(({ cpf, name }) => [cpf, name]));

/** The special answer that `cpf` stands for; null for every ordinary CPF. */
export function magicNameOf(cpf: Cpf): MagicName | null {
  return NAMES_BY_CPF.get(cpf) ?? null;
}

function validCpf(digits: string): Cpf {
  const parsed = parseCpf(digits);
  const firstNine = digits.slice(0, 9);
  if (!parsed.ok)
    throw new Error(`A magic CPF is invalid: ${digits}; with check digits ${firstNine}${cpfCheckDigits(firstNine)}`);
  return parsed.value;
}
