import { MODES } from "../domain/meter_event.ts";
import { ok } from "../domain/result.ts";
import { findLookups } from "../gateway/find_lookups.ts";
import { tenantEndpoint } from "./endpoint.ts";
import { foundLookup, foundQuery, isWithinTenant, readSearch, shownPage } from "./found_lookup.ts";
import { invalidRequest } from "./invalid_request.ts";
import { HEADERS } from "./openapi_parts.ts";
import { pageAnswer } from "./paging.ts";

/** `GET /v1/lookups`: what became of a lookup of the tenant's own. */
export const listOwnLookups = tenantEndpoint({
  method: "GET",
  path: "/v1/lookups",
  id: "findOwnLookups",
  tag: "Lookups",
  summary: {
    "pt-BR": "Descobrir o que aconteceu com uma consulta sua",
    en: "Find out what became of a lookup of yours",
  },
  description: {
    "pt-BR":
      "Por `id`, `requestId` ou `reference`; os dois últimos entre `from` e `to` (até 31 dias). No máximo 20 por página; uma " +
      "página pode vir vazia e mesmo assim ter `nextCursor`, porque cada chamada faz uma parte limitada da busca. Uma chave de " +
      "teste só vê consultas de teste.",
    en:
      "By `id`, `requestId` or `reference`; the last two between `from` and `to` (up to 31 days). At most 20 a page; a page " +
      "can be empty and still have a `nextCursor`, for each call does a bounded piece of the search. A test key sees test " +
      "lookups only.",
  },
  scope: "usage:read",
  limit: "read",
  query: foundQuery,
  headers: { ...HEADERS.limits, ...HEADERS.cacheControl },
  answers: {
    200: {
      description: { "pt-BR": "As consultas encontradas.", en: "The lookups that were found." },
      content: pageAnswer(foundLookup),
    },
  },
  failures: ["not_found", "ledger_unavailable", "statement_unavailable"],
  handle: async ({ context, services, caller: { tenantId, mode }, query }) => {
    const read = readSearch(query, services.clock.nowMs());
    if (!read.ok) return read;
    const modes = mode === "test" ? (["test"] as const) : MODES;
    const { search, place } = read.value;
    if (!isWithinTenant(place)) return invalidRequest("cursor", "cursor");
    const found = await findLookups(services, { tenantId, modes, ...search }, place);
    context.header("Cache-Control", "no-store");
    return found.ok ? ok(context.json(shownPage(context, found.value))) : found;
  },
});
