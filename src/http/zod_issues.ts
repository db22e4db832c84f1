import * as z from "zod";
import type { Issue, IssueCode } from "../domain/issue.ts";
import { safeName } from "./safe_name.ts";

const MOST_ISSUES = 20;
const ENCODED = "@";

/** The message of a rule of ours, for `.refine(…)` and `.regex(…)`: an issue by its code, said in words only when it is answered. */
export function issue(code: IssueCode, params: Issue["params"] = {}): string {
  return `${ENCODED}${JSON.stringify([code, params])}`;
}

/** Where a value does not fit its schema and why, without what stood there. */
export function issuesOf(error: z.ZodError, { schema, value, unknown }: Parsed): Issue[] {
  const issues = error.issues.flatMap(innermost).flatMap((found) => toIssues(found, { schema, value, unknown }));
  // Two rules can find the same fault: a reference that holds the CPF that is asked for also looks like one.
  const isFirst = ({ path, code }: Issue, index: number) =>
    issues.findIndex((one) => one.path === path && one.code === code) === index;
  return issues.filter(isFirst).slice(0, MOST_ISSUES);
}

type Parsed = {
  readonly schema: z.ZodType;
  readonly value: unknown;
  /** What a name that the schema does not have is called. */
  readonly unknown: "unknown_field" | "unknown_parameter";
};

function toIssues(found: z.core.$ZodIssue, { schema, value, unknown }: Parsed): Issue[] {
  const path = found.path.map((part) => safeName(String(part))).join(".");
  if (found.message.startsWith(ENCODED)) {
    const [code, params] = JSON.parse(found.message.slice(ENCODED.length)) as [IssueCode, NonNullable<Issue["params"]>];
    return [{ path, code, params }];
  }
  if (found.code === "unrecognized_keys") {
    const known = keysAt(schema, found.path);
    return found.keys.map((key) => {
      const meant = meantName(key, known);
      const name = safeName(key);
      return {
        path: path === "" ? name : `${path}.${name}`,
        code: unknown,
        ...(meant === null ? {} : { params: { meant } }),
      };
    });
  }
  if (valueAt(value, found.path) === undefined && found.path.length > 0) {
    return [{ path, code: "required" }, ...misspelt(found.path, { schema, value, unknown })];
  }
  return [{ path, ...described(found) }];
}

/** Names beside a missing one that must have meant it: where other fields are let be, nothing else would tell of them. */
function misspelt(path: readonly PropertyKey[], { schema, value, unknown }: Parsed): Issue[] {
  const outer = path.slice(0, -1);
  const missing = String(path.at(-1));
  const known = keysAt(schema, outer);
  const beside = Object.keys(valueAt(value, outer) ?? {}).filter((name) => !known.includes(name));
  return beside
    .filter((name) => meantName(name, [missing]) !== null)
    .map((name) => ({
      path: [...outer, name].map((part) => safeName(String(part))).join("."),
      code: unknown,
      params: { meant: missing },
    }));
}

function described(found: z.core.$ZodIssue): Omit<Issue, "path"> {
  switch (found.code) {
    case "invalid_type":
      return { code: "wrong_type", params: { expected: found.expected } };
    case "invalid_union":
      return { code: "wrong_type", params: { expected: alternatives(found) } };
    case "invalid_value":
      return { code: "not_one_of", params: { values: found.values.map((one) => `\`${String(one)}\``).join(", ") } };
    case "too_small": {
      const least = Number(found.minimum);
      return {
        code: sized(found.origin, { text: "too_short", list: "too_few", number: "too_small" }),
        params: { least },
      };
    }
    case "too_big": {
      const most = Number(found.maximum);
      return {
        code: sized(found.origin, { text: "too_long", list: "too_many", number: "too_large" }),
        params: { most },
      };
    }
    case "invalid_format":
      if (found.format === "date") return { code: "date" };
      if (found.format === "email") return { code: "email" };
      return { code: found.format === "datetime" ? "date_time" : "invalid_form" };
    default:
      return { code: "invalid_form" };
  }
}

function sized(origin: string, codes: Readonly<Record<"text" | "list" | "number", IssueCode>>): IssueCode {
  if (origin === "string") return codes.text;
  return origin === "array" ? codes.list : codes.number;
}

/** What a value that fits no form lacks of the form that it looks like: the one that it fits deepest. */
function innermost(found: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (found.code !== "invalid_union") return [found];
  const deep = found.errors.find((issues) =>
    issues.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  const meant = deep ?? found.errors.find((issues) => issues.some(({ code }) => code === "invalid_value"));
  return meant === undefined
    ? [found]
    : meant.flatMap((inner) => innermost({ ...inner, path: [...found.path, ...inner.path] }));
}

function alternatives(found: Extract<z.core.$ZodIssue, { code: "invalid_union" }>): string {
  const types = found.errors
    .flat()
    .map((one) => (one.code === "invalid_type" ? one.expected.replace("int", "number") : ""));
  return [...new Set(types)].join(" or ");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

/** The names that an object at `path` may have. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const objects = objectsIn(schema);
  const [key, ...rest] = path;
  if (key === undefined) return [...new Set(objects.flatMap((one) => Object.keys(one.shape)))];
  return objects.flatMap(({ shape }) => {
    const inner = shape[String(key)];
    return inner === undefined ? [] : keysAt(inner, rest);
  });
}

/** The objects that a schema can mean, through what is optional, has a default, or is one of several. */
function objectsIn(schema: z.core.$ZodType): z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(objectsIn);
  if (schema instanceof z.ZodPipe) return objectsIn(schema.in);
  if (schema instanceof z.ZodArray) return objectsIn(schema.element);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return objectsIn(schema.unwrap());
  }
  return [];
}

/** The declared name that somebody must have meant: the same but for its case and separators, or two letters away. */
function meantName(name: string, known: readonly string[]): string | null {
  if (name.length > 64) return null;
  const plain = plainName(name);
  const same = known.find((one) => plainName(one) === plain);
  if (same !== undefined) return same;
  return known.find((one) => one.length > 3 && distance(plainName(one), plain) <= 2) ?? null;
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_.-]/g, "");
}

/** Levenshtein's distance. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, letter] of left.split("").entries()) {
    const next = [i + 1];
    for (const [j, other] of right.split("").entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
