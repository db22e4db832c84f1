import * as z from "zod";
import type { AppContext } from "./context.ts";
import { told } from "./language.ts";
import { wholeNumberQuery } from "./shared_fields.ts";
import { issue } from "./zod_issues.ts";

/** The place of the last entry that the caller has; opaque to callers. */
const writtenCursor = z.tuple([z.string(), z.string(), z.unknown()]);
const cursorContent = z.tuple([z.int().min(0), z.string().regex(/^[\x20-\x7e]{0,100}$/)]);

/**
 * A cursor: what `encodeCursor` made of something of `content`, for this list and no other. Whose list it is (a tenant's, say)
 * is compared by the runner. Anything else is refused as the caller's mistake.
 */
export function cursorQuery<Content extends z.ZodType>(list: string, content: Content, longest = 400) {
  return z
    .string()
    .max(longest, issue("cursor"))
    .meta(
      told(
        { "pt-BR": "O `nextCursor` da página anterior.", en: "`nextCursor` of the page before." },
        { examples: [encodeCursor({ list, owner: "" }, [1_795_814_400_123, "ten_0123456789abcdef0123"])] },
      ),
    )
    .transform((text, context): z.output<Content> => {
      const cursor = writtenCursor.safeParse(decodeCursor(text));
      const parsed = cursor.success && cursor.data[0] === list ? content.safeParse(cursor.data[2]) : null;
      if (parsed?.success === true) return parsed.data;
      context.addIssue({ code: "custom", message: issue("cursor") });
      return z.NEVER;
    })
    .optional();
}

export const limitQuery = wholeNumberQuery(
  { "pt-BR": "Itens por página.", en: "Entries a page." },
  { least: 1, most: 200, otherwise: 50, example: 50 },
);

/** A list's query; `list` names it, so that the cursors of others are refused. */
export function pageQuery(list: string) {
  return z.object({ limit: limitQuery, cursor: cursorQuery(list, cursorContent) });
}

/** Where work that is done in steps goes on. */
export const nextStepField = z
  .string()
  .nullable()
  .meta(
    told(
      { "pt-BR": "Para o próximo passo; `null` quando acabou.", en: "For the next step; null when all is done." },
      { examples: [null] },
    ),
  );

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

/** A page, and a cursor for the next one where there is more. */
export function pageOf<Entry, Shown>(
  context: AppContext,
  { list, entries, limit }: { list: string; entries: readonly Entry[]; limit: number },
  show: { entry: (entry: Entry) => Shown; place: (entry: Entry) => readonly [number, string] },
): { data: Shown[]; nextCursor: string | null } {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  const next = entries.length > limit && last !== undefined ? show.place(last) : null;
  return { data: shown.map(show.entry), nextCursor: cursorFor(context, list, next) };
}

/** A cursor for this call's caller to go on with; null at the end. */
export function cursorFor(context: AppContext, list: string, place: unknown): string | null {
  return place === null ? null : encodeCursor({ list, owner: context.get("listOwner") ?? "" }, place);
}

/** A cursor: which list, whose, and the place in it. */
function encodeCursor({ list, owner }: { list: string; owner: string }, place: unknown): string {
  return btoa(JSON.stringify([list, owner, place]));
}

/** Whether a cursor was made for this owner's list. What is no cursor at all is refused by its schema. */
export function isCursorOf(text: string, owner: string): boolean {
  const cursor = writtenCursor.safeParse(decodeCursor(text));
  return !cursor.success || cursor.data[1] === owner;
}

function decodeCursor(text: string): unknown {
  try {
    return JSON.parse(atob(text)) as unknown;
  } catch {
    return undefined;
  }
}
