import { z } from "zod";
import { parseCpf } from "../domain/cpf.ts";
import { looksLikeCpf } from "../domain/cpf_like.ts";
import type { Failure } from "../domain/failure.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { AppContext } from "./context.ts";
import { authenticate } from "./authenticate.ts";
import { LOOKUP, noteAuthTime, runLookup, type AskedLookup } from "./lookup_call.ts";
import type { Operation } from "./operation.ts";
import { printable } from "./printable.ts";
import { problemResponse } from "./problem.ts";
import { readJson } from "./read_body.ts";

export const scoreRequest = z
  .strictObject({
    cpf: z.union([z.string(), z.int()]).meta({
      description: "`ddd.ddd.ddd-dd` or eleven digits; a JSON integer is padded with zeros on the left.",
      examples: ["529.982.247-25", "52998224725"],
    }),
    reference: z
      .string()
      .regex(printable(64), "1 to 64 printable characters")
      .refine((text) => !looksLikeCpf(text), "must not hold a CPF")
      .optional()
      .meta({ description: "Your own reference; it is kept on the event and in exports.", examples: ["order-1234"] }),
  })
  .meta({ id: "ScoreRequest" });

export const scoreAnswer = z
  .object({
    id: z.string().meta({ description: "The lookup's id.", examples: ["lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20"] }),
    score: z
      .int()
      .min(0)
      .max(1000)
      .meta({ description: "The higher, the lower the risk of default.", examples: [742] }),
    mode: z.enum(["live", "test"]),
    billed: z.boolean(),
    transactionId: z
      .string()
      .nullable()
      .meta({ description: "Claro's own id of the transaction.", examples: ["0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58"] }),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "ScoreAnswer" });

export const scoreOperation: Operation = {
  ...LOOKUP,
  id: "lookUpScore",
  tag: "Scores",
  summary: "Look up the score of a CPF",
  description:
    "Asks Claro for the score of one CPF. A lookup is charged when its score is delivered, and with an `Idempotency-Key` " +
    "only once however often it is sent.",
  access: "api-key",
  body: { schema: scoreRequest, example: { cpf: "529.982.247-25", reference: "order-1234" } },
  answers: { 200: { description: "The score.", content: scoreAnswer } },
};

/** `POST /v1/scores`. */
export async function postScore(context: AppContext): Promise<Response> {
  const caller = await authenticate(context);
  if (!caller.ok) {
    noteAuthTime(context);
    return problemResponse(context, caller.failure);
  }
  const body = await readJson(context);
  const answered = await runLookup(context, caller.value, body.ok ? readAsked(body.value) : body);
  if (!answered.ok) return problemResponse(context, answered.failure);
  const { answer, headers } = answered.value;
  const { lookupId: id, score, mode, billed, transactionId, createdAtMs } = answer;
  const createdAt = new Date(createdAtMs).toISOString();
  const written = { id, score, mode, billed, transactionId, createdAt } satisfies z.infer<typeof scoreAnswer>;
  return Response.json(written, { headers });
}

function readAsked(body: unknown): Result<AskedLookup, Failure> {
  const parsed = scoreRequest.safeParse(body);
  if (!parsed.success) {
    const isCpfOnly = typeof body === "object" && body !== null && "cpf" in body;
    if (isCpfOnly && parsed.error.issues.every((issue) => issue.path[0] === "cpf"))
      return fail({ code: "invalid_cpf" });
    return fail({ code: "invalid_request", issues: issuesOf(parsed.error) });
  }
  const cpf = parseCpf(parsed.data.cpf);
  return cpf.ok ? ok({ cpf: cpf.value, reference: parsed.data.reference ?? null }) : fail({ code: "invalid_cpf" });
}

/** Where a body is wrong and why, without what stood there. Names of unknown fields are the caller's, so they stay out. */
export function issuesOf(error: z.ZodError): NonNullable<Failure["issues"]> {
  return error.issues.flatMap(innermost).map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.code === "unrecognized_keys" ? "has unknown fields" : issue.message,
  }));
}

/** What a value that fits no form lacks of the form that it looks like: the one that it fits deepest. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.find((issues) =>
    issues.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  return meant === undefined
    ? [issue]
    : meant.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] }));
}
