import * as z from "zod";
import { formatMetrics, METRICS_TYPES, type MetricsFormat } from "../domain/metrics_text.ts";
import { fail, ok } from "../domain/result.ts";
import { readMetrics } from "../gateway/read_metrics.ts";
import { readRelease } from "../platform/release.ts";
import { operatorEndpoint } from "./endpoint.ts";
import { told } from "./language.ts";
import { metricFamilies } from "./metric_families.ts";
import { HEADERS } from "./openapi_parts.ts";

const text = z
  .string()
  .meta(
    told(
      { "pt-BR": "Uma amostra por linha.", en: "A sample a line." },
      { examples: ['claro_gateway_lookups_total{outcome="delivered"} 1200\n# EOF\n'] },
    ),
  );

/** `GET /metrics`, where the settings switch it on. */
export const getMetrics = operatorEndpoint({
  method: "GET",
  path: "/metrics",
  id: "getMetrics",
  tag: "Operations",
  summary: { "pt-BR": "Ler as métricas", en: "Read the metrics" },
  description: {
    "pt-BR":
      "Para o Prometheus e quem lê OpenMetrics. Os contadores são a soma do que os extratos contam, e nunca voltam atrás. " +
      "Desligado sem `METRICS_ENABLED=true`.",
    en:
      "For Prometheus and what else reads OpenMetrics. Counters are the sum of what statements count, and never go back. " +
      "Off without `METRICS_ENABLED=true`.",
  },
  role: "read",
  headers: HEADERS.cacheControl,
  failures: ["not_found"],
  answers: {
    200: {
      description: { "pt-BR": "As métricas.", en: "The metrics." },
      content: { "application/openmetrics-text": text, "text/plain": text },
    },
  },
  handle: async ({ context, services }) => {
    if (!services.settings.metricsEnabled)
      return fail({ code: "not_found", issues: [{ path: "", code: "metrics_off" }] });
    const reading = await readMetrics(services);
    const release = readRelease(context.env);
    const flushMs = services.settings.ledgerFlushMs;
    const format = formatOf(context.req.header("accept"));
    const metrics = metricFamilies({ ...reading, release, flushMs, nowMs: services.clock.nowMs() });
    return ok(context.body(formatMetrics(metrics, format), 200, { "content-type": METRICS_TYPES[format] }));
  },
});

/** The older text format, only for clients that ask for it and not for OpenMetrics. */
function formatOf(accept: string | undefined): MetricsFormat {
  const wanted = (accept ?? "").toLowerCase();
  return wanted.includes("text/plain") && !wanted.includes("application/openmetrics-text") ? "plain" : "openmetrics";
}
