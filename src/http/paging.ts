import { z } from "zod";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Failure } from "../domain/failure.ts";
import type { AppContext } from "./context.ts";
import { invalidRequest } from "./problem.ts";

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: "Entries a page." }),
  cursor: z.string().max(200).optional().meta({ description: "`nextCursor` of the page before." }),
});

/** A list's answer. */
export function pageAnswer<Entry extends z.ZodType>(entry: Entry) {
  return z.object({
    data: z.array(entry),
    nextCursor: z.string().nullable().meta({ description: "For `cursor`; null on the last page." }),
  });
}

/** A page's place and size; the cursor is opaque to callers and names the last entry they have. */
export type PageRequest = { readonly limit: number; readonly after: readonly [number, string] | null };

const cursorContent = z.tuple([z.int().min(0), z.string().max(100)]);

export function readPage(context: AppContext): Result<PageRequest, Failure> {
  const query = pageQuery.safeParse(context.req.query());
  if (!query.success) return invalidRequest("limit", "a whole number from 1 to 200");
  if (query.data.cursor === undefined) return ok({ limit: query.data.limit, after: null });
  try {
    const after = cursorContent.parse(JSON.parse(atob(query.data.cursor)));
    return ok({ limit: query.data.limit, after });
  } catch {
    return fail({ code: "invalid_request", issues: [{ path: "cursor", message: "is not a cursor of this list" }] });
  }
}

/** Makes a list's answer from one entry more than was asked for: that there is one means that there is a next page. */
export function pageOf<Entry, Shown>(
  entries: readonly Entry[],
  limit: number,
  show: { entry: (entry: Entry) => Shown; place: (entry: Entry) => readonly [number, string] },
): { data: Shown[]; nextCursor: string | null } {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = entries.length > limit && last !== undefined ? btoa(JSON.stringify(show.place(last))) : null;
  return { data: shown.map(show.entry), nextCursor };
}
