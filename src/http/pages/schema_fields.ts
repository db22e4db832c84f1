import { assertPresent } from "../../domain/assert.ts";

/** A JSON schema as the OpenAPI document holds it, in the words that the schemas here use. */
export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
};

export type Schemas = Readonly<Record<string, Schema>>;

/** One field of a body; `path` leads to it, as in `data[].id`. */
export type Field = {
  readonly path: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string;
};

const REF = "#/components/schemas/";

/** All fields of a schema, the outer ones before the inner. */
export function fieldsOf(schema: Schema, schemas: Schemas, prefix = ""): Field[] {
  const resolved = resolve(schema, schemas);
  return Object.entries(resolved.properties ?? {}).flatMap(([name, property]) => {
    const inner = resolve(property, schemas);
    const path = `${prefix}${name}`;
    const field: Field = {
      path,
      type: typeOf(property, schemas),
      isRequired: resolved.required?.includes(name) ?? false,
      description: property.description ?? inner.description ?? "",
    };
    return [field, ...alternativesOf(inner, schemas).flatMap((alternative) => innerFields(alternative, schemas, path))];
  });
}

function innerFields(schema: Schema, schemas: Schemas, path: string): Field[] {
  return schema.type === "array"
    ? fieldsOf(itemsOf(schema), schemas, `${path}[].`)
    : fieldsOf(schema, schemas, `${path}.`);
}

/** A type for people: `string`, `integer or null`, `"live" or "test"`, `list of string`. */
export function typeOf(schema: Schema, schemas: Schemas): string {
  const resolved = resolve(schema, schemas);
  if (resolved.anyOf !== undefined) return unique(resolved.anyOf.map((one) => typeOf(one, schemas))).join(" | ");
  if (resolved.const !== undefined) return JSON.stringify(resolved.const);
  if (resolved.enum !== undefined) return resolved.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (resolved.type === "array") return `${typeOf(itemsOf(resolved), schemas)}[]`;
  const types = Array.isArray(resolved.type) ? resolved.type : [resolved.type ?? "any"];
  return types.map((type: string) => (type === "string" && resolved.format ? resolved.format : type)).join(" | ");
}

/** A value that the schema allows, from its examples where it has some. */
export function sampleOf(schema: Schema, schemas: Schemas): unknown {
  const resolved = { ...resolve(schema, schemas), ...withoutRef(schema) };
  if (resolved.examples?.[0] !== undefined) return resolved.examples[0];
  if (resolved.const !== undefined) return resolved.const;
  if (resolved.enum !== undefined) return resolved.enum[0];
  const [alternative] = resolved.anyOf ?? [];
  if (alternative !== undefined) return sampleOf(alternative, schemas);
  const [type] = Array.isArray(resolved.type) ? (resolved.type as string[]) : [resolved.type];
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(resolved.properties ?? {}).map(([name, property]) => [name, sampleOf(property, schemas)]),
      );
    case "array":
      return [sampleOf(itemsOf(resolved), schemas)];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return Math.max(resolved.minimum ?? 0, 0);
    case "string":
      return SAMPLES_BY_FORMAT[resolved.format ?? ""] ?? "";
    default:
      return null;
  }
}

const SAMPLES_BY_FORMAT: Readonly<Record<string, string>> = {
  "date-time": "2026-11-27T21:20:40.123Z",
  date: "2026-11-27",
};

function resolve(schema: Schema, schemas: Schemas): Schema {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref === undefined) return schema;
  return resolve(assertPresent(schemas[ref.slice(REF.length)], `the document lacks ${ref}`), schemas);
}

function itemsOf({ items }: Schema): Schema {
  return assertPresent(items, "a list does not say of what");
}

function alternativesOf(schema: Schema, schemas: Schemas): Schema[] {
  return (schema.anyOf ?? [schema]).map((one) => resolve(one, schemas));
}

function withoutRef({ $ref: _ref, allOf: _allOf, ...rest }: Schema): Schema {
  return rest;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
