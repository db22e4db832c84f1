const ANSWER = {
  id: "lkp_5f8d0c1e-2b7a-4f0e-9d53-6a1c8e4b7f20",
  score: 540,
  mode: "test",
  billed: false,
  transactionId: "0d5a7f3c-91b2-4c4e-8a6f-2e7b1d9c3a58",
  createdAt: "2026-11-23T18:04:05.678Z",
};

/** The first lookup that a reader can try, and what it answers. */
export function lookupExample(origin: string): { readonly request: string; readonly answer: string } {
  return {
    request: curl("POST", `${origin}/v1/scores`, {
      headers: ["Authorization: Bearer $API_KEY"],
      body: { cpf: "529.982.247-25", reference: "order-1234" },
    }),
    answer: JSON.stringify(ANSWER, null, 2),
  };
}

/** A call as it can be pasted into a shell. Header values are in double quotes, so that variables are filled in. */
export function curl(
  method: string,
  url: string,
  { headers = [], body }: { headers?: readonly string[]; body?: unknown } = {},
): string {
  const isForm = typeof body === "string";
  const sent = isForm ? body : JSON.stringify(body);
  const type = body === undefined || isForm ? [] : ["Content-Type: application/json"];
  return [
    `curl -s ${method === "GET" || (method === "POST" && body !== undefined) ? "" : `-X ${method} `}'${url}'`,
    ...[...headers, ...type].map((header) => `  -H ${header.includes("$") ? `"${header}"` : `'${header}'`}`),
    ...(body === undefined ? [] : [`  -d '${sent}'`]),
  ].join(" \\\n");
}
