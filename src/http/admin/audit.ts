import { z } from "zod";
import type { AuditEntry } from "../../platform/audit.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";
import { pageAnswer, pageOf, pageQuery, readPage } from "../paging.ts";
import { problemResponse } from "../problem.ts";

export const auditQuery = z.object({
  ...pageQuery.shape,
  after: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .meta({ description: "Only entries after this number, to go on where an earlier reading stopped." }),
});

const changed = z.record(z.string(), z.unknown()).nullable();

export const auditEntry = z
  .object({
    n: z.int().meta({ description: "Grows with every entry." }),
    at: z.iso.datetime(),
    actor: z.string().meta({ description: "`admin-token`, or the e-mail that Cloudflare Access vouches for." }),
    action: z.string().meta({ examples: ["tenant.create", "key.revoke"] }),
    target: z.string().meta({ description: "The id of what was changed." }),
    before: changed,
    after: changed.meta({ description: "Without secrets." }),
  })
  .meta({ id: "AuditEntry" });

export const auditOperation: Operation = {
  tag: "Operations",
  access: "operator",
  headers: HEADERS.cacheControl,
  id: "listAudit",
  summary: "Read the audit",
  description: "Every change by an operator, oldest first. Entries are never changed.",
  query: auditQuery,
  answers: { 200: { description: "A page of entries.", content: pageAnswer(auditEntry) } },
};

/** `GET /admin/v1/audit`: who did what, when, to what, oldest first. */
export async function getAudit(context: AppContext): Promise<Response> {
  const page = readPage(context);
  if (!page.ok) return problemResponse(context, page.failure);
  const query = auditQuery.shape.after.safeParse(context.req.query("after"));
  if (!query.success) {
    const issues = [{ path: "after", message: "the number of an entry" }];
    return problemResponse(context, { code: "invalid_request", issues });
  }
  const { limit, after: cursor } = page.value;
  const after = cursor === null ? query.data : Math.max(query.data, cursor[0]);
  const entries = await context.get("services").register.audit(after, limit + 1);
  return context.json(pageOf(entries, limit, { entry: shownEntry, place: (last) => [last.n, ""] }));
}

function shownEntry({ n, atMs, actor, action, target, before, after }: AuditEntry & { readonly n: number }) {
  return { n, at: new Date(atMs).toISOString(), actor, action, target, before, after };
}
