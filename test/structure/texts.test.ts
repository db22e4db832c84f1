import { describe, expect, test, vi } from "vitest";
import { ENDPOINTS } from "../../src/app.ts";
import { SCOPES } from "../../src/domain/api_key.ts";
import type { IssueCode } from "../../src/domain/issue.ts";
import { ROLES } from "../../src/domain/roles.ts";
import { describeEndpoints } from "../../src/http/openapi.ts";
import { guideSections } from "../../src/http/pages/guide.ts";
import { ISSUES, issueText } from "../../src/http/texts/issue_texts.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";

vi.mock("cloudflare:sockets", () => ({ connect: () => new Error("no sockets here") }));

type Json = Record<string, unknown>;

const origin = "https://gateway.test";
const english = describeEndpoints(ENDPOINTS, { origin, language: "en", audience: "everyone" }) as unknown as Json;
const portuguese = describeEndpoints(ENDPOINTS, { origin, language: "pt-BR", audience: "everyone" }) as unknown as Json;

/** Every object of a document, with the pointer to it. */
function* objectsIn(value: unknown, pointer = ""): Generator<[string, Json]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [pointer, value as Json];
  for (const [name, inner] of Object.entries(value))
    yield* objectsIn(inner, `${pointer}/${name.replaceAll("/", "~1")}`);
}

const atPointer = (document: Json, pointer: string) =>
  pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((inner, part) => (inner as Json)[part.replaceAll("~1", "/")], document) as Json;

/** What is the same word in both languages. */
const SAME = new Set(["Gateway"]);

describe("the document in two languages", () => {
  test("says nothing in one that it does not say in the other", () => {
    const untranslated: string[] = [];
    for (const [pointer, object] of objectsIn(english)) {
      for (const key of ["description", "summary"] as const) {
        const text = object[key];
        if (typeof text !== "string" || pointer.includes("/examples")) continue;
        const translated = atPointer(portuguese, pointer)[key];
        if (text === "" || translated === text) untranslated.push(`${pointer}: ${text}`);
      }
    }
    expect(untranslated).toEqual([]);
  });

  test.each([english, portuguese])("tells of each role what its operator may do", (document) => {
    const { roles } = atPointer(document, "/components/schemas/NewOperator/properties");
    for (const role of ROLES) expect((roles as Json)["description"]).toContain(`\`${role}\``);
  });

  test.each(["pt-BR", "en"] as const)("has a guide in %s that tells of each scope of a key", async (language) => {
    const say = (pt: string, en: string) => (language === "en" ? en : pt);
    const keys = guideSections({ say, language, origin }).find(({ id }) => id === "keys");
    const body = JSON.stringify(await keys?.body);
    for (const scope of SCOPES) expect(body).toContain(`<code>${scope}</code>`);
  });

  test("keeps to itself how it was translated", () => {
    for (const document of [english, portuguese]) expect(JSON.stringify(document)).not.toContain("x-description");
  });

  test("explains every field of every body, parameter and header", () => {
    const silent = [...objectsIn(english)].flatMap(([pointer, object]) =>
      Object.entries((object["properties"] ?? {}) as Record<string, Json>)
        .filter(() => object["type"] === "object")
        .filter(([, schema]) => schema["description"] === undefined && meaningOf(schema) === undefined)
        .map(([name]) => `${pointer}/properties/${name}`),
    );
    expect(silent).toEqual([]);
    const parameters = [...objectsIn(english)].filter(
      ([, object]) => typeof object["in"] === "string" && "schema" in object,
    );
    expect(parameters.filter(([, object]) => object["description"] === undefined).map(([pointer]) => pointer)).toEqual(
      [],
    );
  });

  test("shows a real example of every value", () => {
    const without = [...objectsIn(english)]
      .filter(([pointer]) => !pointer.includes("/examples/"))
      .flatMap(([pointer, object]) =>
        Object.entries((object["properties"] ?? {}) as Record<string, Json>)
          .filter(() => object["type"] === "object")
          .filter(([, schema]) => !isSelfEvident(schema))
          .map(([name]) => `${pointer}/properties/${name}`),
      );
    expect(without).toEqual([]);
    const parameters = [...objectsIn(english)]
      .filter(([pointer, object]) => /parameters|headers/.test(pointer) && "schema" in object)
      .filter(([, object]) => !isSelfEvident(object["schema"] as Json));
    expect(parameters.map(([pointer]) => pointer)).toEqual([]);
    expect(JSON.stringify(english)).not.toMatch(/"(?:…|\.\.\.|foo|bar)"/);
  });
});

function resolve(schema: Json): Json {
  const ref = schema["$ref"];
  return typeof ref === "string" ? atPointer(english, ref.slice(1)) : schema;
}

function meaningOf(schema: Json): unknown {
  const resolved = resolve(schema);
  if (resolved["description"] !== undefined) return resolved["description"];
  const alternatives = (resolved["anyOf"] ?? resolved["allOf"]) as Json[] | undefined;
  return alternatives?.map(meaningOf).find((meaning) => meaning !== undefined);
}

/** Whether a reader sees what a value looks like: by an example, or because there is little that it can be. */
function isSelfEvident(schema: Json): boolean {
  const resolved = { ...resolve(schema), ...schema };
  if (Array.isArray(resolved["examples"]) && resolved["examples"].length > 0) return true;
  if (resolved["const"] !== undefined || resolved["enum"] !== undefined) return true;
  const alternatives = (resolved["anyOf"] ?? resolved["allOf"]) as Json[] | undefined;
  if (alternatives !== undefined) return alternatives.some((one) => one["type"] !== "null" && isSelfEvident(one));
  if (resolved["type"] === "object") return true; // Its own fields are looked at.
  return resolved["type"] === "array" && isSelfEvident(resolved["items"] as Json);
}

/** Phrases that are English in Portuguese words. */
const CALQUES =
  /não pôde ser|pôde ser|cobrad[oa] de você|foi alcançad|são para ser|no caso que|em ordem de|faz sentido de|aplicar para|assumir que|suportad|deletar|requisitar|eventualmente|realizar o|resetad|pontuação (?:fixa|de \d|para)|(?:tem|uma|nenhuma) pontuação/i;

describe("what failures say", () => {
  test("is said in both languages, each in its own", () => {
    for (const [code, { "pt-BR": portugueseText, en }] of Object.entries(PROBLEMS)) {
      expect(portugueseText, code).not.toBe(en);
      expect(portugueseText, code).toMatch(/[.!?]$/);
      expect(en, code).toMatch(/[.!?]$/);
    }
    for (const code of Object.keys(ISSUES) as IssueCode[]) {
      const params = {
        expected: "string",
        meant: "cpf",
        most: 1,
        least: 2,
        days: 3,
        role: "read",
        scope: "usage:read",
      };
      const [one, other] = [
        issueText({ path: "", code, params }, "pt-BR"),
        issueText({ path: "", code, params }, "en"),
      ];
      expect(one, code).not.toBe(other);
      expect(`${one}${other}`, code).not.toMatch(/undefined|\$\{/);
    }
  });

  test("is Portuguese that a Brazilian would write", () => {
    const texts = [
      ...Object.values(PROBLEMS).map((text) => text["pt-BR"]),
      ...(Object.keys(ISSUES) as IssueCode[]).map((code) => issueText({ path: "", code }, "pt-BR")),
      ...[...objectsIn(portuguese)].flatMap(([, object]) => [object["description"], object["summary"]]),
    ].filter((text) => typeof text === "string");
    expect(texts.length).toBeGreaterThan(300);
    expect(texts.filter((text) => CALQUES.test(text))).toEqual([]);
    // Words that only English has.
    expect(
      texts.filter((text) => !SAME.has(text) && /\b(?:the|and|which|with|their|this|must be)\b/.test(text)),
    ).toEqual([]);
  });
});
