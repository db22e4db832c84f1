import * as z from "zod";
import { MODES } from "../../domain/meter_event.ts";
import { ok } from "../../domain/result.ts";
import { findLookup, findLookups } from "../../gateway/find_lookups.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { foundLookup, foundQuery, isPair, readSearch, shownLookup, shownPage, writtenPlace } from "../found_lookup.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer } from "../paging.ts";
import { issue } from "../zod_issues.ts";

const lookupsQuery = foundQuery.extend({
  tenant: z
    .string()
    .regex(/^ten_[0-9A-Za-z_]{1,40}$/, issue("invalid_form"))
    .optional()
    .meta(
      told(
        {
          "pt-BR": "O parceiro; necessário com `requestId` e `reference`.",
          en: "The tenant; needed with `requestId` and `reference`.",
        },
        { examples: ["ten_0123456789abcdef0123"] },
      ),
    ),
});

/** `GET /admin/v1/lookups`: what became of a lookup, by its id, its request's id, or the tenant's reference. */
export const listLookups = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/lookups",
  id: "findLookups",
  tag: "Lookups",
  summary: { "pt-BR": "Descobrir o que aconteceu com uma consulta", en: "Find out what became of a lookup" },
  description: {
    "pt-BR":
      "Por `id`, ou por `tenant` com `requestId` ou `reference` entre `from` e `to` (até 31 dias). No máximo 20 por página; uma " +
      "página pode vir vazia e mesmo assim ter `nextCursor`, porque cada chamada faz uma parte limitada da busca. Um id de um " +
      "mês arquivado também precisa de `tenant`.",
    en:
      "By `id`, or by `tenant` with `requestId` or `reference` between `from` and `to` (up to 31 days). At most 20 a page; a " +
      "page can be empty and still have a `nextCursor`, for each call does a bounded piece of the search. An id of an archived " +
      "month needs `tenant` as well.",
  },
  role: "read",
  query: lookupsQuery,
  headers: HEADERS.cacheControl,
  answers: {
    200: {
      description: { "pt-BR": "As consultas encontradas.", en: "The lookups that were found." },
      content: pageAnswer(foundLookup),
    },
  },
  failures: ["not_found", "ledger_unavailable", "statement_unavailable"],
  handle: async ({ context, services, query }) => {
    if (query.id !== undefined && query.tenant === undefined) {
      const others = (["requestId", "reference", "from", "to"] as const).find((name) => query[name] !== undefined);
      if (others !== undefined) return invalidRequest(others, "not_together", { other: "`id`" });
      if (query.cursor !== undefined && !isPair(query.cursor)) return invalidRequest("cursor", "cursor");
      const found = await findLookup(services, query.id, query.cursor ?? null);
      if (!found.ok) return found;
      const { lookup, next } = found.value;
      return ok(context.json({ data: lookup === null ? [] : [shownLookup(lookup)], nextCursor: writtenPlace(next) }));
    }
    const { tenant: tenantId } = query;
    const search = readSearch(query, services.clock.nowMs());
    if (!search.ok) return search;
    if (tenantId === undefined) return invalidRequest("tenant", "required");
    const found = await findLookups(services, { tenantId, modes: MODES, ...search.value.search }, search.value.place);
    return found.ok ? ok(context.json(shownPage(found.value))) : found;
  },
});
