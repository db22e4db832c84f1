import { assertPresent } from "../../domain/assert.ts";
import type { Access, Credential } from "../endpoint.ts";
import type { Call, Content, Parameter } from "./calls.ts";
import { curl } from "./examples.ts";

const CREDENTIALS: Readonly<Record<Credential, readonly string[]>> = {
  "api-key": ["Authorization: Bearer $API_KEY"],
  "client-credentials": ['Authorization: Basic $(printf %s "$CLIENT_ID:$CLIENT_SECRET" | base64)'],
  "issued-token": ["Authorization: Bearer $TOKEN"],
};

/** A call to paste, with example values in its path, its query and its body. */
export function exampleCall(
  { path, endpoint: { method, access, body: declared } }: Call,
  { body, parameters, origin }: { body: Content[string] | undefined; parameters: readonly Parameter[]; origin: string },
): string {
  const valueOf = (name: string) => {
    const value = parameters.find((parameter) => parameter.name === name)?.schema.examples?.[0];
    return typeof value === "string" ? value : undefined;
  };
  const filled = path.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => valueOf(name) ?? placeholder);
  const query = parameters
    .filter((parameter) => parameter.in === "query" && parameter.required === true)
    .map(({ name }) => `${name}=${assertPresent(valueOf(name), `the parameter ${name} has no example`)}`);
  const url = `${origin}${filled}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  const [type = "application/json"] = declared?.types ?? [];
  return curl(method, url, {
    headers: credentialsOf(access),
    ...(body?.example === undefined ? {} : { body: { type, text: written(type, body.example) } }),
  });
}

function credentialsOf(access: Access): readonly string[] {
  if (access.audience === "public") return [];
  return access.audience === "operator" ? ["Authorization: Bearer $ADMIN_TOKEN"] : CREDENTIALS[access.credential];
}

function written(type: string, example: unknown): string {
  if (typeof example === "string") return example;
  return type === "application/x-www-form-urlencoded"
    ? new URLSearchParams(example as Record<string, string>).toString()
    : JSON.stringify(example);
}
