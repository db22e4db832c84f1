import { html } from "hono/html";
import type { AppContext } from "../context.ts";
import type { ServedDocument } from "../openapi.ts";
import { TAGS } from "../openapi_parts.ts";
import { failuresOf, type Access, type Handler, type Routes, type Tag } from "../operation.ts";
import { PROBLEMS } from "../problem_texts.ts";
import { callsOf, type Call, type DescribedOperation, type Parameter } from "./calls.ts";
import { exampleCall } from "./example_call.ts";
import { guideSections, type GuideSection } from "./guide.ts";
import { answerPage, code, inline, prose, table, type Html, type PageContext, type Say } from "./layout.ts";
import { PORTUGUESE_SUMMARIES, PORTUGUESE_TAGS } from "./portuguese.ts";
import { fieldsOf, sampleOf, typeOf, type Schema, type Schemas } from "./schema_fields.ts";

/** `GET /docs`: what a developer has to know, and then every call, from the document that `/openapi.json` serves. */
export function answerReference(routes: () => Routes, documentOf: (origin: string) => ServedDocument): Handler {
  return (context: AppContext) =>
    answerPage(context, (page) => {
      const { document } = documentOf(page.origin);
      const calls = callsOf(routes(), document.paths as unknown as Record<string, Record<string, DescribedOperation>>);
      const reader = {
        schemas: (document.components?.schemas ?? {}) as Schemas,
        parameters: (document.components?.parameters ?? {}) as unknown as Readonly<Record<string, Parameter>>,
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
          <h2>${titleOf(tag, language)}</h2>
          <ul>
            ${calls
              .filter(({ described }) => described.tags[0] === tag)
              .map(
                ({ described }) =>
                  html`<li><a href="#${described.operationId}">${summaryOf(described, language)}</a></li>`,
              )}
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
    ${
      language === "en"
        ? ""
        : html`<p class="quiet">
            As descrições a seguir estão em inglês, como em <a href="/openapi.json">openapi.json</a>.
          </p>`
    }
    ${tagsOf(calls).map(
      (tag) =>
        html`<section>
          <h2>${titleOf(tag, language)}</h2>
          ${calls.filter(({ described }) => described.tags[0] === tag).map((call) => describe(call, reader))}
        </section>`,
    )}`;
}

function describe(call: Call, reader: Reader): Html {
  const { method, path, described } = call;
  const { page, schemas } = reader;
  const { say, language } = page;
  // `X-Request-Id` goes with every call: the guide tells of it once.
  const parameters = (described.parameters ?? [])
    .map((one) => resolveParameter(one, reader))
    .filter(({ name }) => name !== "X-Request-Id");
  const body = Object.entries(described.requestBody?.content ?? {})[0];
  return html`<article id="${described.operationId}">
    <h3>${summaryOf(described, language)}</h3>
    <p class="route">
      <span class="method ${method.toLowerCase()}">${method}</span><code>${path}</code>
      <span class="quiet">${accessText(call.endpoint[1].access, say)}</span>
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

function failures({ pattern, endpoint }: Call, say: Say): Html {
  const codes = failuresOf(pattern, endpoint[1]).toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);
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
    inline(parameter.description ?? parameter.schema.description ?? ""),
  ];
}

function typeCell(type: string, isOptional: boolean, say: Say): Html {
  return html`${type}${isOptional ? html` <span class="quiet">${say("opcional", "optional")}</span>` : ""}`;
}

function resolveParameter(parameter: Parameter | { readonly $ref: string }, { parameters }: Reader): Parameter {
  if (!("$ref" in parameter)) return parameter;
  const name = parameter.$ref.slice("#/components/parameters/".length);
  return parameters[name] ?? { name, in: "header", schema: {} };
}

function accessText(access: Access, say: Say): string {
  switch (access) {
    case "anyone":
      return say("sem credencial", "no credentials");
    case "api-key":
      return say("chave de API", "API key");
    case "client-credentials":
      return say("id e segredo da chave", "key id and secret");
    case "issued-token":
      return say("token de acesso", "access token");
    case "operator":
      return say("operador", "operator");
  }
}

/** The groups that have calls, in the order in which partners need them. */
function tagsOf(calls: readonly Call[]): Tag[] {
  return (Object.keys(TAGS) as Tag[]).filter((tag) => calls.some(({ described }) => described.tags[0] === tag));
}

function titleOf(tag: Tag, language: string): string {
  return language === "en" ? tag : PORTUGUESE_TAGS[tag];
}

function summaryOf({ operationId, summary }: DescribedOperation, language: string): string {
  return language === "en" ? summary : (PORTUGUESE_SUMMARIES[operationId] ?? summary);
}
