import { z } from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from "zod-openapi";
import type { FailureCode } from "../domain/failure.ts";
import type { AppContext } from "./context.ts";
import { HEADERS, PATH_PARAMETERS, requestIdParameter, SECURITY, SECURITY_SCHEMES, TAGS } from "./openapi_parts.ts";
import { failuresOf, type Answer, type Handler, type HeaderSchemas, type Operation, type Routes } from "./operation.ts";
import { problem } from "./problem.ts";
import { PROBLEMS } from "./problem_texts.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

/** The OpenAPI document as served at an origin, and its text. */
export type ServedDocument = { readonly document: OpenApiDocument; readonly text: string };

/** Describes the routes when first asked, and then remembers it for the origin that asked last. */
export function documentOnce(routes: () => Routes): (origin: string) => ServedDocument {
  let last: (ServedDocument & { readonly origin: string }) | null = null;
  return (origin) => {
    if (last?.origin !== origin) {
      const document = describeRoutes(routes(), origin);
      last = { origin, document, text: JSON.stringify(document) };
    }
    return last;
  };
}

/** `GET /openapi.json`: the routes as they are served, described by the schemas that validate them. */
export function answerOpenApi(documentOf: (origin: string) => ServedDocument): Handler {
  return (context: AppContext) =>
    context.body(documentOf(new URL(context.req.url).origin).text, 200, {
      "content-type": "application/json",
      // Tools in a browser may read it from anywhere. Caches ask whether it is still the same.
      "access-control-allow-origin": "*",
      "cache-control": "no-cache",
    });
}

/** The OpenAPI document of `routes`, served at `origin`. Throws when a path has a parameter that nobody described. */
export function describeRoutes(routes: Routes, origin: string): OpenApiDocument {
  const paths = Object.entries(routes).map(([path, route]) => {
    const operations = Object.entries(route).map(([method, [, operation]]) => [
      method.toLowerCase(),
      describeOperation(path, operation),
    ]);
    return [path.replaceAll(/:(\w+)/g, "{$1}"), Object.fromEntries(operations)];
  });
  return createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Claro Score Gateway",
        version: "1",
        description: "Claro's credit score of a CPF, with keys, limits, metering and statements for each partner.",
        license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
      },
      servers: [{ url: origin }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      paths: Object.fromEntries(paths) as ZodOpenApiPathsObject,
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    { override: dropSafeIntegerBounds },
  );
}

function describeOperation(path: string, operation: Operation): ZodOpenApiOperationObject {
  const { id, tag, summary, description, access, query, requestHeaders = {}, body } = operation;
  const failures = failuresOf(path, operation);
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    describeAnswer(answer, operation.headers),
  ]);
  const statuses = [...new Set(failures.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  const refusals = statuses.map((status) => [
    String(status),
    describeFailures(
      failures.filter((code) => PROBLEMS[code].status === status),
      operation,
    ),
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: SECURITY[access] as Record<string, string[]>[],
    requestParams: {
      path: pathParameters(path),
      ...(query === undefined ? {} : { query }),
      header: z.object({ "X-Request-Id": requestIdParameter, ...requestHeaders }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              [body.type ?? "application/json"]: {
                schema: body.schema,
                ...(body.example === undefined ? {} : { example: body.example }),
              },
            },
          },
        }),
    responses: Object.fromEntries([...answers, ...refusals]) as Record<`${1 | 2 | 3 | 4 | 5}${string}`, object>,
  } as ZodOpenApiOperationObject;
}

function describeAnswer(answer: Answer, headers: HeaderSchemas = {}): ZodOpenApiResponseObject {
  const { description, content } = answer;
  const byType = content instanceof z.ZodType ? { "application/json": content } : content;
  return {
    description,
    headers: z.object({ ...HEADERS.requestId, ...headers, ...answer.headers }),
    content: Object.fromEntries(Object.entries(byType).map(([type, schema]) => [type, { schema }])),
  };
}

function describeFailures(codes: readonly FailureCode[], operation: Operation): ZodOpenApiResponseObject {
  const { status } = PROBLEMS[codes[0] ?? "internal"];
  const shape: Record<string, z.ZodType> =
    operation.failureSchema === undefined
      ? { "application/problem+json": problem }
      : { "application/json": operation.failureSchema };
  const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].en}`).join("\n\n");
  return describeAnswer({
    description,
    content: shape,
    headers: {
      ...operation.headers,
      ...HEADERS.language,
      ...(status === 401 ? HEADERS.authenticate : {}),
      ...([409, 429, 503].includes(status) ? HEADERS.retryAfter : {}),
    },
  });
}

function pathParameters(path: string): z.ZodObject {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  return z.object(
    Object.fromEntries(
      names.map((name) => {
        const schema = PATH_PARAMETERS[name];
        if (schema === undefined) throw new Error(`The path parameter ${name} has no description`);
        return [name, schema];
      }),
    ),
  );
}

/** Every whole number of zod carries the bounds of safe integers: true, and only noise to a reader. */
function dropSafeIntegerBounds({ jsonSchema }: { jsonSchema: { minimum?: unknown; maximum?: unknown } }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}
