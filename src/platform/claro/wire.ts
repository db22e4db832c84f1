import { z } from "zod";

/** Claro writes numbers as numbers or as strings; both are read, nothing else. */
const tolerantInteger = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\s*\d{1,16}\s*$/)
      .transform(Number),
  ])
  .pipe(z.int());

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  expires_in: tolerantInteger.pipe(z.number().min(1)).optional().catch(undefined),
});

/** Each part is understood or not, whatever the others are. */
const scoreAnswer = z.object({
  apiVersion: z
    .string()
    .regex(/^[\x20-\x7e]{1,40}$/)
    .nullable()
    .catch(null),
  transactionId: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/)
    .nullable()
    .catch(null),
  data: z
    .object({ statsResult: z.object({ score: tolerantInteger.pipe(z.number().min(0).max(1000)) }) })
    .nullable()
    .catch(null),
});

export type TokenAnswer = { readonly accessToken: string; readonly expiresInSeconds: number };

/** Apigee's usual lifetime, for an answer that does not say. */
const DEFAULT_LIFETIME_SECONDS = 3600;

export function parseTokenAnswer(body: string): TokenAnswer | null {
  const parsed = tokenAnswer.safeParse(parseJson(body));
  if (!parsed.success) return null;
  return {
    accessToken: parsed.data.access_token,
    expiresInSeconds: parsed.data.expires_in ?? DEFAULT_LIFETIME_SECONDS,
  };
}

/** What of a score answer can be understood; a body can also be HTML, empty or cut short. */
export type ScoreAnswer = {
  readonly score: number | null;
  /** Claro's own way of writing that score, for those who speak Claro's shape. */
  readonly writtenScore: number | string | null;
  readonly transactionId: string | null;
  readonly apiVersion: string | null;
};

export function parseScoreAnswer(body: string): ScoreAnswer {
  const json = parseJson(body);
  const parsed = scoreAnswer.safeParse(json);
  if (!parsed.success) return { score: null, writtenScore: null, transactionId: null, apiVersion: null };
  const { data, transactionId, apiVersion } = parsed.data;
  return {
    score: data?.statsResult.score ?? null,
    writtenScore: data && (json as { data: { statsResult: { score: number | string } } }).data.statsResult.score,
    transactionId,
    apiVersion,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
