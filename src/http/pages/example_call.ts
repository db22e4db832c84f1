import type { Access } from "../operation.ts";
import type { Call, Content, Parameter } from "./calls.ts";
import { curl } from "./examples.ts";

const CREDENTIALS: Readonly<Record<Access, readonly string[]>> = {
  anyone: [],
  "api-key": ["Authorization: Bearer $API_KEY"],
  "client-credentials": ['Authorization: Basic $(printf %s "$CLIENT_ID:$CLIENT_SECRET" | base64)'],
  "issued-token": ["Authorization: Bearer $TOKEN"],
  operator: ["Authorization: Bearer $ADMIN_TOKEN"],
};

/** A call to paste, with example values in its path, its query and its body. */
export function exampleCall(
  { method, path, endpoint: [, operation] }: Call,
  { body, parameters, origin }: { body: Content[string] | undefined; parameters: readonly Parameter[]; origin: string },
): string {
  const valueOf = (name: string) => {
    const value = parameters.find((parameter) => parameter.name === name)?.schema.examples?.[0];
    return typeof value === "string" ? value : undefined;
  };
  const filled = path.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => valueOf(name) ?? placeholder);
  const query = parameters
    .filter((parameter) => parameter.in === "query" && parameter.required === true)
    .map(({ name }) => `${name}=${valueOf(name) ?? "…"}`);
  const url = `${origin}${filled}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  const type = operation.body?.type ?? "application/json";
  return curl(method, url, {
    headers: CREDENTIALS[operation.access],
    ...(body?.example === undefined ? {} : { body: { type, text: written(type, body.example) } }),
  });
}

function written(type: string, example: unknown): string {
  if (typeof example === "string") return example;
  return type === "application/x-www-form-urlencoded"
    ? new URLSearchParams(example as Record<string, string>).toString()
    : JSON.stringify(example);
}
