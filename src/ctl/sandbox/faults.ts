import { validateHeaderName, validateHeaderValue } from "node:http";
import * as z from "zod";
import { type ClaroAnswer, refusal, type ScoreCall } from "../../sandbox/claro_answers.ts";
import { seededRandom } from "./seeded_random.ts";

const HUGE_BODY_BYTES = 10 * 1024 * 1024;
const DEFAULT_DELAY_MS = { delay: 1_000, drip: 100 };

const faultSchema = z.strictObject({
  target: z.enum(["score", "token"]),
  kind: z.enum([
    "status",
    "body",
    "html",
    "huge_body",
    "bad_gzip",
    "early_hints",
    "drop",
    "reset_mid_body",
    "hang_body",
    "drip",
    "delay",
  ]),
  /** It strikes only the score calls for this person, or of this customer. */
  cpf: z.string().optional(),
  customerId: z.string().optional(),
  /** In place of the answer's own, for every kind that answers. */
  status: z.int().min(200).max(999).optional(),
  body: z.string().optional(),
  headers: z.record(z.string(), z.string()).refine(areHeaders, "not valid as HTTP headers").optional(),
  /** Before the answer; for `drip`, between two bytes. */
  delayMs: z.int().min(0).max(600_000).optional(),
  probability: z.number().min(0).max(1).default(1),
  /** How often it strikes before it is used up; without it, for ever. */
  times: z.int().positive().optional(),
});

export type Fault = z.infer<typeof faultSchema>;
export const faultListSchema = z.array(faultSchema);

/** How an answer goes over the wire. */
export type Delivery = ClaroAnswer & {
  readonly headers: Readonly<Record<string, string>>;
  /**
   * `drop`: the socket is destroyed instead; `half`: after half of the body; `hang`: nothing comes after half of it;
   * `drip`: byte by byte; `hints`: after a 103.
   */
  readonly manner: "whole" | "drop" | "half" | "hang" | "drip" | "hints";
  readonly dripMs: number;
};

/** The faults in force. The first that fits a call strikes it; later ones wait until it is used up or spares a call. */
export class FaultPlan {
  readonly #random: () => number;
  #faults: { readonly fault: Fault; timesLeft: number }[] = [];

  /** The same `seed` gives the same strikes, when the calls come in the same order. */
  constructor(options: { seed: number }) {
    this.#random = seededRandom(options.seed);
  }

  replace(faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({ fault, timesLeft: fault.times ?? Infinity }));
  }

  next(target: Fault["target"], call: Pick<ScoreCall, "cpf" | "customerId"> | null = null): Fault | null {
    for (const armed of this.#faults) {
      const { cpf = call?.cpf, customerId = call?.customerId } = armed.fault;
      if (armed.fault.target !== target || armed.timesLeft === 0) continue;
      if (cpf !== call?.cpf || customerId !== call?.customerId) continue;
      if (armed.fault.probability < 1 && this.#random() >= armed.fault.probability) continue;
      armed.timesLeft--;
      return armed.fault;
    }
    return null;
  }
}

/** What is delivered in place of `answer`; without a fault, the answer as it is. */
export function deliveryOf(answer: ClaroAnswer, fault: Fault | null): Delivery {
  if (fault === null) return { ...answer, headers: {}, manner: "whole", dripMs: 0 };
  const delayMs = answer.delayMs + (fault.delayMs ?? 0);
  const replacement = fault.status === undefined && fault.body === undefined ? {} : replacementFor(fault);
  const headers = fault.headers ?? {};
  const delivery: Delivery = { ...answer, ...replacement, delayMs, headers, manner: "whole", dripMs: 0 };
  switch (fault.kind) {
    case "status":
      return { ...delivery, ...replacementFor(fault) };
    case "body":
      return { ...delivery, ...replaced(fault.status ?? 200, fault.body ?? "") };
    case "html": {
      const page = fault.body ?? "<html><body><h1>502 Bad Gateway</h1></body></html>";
      return { ...delivery, ...replaced(fault.status ?? 200, page), contentType: "text/html" };
    }
    case "huge_body":
      return { ...delivery, ...replaced(fault.status ?? 200, `{"padding":"${"x".repeat(HUGE_BODY_BYTES)}"}`) };
    case "bad_gzip":
      return { ...delivery, score: null, headers: { "Content-Encoding": "gzip", ...headers } };
    case "early_hints":
      return { ...delivery, manner: "hints" };
    case "drop":
      return { ...delivery, manner: "drop" };
    case "reset_mid_body":
      return { ...delivery, manner: "half" };
    case "hang_body":
      return { ...delivery, manner: "hang" };
    case "delay":
      return { ...delivery, delayMs: answer.delayMs + (fault.delayMs ?? DEFAULT_DELAY_MS.delay) };
    case "drip":
      return { ...delivery, delayMs: answer.delayMs, manner: "drip", dripMs: fault.delayMs ?? DEFAULT_DELAY_MS.drip };
  }
}

type Replacement = Pick<ClaroAnswer, "status" | "body" | "contentType" | "transactionId" | "score">;

function replacementFor(fault: Fault): Replacement {
  const status = fault.status ?? (fault.kind === "status" ? 500 : 200);
  if (fault.body !== undefined) return replaced(status, fault.body);
  const { body, contentType, transactionId } = refusal(fault.target === "score" ? "SCORES" : "OAUTH2", status, "Fault");
  return { status, body, contentType, transactionId, score: null };
}

/** A body that a test made up may well deliver a score, and the journal must then say so. */
function replaced(status: number, body: string): Replacement {
  const { transactionId, score } = readScoreBody(body);
  return { status, body, contentType: "application/json", transactionId, score: status === 200 ? score : null };
}

const scoreBodySchema = z.object({
  transactionId: z.string().nullable().catch(null),
  data: z
    .object({
      statsResult: z.object({
        score: z.union([
          z.number(),
          z
            .string()
            .regex(/^ *[0-9]+(?:\.0+)? *$/)
            .transform(Number),
        ]),
      }),
    })
    .nullable()
    .catch(null),
});

function readScoreBody(body: string): { transactionId: string | null; score: number | null } {
  const nothing = { transactionId: null, score: null };
  try {
    const parsed = scoreBodySchema.safeParse(JSON.parse(body));
    if (!parsed.success) return nothing;
    const score = parsed.data.data?.statsResult.score ?? -1;
    const isUsable = Number.isInteger(score) && score >= 0 && score <= 1000;
    return { transactionId: parsed.data.transactionId, score: isUsable ? score : null };
  } catch {
    return nothing;
  }
}

function areHeaders(headers: Record<string, string>): boolean {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
}
