import * as z from "zod";
import { MODES } from "../../domain/meter_event.ts";
import { ok } from "../../domain/result.ts";
import { rebuildCopy } from "../../gateway/rebuild_copy.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { cursorFor, cursorQuery, nextStepField } from "../paging.ts";

const place = z.object({
  after: z.tuple([z.int().min(0), z.string().regex(/^[\x20-\x7e]{0,100}$/)]).nullable(),
  mode: z.enum(MODES),
  seq: z.int().min(0),
});

const rebuildAnswer = z
  .object({
    ledgers: z.int().meta(
      told(
        {
          "pt-BR": "Ledgers terminados neste passo; cada parceiro tem dois.",
          en: "Ledgers that were finished in this step; each tenant has two.",
        },
        { examples: [50] },
      ),
    ),
    events: z.int().meta(
      told(
        {
          "pt-BR": "Eventos enviados ao D1 neste passo, faltassem ou não.",
          en: "Events that D1 was given in this step, had it lost them or not.",
        },
        { examples: [12_400] },
      ),
    ),
    nextCursor: nextStepField,
  })
  .meta({ id: "RebuildStep" });

/** `POST /admin/v1/ledger/rebuild`: one step of giving D1 what the ledgers have. */
export const rebuildLedgerCopy = operatorEndpoint({
  method: "POST",
  path: "/admin/v1/ledger/rebuild",
  id: "rebuildLedgerCopy",
  tag: "Operations",
  summary: { "pt-BR": "Gravar os eventos dos ledgers de novo no D1", en: "Write the ledgers' events to D1 again" },
  description: {
    "pt-BR":
      "Para um D1 que perdeu eventos de meses ainda abertos. O que ele já tem fica como está. Cada chamada faz um passo; " +
      "chame de novo com `nextCursor` até ele ser `null`.",
    en:
      "For a D1 that lost events of months that are not closed. Events that it has are left as they are. One call does a " +
      "step; call again with `nextCursor` until that is null.",
  },
  role: "operate",
  // Every step, for a rebuild can be begun at any place.
  audit: { action: "ledger.rebuild", target: () => "events" },
  headers: { ...HEADERS.cacheControl, ...HEADERS.retryAfter },
  query: z.object({ cursor: cursorQuery("rebuild", place) }),
  answers: { 200: { description: { "pt-BR": "Um passo está feito.", en: "A step is done." }, content: rebuildAnswer } },
  failures: ["ledger_unavailable"],
  handle: async ({ context, services, query: { cursor } }) => {
    const step = await rebuildCopy(services, cursor ?? null);
    if (!step.ok) return step;
    const { ledgers, events, next } = step.value;
    const answer = { ledgers, events, nextCursor: cursorFor(context, "rebuild", next) };
    return ok(context.json(answer satisfies z.infer<typeof rebuildAnswer>));
  },
});
