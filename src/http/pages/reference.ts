import { html } from "hono/html";
import { assertPresent } from "../../domain/assert.ts";
import type { AppContext } from "../context.ts";
import type { Access, Credential, Endpoint, Tag } from "../endpoint.ts";
import { failuresOf } from "../failures_of.ts";
import type { Text } from "../language.ts";
import type { DocumentKind, ServedDocument } from "../openapi.ts";
import { TAGS } from "../openapi_parts.ts";
import { PROBLEMS } from "../texts/problem_texts.ts";
import { callsOf, type Call, type DescribedOperation, type Parameter } from "./calls.ts";
import { exampleCall } from "./example_call.ts";
import { guideSections, type GuideSection } from "./guide.ts";
import { answerPage, code, inline, prose, table, type Html, type PageContext, type Say } from "./layout.ts";
import { fieldsOf, sampleOf, typeOf, type Schema, type Schemas } from "./schema_fields.ts";

type Paths = Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;

/** `GET /docs`: what a developer has to know, and then every call, from the document in the reader's language. */
export function answerReference(endpoints: readonly Endpoint[], documentOf: (kind: DocumentKind) => ServedDocument) {
  return (context: AppContext): Response | Promise<Response> =>
    answerPage(context, (page) => {
      const { origin, language } = page;
      const { document } = documentOf({ origin, language, audience: "everyone" });
      const calls = callsOf(endpoints, document.paths as unknown as Paths);
      const reader = {
        schemas: document.components?.schemas as Schemas,
        parameters: document.components?.parameters as unknown as Readonly<Record<string, Parameter>>,
      };
      const guide = guideSections(page);
      return {
        title: `${page.say("Referência", "Reference")} · Claro Score Gateway`,
        path: "/docs",
        aside: contents(guide, calls, page),
        body: reference(guide, calls, { page, ...reader }),
      };
    });
}

type Reader = {
  readonly page: PageContext;
  readonly schemas: Schemas;
  readonly parameters: Readonly<Record<string, Parameter>>;
};

function contents(guide: readonly GuideSection[], calls: readonly Call[], { say, language }: PageContext): Html {
  return html`<nav aria-label="${say("Nesta página", "On this page")}">
    <section>
      <h2>${say("Guia", "Guide")}</h2>
      <ul>
        ${guide.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
      </ul>
    </section>
    ${tagsOf(calls).map(
      (tag) =>
        html`<section>
          <h2>${TAGS[tag].name[language]}</h2>
          <ul>
            ${calls
              .filter(({ endpoint }) => endpoint.tag === tag)
              .map(({ described }) => html`<li><a href="#${described.operationId}">${described.summary}</a></li>`)}
          </ul>
        </section>`,
    )}
  </nav>`;
}

function reference(guide: readonly GuideSection[], calls: readonly Call[], reader: Reader): Html {
  const { say, language } = reader.page;
  return html` <h1>${say("Referência", "Reference")}</h1>
    <p class="lead">
      ${inline(
        say(
          "Uma chamada basta: `POST /v1/scores`. O restante diz como usá-la bem.",
          "One call is enough: `POST /v1/scores`. All else says how to use it well.",
        ),
      )}
    </p>
    ${guide.map(
      ({ id, title, body }) =>
        html`<section id="${id}">
          <h2>${title}</h2>
          ${body}
        </section>`,
    )}
    ${tagsOf(calls).map(
      (tag) =>
        html`<section>
          <h2>${TAGS[tag].name[language]}</h2>
          ${calls.filter(({ endpoint }) => endpoint.tag === tag).map((call) => describe(call, reader))}
        </section>`,
    )}`;
}

function describe(call: Call, reader: Reader): Html {
  const { path, described, endpoint } = call;
  const { method } = endpoint;
  const { page, schemas } = reader;
  const { say } = page;
  // `X-Request-Id` goes with every call: the guide tells of it once.
  const parameters = (described.parameters ?? [])
    .map((one) => resolveParameter(one, reader))
    .filter(({ name }) => name !== "X-Request-Id");
  const body = Object.entries(described.requestBody?.content ?? {})[0];
  return html`<article id="${described.operationId}">
    <h3>${described.summary}</h3>
    <p class="route">
      <span class="method ${method.toLowerCase()}">${method}</span><code>${path}</code>
      <span class="quiet">${accessText(endpoint.access)[page.language]}</span>
    </p>
    ${described.description === undefined ? "" : prose(described.description)}
    ${code(exampleCall(call, { body: body?.[1], parameters, origin: page.origin }))}
    ${
      parameters.length === 0
        ? ""
        : html`<h4>${say("Parâmetros", "Parameters")}</h4>
            ${table(
              heads(say),
              parameters.map((one) => parameterRow(one, reader)),
              { stacks: true },
            )}`
    }
    ${
      body === undefined
        ? ""
        : html`<h4>${say("Corpo", "Body")} · <code>${body[0]}</code></h4>
            ${fieldTable(body[1].schema, reader)}`
    }
    ${Object.entries(described.responses)
      .filter(([status]) => status.startsWith("2"))
      .map(([status, response]) => answer(status, response, { ...reader, schemas }))}
    ${failures(call, say)}
  </article>`;
}

function answer(status: string, response: DescribedOperation["responses"][string], reader: Reader): Html {
  const { say } = reader.page;
  const json = response.content?.["application/json"];
  const types = Object.keys(response.content ?? {});
  return html`<h4>${status} · ${response.description}</h4>
    ${
      json === undefined
        ? html`<p>${types.map((type, index) => html`${index === 0 ? "" : ", "}<code>${type}</code>`)}</p>`
        : html`${code(JSON.stringify(sampleOf(json.schema, reader.schemas), null, 2))}
            <details>
              <summary>${say("Campos da resposta", "Fields of the answer")}</summary>
              ${fieldTable(json.schema, reader)}
            </details>`
    }`;
}

function failures({ endpoint }: Call, say: Say): Html {
  const codes = failuresOf(endpoint).toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);
  return html`<details>
    <summary>${say("Falhas possíveis", "What can fail")}</summary>
    <ul class="failures">
      ${codes.map(
        (failure) =>
          html`<li>
            <a href="/docs/errors#${failure}"
              ><code><b>${PROBLEMS[failure].status}</b>${failure}</code></a
            >
          </li>`,
      )}
    </ul>
  </details>`;
}

function heads(say: Say): string[] {
  return [say("Campo", "Field"), say("Tipo", "Type"), say("Descrição", "Description")];
}

function fieldTable(schema: Schema, { schemas, page }: Reader): Html {
  const rows = fieldsOf(schema, schemas).map((field) => [
    html`<code>${field.path}</code>`,
    typeCell(field.type, !field.isRequired, page.say),
    inline(field.description),
  ]);
  return table(heads(page.say), rows, { stacks: true });
}

function parameterRow(parameter: Parameter, { schemas, page }: Reader): Html[] {
  const type = typeCell(typeOf(parameter.schema, schemas), parameter.required !== true, page.say);
  const places: Readonly<Record<string, string>> = {
    path: page.say("no caminho", "in the path"),
    header: page.say("cabeçalho", "header"),
  };
  const where = places[parameter.in] ?? page.say("na consulta", "in the query");
  return [
    html`<code>${parameter.name}</code> <span class="quiet">${where}</span>`,
    type,
    inline(assertPresent(parameter.description ?? parameter.schema.description, `${parameter.name} is not described`)),
  ];
}

function typeCell(type: string, isOptional: boolean, say: Say): Html {
  return html`${type}${isOptional ? html` <span class="quiet">${say("opcional", "optional")}</span>` : ""}`;
}

function resolveParameter(parameter: Parameter | { readonly $ref: string }, { parameters }: Reader): Parameter {
  if (!("$ref" in parameter)) return parameter;
  const name = parameter.$ref.slice("#/components/parameters/".length);
  return assertPresent(parameters[name], `the document lacks the parameter ${name}`);
}

const CREDENTIALS: Readonly<Record<Credential, Text>> = {
  "api-key": { "pt-BR": "chave de API", en: "API key" },
  "client-credentials": { "pt-BR": "id e segredo da chave", en: "key id and secret" },
  "issued-token": { "pt-BR": "token de acesso", en: "access token" },
};

/** What a call asks for, with the scope or the role that it needs. */
function accessText(access: Access): Text {
  switch (access.audience) {
    case "public":
      return { "pt-BR": "sem credencial", en: "no credentials" };
    case "operator":
      return { "pt-BR": `operador · papel ${access.role}`, en: `operator · role ${access.role}` };
    case "tenant": {
      const { "pt-BR": portuguese, en } = CREDENTIALS[access.credential];
      return { "pt-BR": `${portuguese} · escopo ${access.scope}`, en: `${en} · scope ${access.scope}` };
    }
  }
}

/** The groups that have calls, in the order in which partners need them. */
function tagsOf(calls: readonly Call[]): Tag[] {
  return (Object.keys(TAGS) as Tag[]).filter((tag) => calls.some(({ endpoint }) => endpoint.tag === tag));
}
