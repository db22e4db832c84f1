/** The languages that people are spoken to in. Whatever is said to people is a `Text`: the compiler asks for both. */
export type Language = "pt-BR" | "en";

export type Text = Readonly<Record<Language, string>>;

/** `pt-BR` unless English is preferred to Portuguese. */
export function preferredLanguage(header: string | undefined): Language {
  const weights = { pt: 0, en: 0 };
  for (const part of (header ?? "").slice(0, 500).split(",")) {
    const [range = "", ...parameters] = part.trim().toLowerCase().split(";");
    const q = parameters.map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(parameter)?.[1]).find(Boolean);
    const language = range.split("-")[0] as keyof typeof weights;
    if (language in weights) weights[language] = Math.max(weights[language], Number(q ?? 1));
  }
  return weights.en > weights.pt ? "en" : "pt-BR";
}

const PORTUGUESE_KEY = "x-description-pt-BR";

/** What a schema's field means, in both languages, with examples: for `.meta(…)`. */
export function told(text: Text, more: { examples?: unknown[] } = {}): { description: string; examples?: unknown[] } {
  const both = { description: text.en, [PORTUGUESE_KEY]: text["pt-BR"] };
  return { ...both, ...more };
}

/** A document whose descriptions are in one language, made of one that has them in both. */
export function inLanguage<Document>(document: Document, language: Language): Document {
  return translate(document, language) as Document;
}

function translate(value: unknown, language: Language): unknown {
  if (Array.isArray(value)) return value.map((entry) => translate(entry, language));
  if (typeof value !== "object" || value === null) return value;
  const { [PORTUGUESE_KEY]: portuguese, ...rest } = value as Record<string, unknown>;
  const translated = Object.fromEntries(
    Object.entries(rest).map(([name, entry]) => [name, translate(entry, language)]),
  );
  if (language === "pt-BR" && portuguese !== undefined) translated["description"] = portuguese;
  // A parameter's or a header's description is its schema's: only there it has both languages.
  const schema = translated["schema"] as Record<string, unknown> | undefined;
  const meaning = schema?.["description"];
  if (meaning !== undefined && ("in" in rest || "description" in rest)) translated["description"] = meaning;
  return translated;
}
