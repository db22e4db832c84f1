import * as z from "zod";
import { DAY_MS } from "../domain/instant.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Failure } from "../domain/failure.ts";
import { mayAct, roleRequired } from "../domain/roles.ts";
import { rehearse } from "../platform/rehearsal.ts";
import { authenticateOperator } from "./admin/authenticate_operator.ts";
import { answerFailure } from "./answer_failure.ts";
import type { AppContext } from "./context.ts";
import { refuseForeignOrigin } from "./same_site.ts";

export const LOCAL_CLOCK_PATH = "/admin/v1/local-clock";

/** Two years either way. */
const FARTHEST_MS = 2 * 366 * DAY_MS;
const move = z.strictObject({ offsetMs: z.int().min(-FARTHEST_MS).max(FARTHEST_MS).nullable() });

/**
 * Moves the clock of a gateway on this machine, for `demo fill`. It is no part of the API: anywhere else it is 404, for a
 * deployed gateway refuses to start with LOCAL.
 */
export async function moveLocalClock(context: AppContext): Promise<Response> {
  const moved = await readMove(context);
  if (!moved.ok) return answerFailure(context, moved.failure);
  rehearse(moved.value);
  return context.json({ offsetMs: moved.value });
}

async function readMove(context: AppContext): Promise<Result<number | null, Failure>> {
  const operator = await authenticateOperator(context);
  if (!operator.ok) return operator;
  if (!context.get("services").settings.isLocal) return fail({ code: "not_found" });
  if (!mayAct(operator.value.roles, "admin")) return fail(roleRequired("admin"));
  const foreign = refuseForeignOrigin(context.req.raw);
  if (foreign !== null) return fail(foreign);
  const body = move.safeParse(await context.req.json().catch(() => null));
  return body.success ? ok(body.data.offsetMs) : fail({ code: "invalid_request" });
}
