import { z } from "zod";
import { parsePeriod } from "../../domain/period.ts";
import { closePeriod } from "../../gateway/close_period.ts";
import { whileReadable } from "../../gateway/open_statement.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { problemResponse } from "../problem.ts";
import { actorOf } from "./authenticate_operator.ts";

const closing = z
  .object({
    period: z.string(),
    status: z.enum(["closed", "closing"]).meta({ description: "`closing`: repeat the call, or leave it to the cron." }),
    closed: z.int().meta({ description: "Tenants whose month is closed." }),
    remaining: z.int().meta({ description: "Tenants whose month is not closed yet." }),
    failures: z.array(
      z.object({
        tenantId: z.string(),
        period: z.string(),
        reason: z.enum([
          "unavailable",
          "tenant_mismatch",
          "mode_mismatch",
          "period_mismatch",
          "amount_mismatch",
          "sequence_gap",
          "sequence_repeat",
        ]),
        seq: z.int().nullable(),
      }),
    ),
  })
  .meta({ id: "Closing" });

export const closePeriodOperation: Operation = {
  id: "closePeriod",
  tag: "Operations",
  access: "operator",
  headers: HEADERS.cacheControl,
  summary: "Close an ended month for all tenants",
  description:
    "Freezes and signs every tenant's statement, once, and those of earlier months that are still open. A call does a " +
    "bounded piece of work and says what is left; what is closed stays closed. The cron does the same a day after a month's end.",
  answers: {
    200: { description: "The month is closed for all tenants.", content: closing },
    202: { description: "Some tenants are left: call again.", content: closing },
  },
  failures: ["period_open", "statement_unavailable"],
};

/** `POST /admin/v1/periods/{period}/close`. */
export async function postClose(context: AppContext): Promise<Response> {
  const services = context.get("services");
  const period = parsePeriod(context.req.param("period") ?? "");
  if (!period.ok) return problemResponse(context, { code: "not_found" });
  const report = await whileReadable(async () => await closePeriod(services, actorOf(context), period.value));
  if (report.ok) return context.json(report.value, report.value.status === "closed" ? 200 : 202);
  if (report.failure.code === "misconfigured") context.get("log").settings = ["EXPORT_SIGNING_KEY"];
  return problemResponse(context, report.failure);
}
