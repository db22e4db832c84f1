import { checkOf, randomBase62, type RandomBytes } from "./checked_token.ts";
import { fail, ok, type Result } from "./result.ts";

/** An operator's credential, `csg_op_<10>_<26><6>` in base62: the operator's id, a secret of 154 bits, a check. */
export type OperatorToken = { readonly operatorId: string; readonly text: string };

const WRITTEN_TOKEN = /^(csg_op_[0-9A-Za-z]{10})_([0-9A-Za-z]{26})([0-9A-Za-z]{6})$/;

/** True for what is meant as an operator's token, right or wrong. */
export function looksLikeOperatorToken(text: string): boolean {
  return text.startsWith("csg_op_");
}

/** Reads a token and proves its check, without any I/O. */
export function parseOperatorToken(text: string): Result<OperatorToken, "invalid_operator_token"> {
  const parts = WRITTEN_TOKEN.exec(text);
  if (parts === null) return fail("invalid_operator_token");
  const [, operatorId, secret, check] = parts as unknown as [string, string, string, string];
  if (check !== checkOf(`${operatorId}_${secret}`)) return fail("invalid_operator_token");
  return ok({ operatorId, text });
}

export function makeOperatorToken(randomBytes: RandomBytes): OperatorToken {
  const operatorId = `csg_op_${randomBase62(10, randomBytes)}`;
  const secret = randomBase62(26, randomBytes);
  return { operatorId, text: `${operatorId}_${secret}${checkOf(`${operatorId}_${secret}`)}` };
}
