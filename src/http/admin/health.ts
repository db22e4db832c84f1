import * as z from "zod";
import { isoTime } from "../../domain/instant.ts";
import { ok } from "../../domain/result.ts";
import { readHealth as readGatewayHealth } from "../../gateway/read_health.ts";
import type { BreakerState } from "../../platform/claro/claro_breaker.ts";
import { readRelease } from "../../platform/release.ts";
import { operatorEndpoint } from "../endpoint.ts";
import { told } from "../language.ts";
import { HEADERS } from "../openapi_parts.ts";
import { alarmsHealth, issuerHealth, shownAlarm } from "./alarms_health.ts";
import { databaseHealth, monthsHealth, reconciliationsHealth, shownMonths } from "./months_health.ts";
import { commitField, DEPLOYED_AT, VERSION_ID, versionField } from "../release_fields.ts";
import { modeField, tenantIdField, timeField } from "../shared_fields.ts";

const breakerState = {
  state: z
    .enum(["closed", "open", "half_open"])
    .meta(
      told(
        { "pt-BR": "`open`: as consultas não são enviadas.", en: "`open`: lookups are not sent." },
        { examples: ["closed"] },
      ),
    ),
  since: timeField({ "pt-BR": "Desde quando.", en: "Since when." }).nullable(),
  openings: z.int().meta(
    told(
      {
        "pt-BR": "Quantas vezes abriu desde a última vez fechado.",
        en: "How often it opened since it was last closed.",
      },
      { examples: [0] },
    ),
  ),
  nextTryAt: timeField({
    "pt-BR": "A partir de quando uma consulta de prova passa; `null` quando está fechado.",
    en: "From when on one lookup may probe; null while it is closed.",
  }).nullable(),
};

const BREAKER_CHANGES = told({
  "pt-BR": "O que abriu e fechou nas últimas 24 horas, do mais novo ao mais antigo, até 100.",
  en: "What opened and closed in the last 24 hours, the newest first, up to 100.",
});
const breakerChange = z.object({
  at: timeField({ "pt-BR": "Quando.", en: "When." }),
  tenantId: tenantIdField
    .nullable()
    .meta(told({ "pt-BR": "De que parceiro; `null`: o do gateway.", en: "Whose; null: the gateway's." })),
  state: z
    .enum(["open", "closed"])
    .meta(told({ "pt-BR": "O que passou a estar.", en: "What it came to be." }, { examples: ["open"] })),
});
const TOKEN_CHANGES = told({
  "pt-BR": "Quando os pedidos de token passaram a falhar ou voltaram a dar certo, do mais novo ao mais antigo.",
  en: "When calls for a token began to fail or worked again, the newest first.",
});
const tokenChange = z.object({
  at: timeField({ "pt-BR": "Quando.", en: "When." }),
  code: z
    .string()
    .nullable()
    .meta(
      told(
        { "pt-BR": "A causa; `null` quando voltou a dar certo.", en: "The cause; null when it worked again." },
        { examples: ["claro_unauthorized"] },
      ),
    ),
});

export const healthAnswer = z
  .object({
    gateway: z
      .object({
        version: versionField,
        commit: commitField,
        environment: z.string().meta(
          told(
            {
              "pt-BR": "O ambiente em que foi implantado; `local` na própria máquina.",
              en: "The environment it was deployed to; `local` on one's own machine.",
            },
            { examples: ["production"] },
          ),
        ),
        ledgerSchema: z
          .int()
          .meta(
            told(
              { "pt-BR": "A versão do que os ledgers guardam.", en: "The version of what ledgers store." },
              { examples: [2] },
            ),
          ),
        versionId: z
          .string()
          .nullable()
          .meta(told(VERSION_ID, { examples: ["6849df6f-8ba2-441e-9261-e8c10a6eddc2"] })),
        deployedAt: timeField(DEPLOYED_AT).nullable(),
      })
      .meta(told({ "pt-BR": "O que está implantado.", en: "What is deployed." })),
    claro: z
      .object({
        breaker: z
          .object({
            ...breakerState,
            openTenants: z.int().meta(
              told(
                {
                  "pt-BR": "Quantos parceiros têm o próprio disjuntor aberto.",
                  en: "How many tenants' own breakers are open.",
                },
                { examples: [0] },
              ),
            ),
            tenants: z
              .array(z.object({ tenantId: tenantIdField, ...breakerState }))
              .readonly()
              .meta(told({ "pt-BR": "Os 20 primeiros deles.", en: "The first 20 of them." })),
            changes: z.array(breakerChange).readonly().meta(BREAKER_CHANGES),
          })
          .nullable()
          .meta(
            told({
              "pt-BR": "O disjuntor da Claro; `null` quando não respondeu, e então as consultas passam.",
              en: "Claro's breaker; null when it could not be asked: lookups pass then.",
            }),
          ),
        token: z
          .object({
            ageSeconds: z
              .number()
              .nullable()
              .meta(
                told(
                  { "pt-BR": "A idade; `null` quando ainda não há.", en: "Its age; null when there is none yet." },
                  { examples: [1200] },
                ),
              ),
            expiresAt: timeField({ "pt-BR": "Quando vence.", en: "When it expires." }).nullable(),
            failures: z.int().meta(
              told(
                {
                  "pt-BR": "Tentativas que falharam desde a última que deu certo.",
                  en: "Token calls that failed since the last that did not.",
                },
                { examples: [0] },
              ),
            ),
            nextTryAt: timeField({
              "pt-BR": "Quando um token é pedido de novo; `null` sem falha.",
              en: "When a token is asked for again; null without a failure.",
            }).nullable(),
            changes: z.array(tokenChange).readonly().meta(TOKEN_CHANGES),
          })
          .nullable()
          .meta(told({ "pt-BR": "O token da Claro.", en: "Claro's access token." })),
      })
      .meta(told({ "pt-BR": "Como está a Claro.", en: "How Claro is." })),
    ledgers: z
      .object({
        behind: z.int().meta(
          told(
            {
              "pt-BR": "Ledgers cujos eventos o D1 não aceitou há pouco, até mil.",
              en: "Ledgers whose events D1 did not take lately, up to a thousand.",
            },
            { examples: [0] },
          ),
        ),
        oldestUnflushed: z
          .object({
            tenantId: tenantIdField,
            mode: modeField,
            occurredAt: timeField({ "pt-BR": "Quando ocorreu.", en: "When it occurred." }),
            ageSeconds: z
              .number()
              .meta(told({ "pt-BR": "Há quantos segundos.", en: "How many seconds ago." }, { examples: [90] })),
          })
          .nullable()
          .meta(
            told({
              "pt-BR": "O evento mais antigo que ainda não está no D1; `null` quando tudo chega.",
              en: "The oldest event that is not in D1 yet; null when every flush succeeds.",
            }),
          ),
        lifted: z
          .array(
            z.object({
              tenantId: tenantIdField,
              liftedAt: timeField({ "pt-BR": "Quando.", en: "When." }),
            }),
          )
          .nullable()
          .meta(
            told({
              "pt-BR":
                "Parceiros cujo cadastro ficou atrás do ledger porque o D1 foi restaurado, nos últimos 30 dias; `null` " +
                "quando o D1 não respondeu.",
              en:
                "Tenants whose register was behind their ledger because D1 had been restored, in the last 30 days; " +
                "null when D1 could not be asked.",
            }),
          ),
        strayCalls: z
          .int()
          .nullable()
          .meta(
            told(
              {
                "pt-BR": "Correções que esperam no D1 até o ledger as aceitar; `null` quando o D1 não respondeu.",
                en: "Corrections that wait in D1 until their ledger takes them; null when D1 could not be asked.",
              },
              { examples: [0] },
            ),
          ),
      })
      .meta(told({ "pt-BR": "Como estão os ledgers.", en: "How the ledgers are." })),
    operators: z
      .object({
        working: z
          .int()
          .meta(told({ "pt-BR": "Operadores com acesso.", en: "Operators who may come in." }, { examples: [3] })),
        everyAccessIdentityIsAdmin: z.boolean().meta(
          told(
            {
              "pt-BR": "Atenção: quem passa pelo Cloudflare Access é `admin` até existir um `admin` com e-mail.",
              en: "A warning: whoever passes Cloudflare Access is `admin` until there is an `admin` with an e-mail.",
            },
            { examples: [false] },
          ),
        ),
        breakGlassUsedAt: timeField({
          "pt-BR": "O último uso de `ADMIN_TOKEN` desde que há um `admin` com e-mail, com precisão de uma hora.",
          en: "The last use of `ADMIN_TOKEN` since there is an `admin` with an e-mail, to the hour.",
        }).nullable(),
      })
      .nullable()
      .meta(
        told({
          "pt-BR": "Quem opera; `null` quando o D1 não respondeu.",
          en: "Who operates; null when D1 could not be asked.",
        }),
      ),
    alarms: alarmsHealth,
    issuer: issuerHealth,
    archive: z
      .object({
        reachable: z
          .boolean()
          .meta(told({ "pt-BR": "Se o R2 responde.", en: "Whether R2 answers." }, { examples: [true] })),
      })
      .meta(told({ "pt-BR": "Onde os meses fechados ficam.", en: "Where closed months are kept." })),
    database: databaseHealth.nullable().meta(
      told({
        "pt-BR": "O tamanho do D1; `null` quando não respondeu.",
        en: "D1's size; null when it could not be asked.",
      }),
    ),
    reconciliations: reconciliationsHealth.nullable().meta(
      told({
        "pt-BR": "O que as conciliações deixam sem explicação; `null` quando o D1 não respondeu.",
        en: "What reconciliations leave unexplained; null when D1 could not be asked.",
      }),
    ),
    months: monthsHealth.nullable().meta(
      told({
        "pt-BR": "Meses que não fecham; `null` quando o D1 não respondeu.",
        en: "Months that are stuck; null when D1 could not be asked.",
      }),
    ),
  })
  .meta({ id: "OperatorHealth" });

/** `GET /admin/v1/health`. */
export const readHealth = operatorEndpoint({
  method: "GET",
  path: "/admin/v1/health",
  id: "readHealth",
  tag: "Operations",
  summary: { "pt-BR": "Ver como estão a Claro e os ledgers", en: "See how Claro and the ledgers are" },
  description: {
    "pt-BR": "O que está implantado, o disjuntor da Claro, a idade do token e o atraso do D1 em relação aos ledgers.",
    en: "What is deployed, Claro's circuit breaker, the age of the access token, and how far D1 is behind the ledgers.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  answers: { 200: { description: { "pt-BR": "Como está agora.", en: "As it is now." }, content: healthAnswer } },
  handle: async ({ context, services }) => {
    const health = await readGatewayHealth(services);
    const { breaker, token, operators, database, months, reconciliations, lifted, strayCalls, alarms } = health;
    const { ledgersBehind: behind, oldestUnflushed: oldest } = health;
    const nowMs = services.clock.nowMs();
    return ok(
      context.json({
        gateway: readRelease(context.env),
        claro: {
          breaker: breaker && {
            ...shownState(breaker),
            openTenants: breaker.openTenants,
            tenants: breaker.tenants.map((tenant) => ({ tenantId: tenant.tenantId, ...shownState(tenant) })),
            changes: breaker.changes.map(({ atMs, tenantId, state }) => ({ at: isoTime(atMs), tenantId, state })),
          },
          token: token && {
            ageSeconds: token.obtainedAtMs === null ? null : ageSeconds(token.obtainedAtMs, nowMs),
            expiresAt: isoTime(token.expiresAtMs),
            failures: token.failures,
            nextTryAt: isoTime(token.nextTryAtMs),
            changes: token.changes.map(({ atMs, code }) => ({ at: isoTime(atMs), code })),
          },
        },
        ledgers: {
          behind,
          oldestUnflushed: oldest && {
            tenantId: oldest.tenantId,
            mode: oldest.mode,
            occurredAt: isoTime(oldest.oldestUnflushedAtMs),
            ageSeconds: ageSeconds(oldest.oldestUnflushedAtMs, nowMs),
          },
          lifted: lifted?.map(({ id, liftedAtMs }) => ({ tenantId: id, liftedAt: isoTime(liftedAtMs) })) ?? null,
          strayCalls,
        },
        operators: operators && {
          working: operators.working,
          everyAccessIdentityIsAdmin: services.settings.access !== null && !operators.isManaged,
          breakGlassUsedAt: isoTime(operators.breakGlassUsedAtMs),
        },
        alarms: alarms && alarms.map(shownAlarm),
        issuer: { missing: [...health.issuerMissing] },
        archive: { reachable: health.isArchiveThere },
        database: database && {
          sizeBytes: database.bytes,
          limitBytes: database.limitBytes,
          state: database.state,
          schema: health.databaseSchema,
        },
        reconciliations: reconciliations && {
          months: [...reconciliations.months],
          lostAtEdges: reconciliations.lostAtEdges,
        },
        months: months && shownMonths(months),
      } satisfies z.infer<typeof healthAnswer>),
    );
  },
});

function shownState({ state, sinceMs, openings, nextTryAtMs }: BreakerState) {
  return { state, since: isoTime(sinceMs), openings, nextTryAt: isoTime(nextTryAtMs) };
}

function ageSeconds(atMs: number, nowMs: number): number {
  return Math.max(Math.round((nowMs - atMs) / 1000), 0);
}
