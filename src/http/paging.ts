import * as z from "zod";
import { told } from "./language.ts";
import { issue } from "./zod_issues.ts";

/** The place of the last entry that the caller has; opaque to callers. */
const cursorContent = z.tuple([z.int().min(0), z.string().regex(/^[\x20-\x7e]{0,100}$/)]);

/** A cursor in a query: what `encodeCursor` made of something of `content`. Anything else is refused as the caller's mistake. */
export function cursorQuery<Content extends z.ZodType>(content: Content, longest = 300) {
  return z
    .string()
    .max(longest, issue("cursor"))
    .meta(
      told(
        { "pt-BR": "O `nextCursor` da página anterior.", en: "`nextCursor` of the page before." },
        { examples: ["WzE3OTU4MTQ0NDAxMjMsInRlbl8wMTIzNDU2Nzg5YWJjZGVmMDEyMyJd"] },
      ),
    )
    .transform((text, context): z.output<Content> => {
      const parsed = content.safeParse(decodeCursor(text));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: "custom", message: issue("cursor") });
      return z.NEVER;
    })
    .optional();
}

export const limitQuery = z.coerce
  .number(issue("wrong_type", { expected: "int" }))
  .int(issue("wrong_type", { expected: "int" }))
  .min(1, issue("too_small", { least: 1 }))
  .max(200, issue("too_large", { most: 200 }))
  .default(50)
  .meta(told({ "pt-BR": "Itens por página.", en: "Entries a page." }, { examples: [50] }));

export const pageQuery = z.object({ limit: limitQuery, cursor: cursorQuery(cursorContent) });

/** A list's answer. */
export function pageAnswer<Entry extends z.ZodType>(entry: Entry) {
  return z.object({
    data: z.array(entry).meta(told({ "pt-BR": "Os itens desta página.", en: "The entries of this page." })),
    nextCursor: z
      .string()
      .nullable()
      .meta(
        told(
          { "pt-BR": "Para `cursor`; `null` na última página.", en: "For `cursor`; null on the last page." },
          { examples: ["WzE3OTU4MTQ0NDAxMjMsInRlbl8wMTIzNDU2Nzg5YWJjZGVmMDEyMyJd"] },
        ),
      ),
  });
}

export function pageOf<Entry, Shown>(
  entries: readonly Entry[],
  limit: number,
  show: { entry: (entry: Entry) => Shown; place: (entry: Entry) => readonly [number, string] },
): { data: Shown[]; nextCursor: string | null } {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = entries.length > limit && last !== undefined ? encodeCursor(show.place(last)) : null;
  return { data: shown.map(show.entry), nextCursor };
}

export function encodeCursor(content: unknown): string {
  return btoa(JSON.stringify(content));
}

function decodeCursor(text: string): unknown {
  try {
    return JSON.parse(atob(text)) as unknown;
  } catch {
    return undefined;
  }
}
