import * as z from "zod";
import { MODES } from "../../domain/meter_event.ts";
import { ok } from "../../domain/result.ts";
import { findLookup, findLookups } from "../../gateway/find_lookups.ts";
import { findLookupsOfAll } from "../../gateway/find_lookups_of_all.ts";
import { operatorEndpoint } from "../endpoint.ts";
import {
  foundCursor,
  foundLookup,
  foundQuery,
  isThroughTenants,
  isWithinTenant,
  readSearch,
  shownLookup,
  shownPage,
} from "../found_lookup.ts";
import { invalidRequest } from "../invalid_request.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { pageAnswer } from "../paging.ts";
import { issue } from "../zod_issues.ts";

const lookupsQuery = foundQuery.extend({
  tenant: z
    .string()
    .regex(/^ten_[0-9A-Za-z_]{1,40}$/, issue("invalid_form", { example: "ten_0123456789abcdef0123" }))
    .optional()
    .meta(
      told(
        {
          "pt-BR": "O parceiro. Sem ele `requestId` e `reference` são procurados na cópia de todos.",
          en: "The tenant. Without it `requestId` and `reference` are looked for in the copy of all of them.",
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
      "Por `id`, ou por `requestId` ou `reference` entre `from` e `to` (até 31 dias). No máximo 20 por página; uma página pode " +
      "vir vazia e mesmo assim ter `nextCursor`, porque cada chamada faz uma parte limitada da busca. Sem `tenant` são achadas " +
      "as consultas de produção que o D1 já tem, as mais novas primeiro; as dos últimos minutos, as de teste e as de um mês " +
      "arquivado precisam de `tenant`.",
    en:
      "By `id`, or by `requestId` or `reference` between `from` and `to` (up to 31 days). At most 20 a page; a page can be " +
      "empty and still have a `nextCursor`, for each call does a bounded piece of the search. Without `tenant` it finds live " +
      "lookups that D1 has, the newest first; those of the last minutes, of test mode and of an archived month need `tenant`.",
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
      if (query.cursor !== undefined && !isThroughTenants(query.cursor)) return invalidRequest("cursor", "cursor");
      const found = await findLookup(services, query.id, query.cursor ?? null);
      if (!found.ok) return found;
      const { lookup, next } = found.value;
      return ok(
        context.json({ data: lookup === null ? [] : [shownLookup(lookup)], nextCursor: foundCursor(context, next) }),
      );
    }
    const { tenant: tenantId } = query;
    const search = readSearch(query, services.clock.nowMs());
    if (!search.ok) return search;
    const { search: asked, place } = search.value;
    if (tenantId === undefined) {
      if (place !== null && isWithinTenant(place)) return invalidRequest("cursor", "cursor");
      return ok(context.json(shownPage(context, await findLookupsOfAll(services, asked, place))));
    }
    if (!isWithinTenant(place)) return invalidRequest("cursor", "cursor");
    const found = await findLookups(services, { tenantId, modes: MODES, ...asked }, place);
    return found.ok ? ok(context.json(shownPage(context, found.value))) : found;
  },
});
