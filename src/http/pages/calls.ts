import { assertPresent } from "../../domain/assert.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Schema } from "./schema_fields.ts";

export type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
};
export type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
export type DescribedOperation = {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
};

/** One call, as its endpoint declares it and as the document tells it. */
export type Call = { readonly path: string; readonly endpoint: Endpoint; readonly described: DescribedOperation };

/** Every endpoint, with what the document says of it. */
export function callsOf(
  endpoints: readonly Endpoint[],
  paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>,
): Call[] {
  return endpoints.map((endpoint) => {
    const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}");
    const described = paths[path]?.[endpoint.method.toLowerCase()];
    return { path, endpoint, described: assertPresent(described, `the document lacks ${endpoint.method} ${path}`) };
  });
}
