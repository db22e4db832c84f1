import { z } from "zod";
import { rebuildCopy, type RebuildPlace } from "../../gateway/rebuild_copy.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { problemResponse } from "../problem.ts";
import { actorOf } from "./authenticate_operator.ts";

export const rebuildQuery = z.object({
  cursor: z.string().max(300).optional().meta({ description: "`nextCursor` of the step before." }),
});

export const rebuildAnswer = z
  .object({
    ledgers: z.int().meta({ description: "Ledgers that were finished in this step; each tenant has two." }),
    events: z.int().meta({ description: "Events that D1 was given in this step, had it lost them or not." }),
    nextCursor: z.string().nullable().meta({ description: "For the next step; null when all is done." }),
  })
  .meta({ id: "RebuildStep" });

const placeSchema = z.object({
  after: z.tuple([z.int().min(0), z.string().max(100)]).nullable(),
  mode: z.enum(["live", "test"]),
  seq: z.int().min(0),
});

export const rebuildOperation: Operation = {
  tag: "Operations",
  access: "operator",
  headers: { ...HEADERS.cacheControl, ...HEADERS.retryAfter },
  id: "rebuildLedgerCopy",
  summary: "Write the ledgers' events to D1 again",
  description:
    "For a D1 that lost events of months that are not closed. Events that it has are left as they are. One call does a step; call again with `nextCursor` until that is null.",
  query: rebuildQuery,
  answers: { 200: { description: "A step is done.", content: rebuildAnswer } },
  failures: ["ledger_unavailable"],
};

/** `POST /admin/v1/ledger/rebuild`: one step of giving D1 what the ledgers have. */
export async function postRebuild(context: AppContext): Promise<Response> {
  const place = readPlace(context.req.query("cursor"));
  if (place === undefined) {
    const issues = [{ path: "cursor", message: "is not a cursor of a rebuild" }];
    return problemResponse(context, { code: "invalid_request", issues });
  }
  const step = await rebuildCopy(context.get("services"), actorOf(context), place);
  if (!step.ok) return problemResponse(context, step.failure);
  const { ledgers, events, next } = step.value;
  const nextCursor = next === null ? null : btoa(JSON.stringify(next));
  return context.json({ ledgers, events, nextCursor } satisfies z.infer<typeof rebuildAnswer>);
}

function readPlace(cursor: string | undefined): RebuildPlace | null | undefined {
  if (cursor === undefined) return null;
  try {
    return placeSchema.parse(JSON.parse(atob(cursor)));
  } catch {
    return undefined;
  }
}
