import { z } from "zod";
import { readHealth } from "../../gateway/read_health.ts";
import type { AppContext } from "../context.ts";
import { HEADERS } from "../openapi_parts.ts";
import type { Operation } from "../operation.ts";

const seconds = z.number().nullable();

export const healthAnswer = z
  .object({
    claro: z.object({
      breaker: z
        .object({
          state: z.enum(["closed", "open", "half_open"]),
          since: z.iso.datetime().nullable(),
          openings: z.int().meta({ description: "How often it opened since it was last closed." }),
        })
        .nullable()
        .meta({ description: "Null when it could not be asked; lookups pass then." }),
      token: z
        .object({
          ageSeconds: seconds.meta({ description: "Null when there is none yet." }),
          expiresAt: z.iso.datetime().nullable(),
          failures: z.int().meta({ description: "Token calls that failed since the last that did not." }),
        })
        .nullable(),
    }),
    ledgers: z.object({
      behind: z.int().meta({ description: "Ledgers whose events D1 did not take lately, up to a thousand." }),
      oldestUnflushed: z
        .object({
          tenantId: z.string(),
          mode: z.enum(["live", "test"]),
          occurredAt: z.iso.datetime(),
          ageSeconds: z.number(),
        })
        .nullable()
        .meta({ description: "The oldest event that is not in D1 yet; null when every flush succeeds." }),
    }),
  })
  .meta({ id: "OperatorHealth" });

export const operatorHealthOperation: Operation = {
  tag: "Operations",
  access: "operator",
  headers: HEADERS.cacheControl,
  id: "readHealth",
  summary: "See how Claro and the ledgers are",
  description: "Claro's circuit breaker, the age of the access token, and how far D1 is behind the ledgers.",
  answers: { 200: { description: "As it is now.", content: healthAnswer } },
};

/** `GET /admin/v1/health`. */
export async function getOperatorHealth(context: AppContext): Promise<Response> {
  const services = context.get("services");
  const { breaker, token, ledgersBehind: behind, oldestUnflushed: oldest } = await readHealth(services);
  const nowMs = services.clock.nowMs();
  return context.json({
    claro: {
      breaker: breaker && { state: breaker.state, since: time(breaker.sinceMs), openings: breaker.openings },
      token: token && {
        ageSeconds: token.obtainedAtMs === null ? null : ageSeconds(token.obtainedAtMs, nowMs),
        expiresAt: time(token.expiresAtMs),
        failures: token.failures,
      },
    },
    ledgers: {
      behind,
      oldestUnflushed: oldest && {
        tenantId: oldest.tenantId,
        mode: oldest.mode,
        occurredAt: new Date(oldest.oldestUnflushedAtMs).toISOString(),
        ageSeconds: ageSeconds(oldest.oldestUnflushedAtMs, nowMs),
      },
    },
  } satisfies z.infer<typeof healthAnswer>);
}

function time(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

function ageSeconds(atMs: number, nowMs: number): number {
  return Math.max(Math.round((nowMs - atMs) / 1000), 0);
}
