import type { z } from "zod";
import type { scoreAnswer } from "../scores.ts";

const ANSWER = {
  id: "lkp_01934f2a-7c1e-7d53-9a57-1d2f3b4c5d6e",
  score: 540,
  mode: "test",
  billed: false,
  price: { amount: "0.0000", currency: "BRL" },
  reference: "pedido-1234",
  transactionId: "0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58",
  createdAt: "2026-11-27T21:20:40.123Z",
} satisfies z.infer<typeof scoreAnswer>;

/** The first lookup that a reader can try, and what it answers. */
export function lookupExample(origin: string): { readonly request: string; readonly answer: string } {
  return {
    request: curl("POST", `${origin}/v1/scores`, {
      headers: ["Authorization: Bearer $API_KEY"],
      body: jsonBody({ cpf: "529.982.247-25", reference: "pedido-1234" }),
    }),
    answer: JSON.stringify(ANSWER, null, 2),
  };
}

export type ExampleBody = { readonly type: string; readonly text: string };

export function jsonBody(value: unknown): ExampleBody {
  return { type: "application/json", text: JSON.stringify(value) };
}

/** A call as it can be pasted into a shell. Header values are in double quotes, so that variables are filled in. */
export function curl(
  method: string,
  url: string,
  { headers = [], body }: { headers?: readonly string[]; body?: ExampleBody } = {},
): string {
  // What curl sends without being told: GET, or with a body POST of a form.
  const isTold = method === (body === undefined ? "GET" : "POST");
  const isForm = body?.type === "application/x-www-form-urlencoded";
  const sent = body === undefined || isForm ? headers : [...headers, `Content-Type: ${body.type}`];
  return [
    `curl -s ${isTold ? "" : `-X ${method} `}'${url}'`,
    ...sent.map((header) => `  -H ${header.includes("$") ? `"${header}"` : `'${header}'`}`),
    ...(body === undefined ? [] : [`  ${body.text.includes("\n") ? "--data-binary" : "-d"} '${body.text}'`]),
  ].join(" \\\n");
}
