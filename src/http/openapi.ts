import * as z from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponseObject } from "zod-openapi";
import { assertPresent } from "../domain/assert.ts";
import type { FailureCode } from "../domain/failure.ts";
import { claroError } from "./claro_error.ts";
import type { Answer, Endpoint, HeaderSchemas, Tag } from "./endpoint.ts";
import { failuresOf } from "./failures_of.ts";
import { inLanguage, told, type Language } from "./language.ts";
import { ANSWER_HEADERS, HEADERS, REQUEST_HEADERS, SECURITY_SCHEMES, securityOf, TAGS } from "./openapi_parts.ts";
import { parameterNames, pathParameter } from "./path_parameters.ts";
import { problem } from "./problem.ts";
import { PROBLEMS } from "./texts/problem_texts.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

/** What a document is for: `partner` leaves out what only operators call. */
export type DocumentKind = {
  readonly origin: string;
  readonly language: Language;
  readonly audience: "everyone" | "partner";
};

/** The OpenAPI document as served, and its text. */
export type ServedDocument = { readonly document: OpenApiDocument; readonly text: string };

const MOST_REMEMBERED = 8;

/** Describes the endpoints when first asked, and remembers it: a document takes tens of milliseconds to make. */
export function documentOnce(endpoints: readonly Endpoint[]): (kind: DocumentKind) => ServedDocument {
  const made = new Map<string, ServedDocument>();
  return (kind) => {
    const name = JSON.stringify(kind);
    const known = made.get(name);
    if (known !== undefined) return known;
    // The origin is what a caller says it is: the memory has to be bounded.
    if (made.size >= MOST_REMEMBERED) made.clear();
    const document = describeEndpoints(endpoints, kind);
    const served = { document, text: JSON.stringify(document) };
    made.set(name, served);
    return served;
  };
}

/** The OpenAPI document of the endpoints. Throws when a path has a parameter that nobody described. */
export function describeEndpoints(
  endpoints: readonly Endpoint[],
  { origin, language, audience }: DocumentKind,
): OpenApiDocument {
  const described = endpoints.filter(({ access }) => audience === "everyone" || access.audience !== "operator");
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const endpoint of described) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: describeEndpoint(endpoint, language) };
  }
  const tags = (Object.keys(TAGS) as Tag[]).filter((tag) => described.some((endpoint) => endpoint.tag === tag));
  const isForOperators = described.some(({ access }) => access.audience === "operator");
  const { operator, ...partnerSchemes } = SECURITY_SCHEMES;
  const document = createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Claro Score Gateway",
        version: "1",
        ...told({
          "pt-BR":
            "O score de crédito da Claro para um CPF, com chaves, limites, medição e extratos para cada parceiro.",
          en: "Claro's credit score of a CPF, with keys, limits, metering and statements for each partner.",
        }),
        contact: { name: "Claro Score Gateway", url: `${origin}/docs` },
        license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
      },
      servers: [{ url: origin }],
      tags: tags.map((name) => ({ name, description: TAGS[name].description[language] })),
      paths,
      components: { securitySchemes: isForOperators ? { ...partnerSchemes, operator } : partnerSchemes },
    },
    { override: dropSafeIntegerBounds },
  );
  return inLanguage(document, language);
}

function describeEndpoint(endpoint: Endpoint, language: Language): ZodOpenApiOperationObject {
  const { id, tag, summary, description, access, query, requestHeaders = {}, body } = endpoint;
  const failures = failuresOf(endpoint);
  const answers = Object.entries(endpoint.answers).map(([status, answer]) => [
    status,
    describeAnswer(answer, { language, ...(endpoint.headers === undefined ? {} : { headers: endpoint.headers }) }),
  ]);
  const statuses = [...new Set(failures.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  const refusals = statuses.map((status) => [
    String(status),
    describeFailures(
      failures.filter((code) => PROBLEMS[code].status === status),
      { endpoint, language },
    ),
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary: summary[language],
    description: description?.[language] ?? `${summary[language]}.`,
    security: securityOf(access),
    requestParams: {
      path: pathParameters(endpoint.path),
      ...(query === undefined ? {} : { query }),
      header: z.object({ ...REQUEST_HEADERS, ...requestHeaders }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.isOptional !== true,
            content: Object.fromEntries(
              (body.types ?? ["application/json"]).map((type) => [
                type,
                { schema: body.schema, ...(body.example === undefined ? {} : { example: body.example }) },
              ]),
            ),
          },
        }),
    responses: Object.fromEntries([...answers, ...refusals]) as Record<`${1 | 2 | 3 | 4 | 5}${string}`, object>,
  } as ZodOpenApiOperationObject;
}

function describeAnswer(
  { description, content, headers: own }: Answer,
  { language, headers = {} }: { language: Language; headers?: HeaderSchemas },
): ZodOpenApiResponseObject {
  const byType = content instanceof z.ZodType ? { "application/json": content } : content;
  return {
    description: description[language],
    headers: z.object({ ...ANSWER_HEADERS, ...headers, ...own }),
    content: Object.fromEntries(Object.entries(byType).map(([type, schema]) => [type, { schema }])),
  };
}

function describeFailures(
  codes: readonly FailureCode[],
  { endpoint, language }: { endpoint: Endpoint; language: Language },
): ZodOpenApiResponseObject {
  const { status } = PROBLEMS[assertPresent(codes[0], "a status without a failure")];
  const content: Record<string, z.ZodType> =
    endpoint.failureShape === "claro" ? { "application/json": claroError } : { "application/problem+json": problem };
  const words = (spoken: Language) => codes.map((code) => `\`${code}\`: ${PROBLEMS[code][spoken]}`).join("\n\n");
  return describeAnswer(
    {
      description: { "pt-BR": words("pt-BR"), en: words("en") },
      content,
      headers: {
        ...endpoint.headers,
        ...HEADERS.language,
        ...(status === 401 ? HEADERS.authenticate : {}),
        ...([409, 429, 503].includes(status) ? HEADERS.retryAfter : {}),
      },
    },
    { language },
  );
}

function pathParameters(path: string): z.ZodObject {
  return z.object(Object.fromEntries(parameterNames(path).map((name) => [name, pathParameter(name)])));
}

/** Drops the bounds of safe integers, which zod gives every whole number: they are noise to readers. */
function dropSafeIntegerBounds({ jsonSchema }: { jsonSchema: { minimum?: unknown; maximum?: unknown } }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}
