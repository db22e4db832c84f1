import type { Endpoint, Routes } from "../operation.ts";
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
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
};

/** One call, as the routes serve it and as the document tells it. */
export type Call = {
  readonly method: string;
  readonly path: string;
  readonly pattern: string;
  readonly endpoint: Endpoint;
  readonly described: DescribedOperation;
};

/** Every call of the routes, with what the document says of it. */
export function callsOf(routes: Routes, paths: Record<string, Record<string, DescribedOperation>>): Call[] {
  return Object.entries(routes).flatMap(([pattern, route]) =>
    Object.entries(route).flatMap(([method, endpoint]) => {
      const path = pattern.replaceAll(/:(\w+)/g, "{$1}");
      const described = paths[path]?.[method.toLowerCase()];
      return described === undefined ? [] : [{ method, path, pattern, endpoint, described }];
    }),
  );
}
