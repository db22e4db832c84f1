import { app } from "./app.ts";
import { completeAdjustments } from "./gateway/adjust.ts";
import { archiveStatements } from "./gateway/archive_statements.ts";
import { closeDuePeriods } from "./gateway/close_period.ts";
import { sweep } from "./gateway/sweep.ts";
import { servicesOf } from "./platform/services.ts";
import { logEvent } from "./platform/log.ts";

export { AccessToken } from "./platform/claro/access_token.ts";
export { ClaroBreaker } from "./platform/claro/claro_breaker.ts";
export { TenantLedger } from "./platform/ledger/tenant_ledger.ts";

export default {
  fetch: app.fetch,

  async scheduled(_event, env) {
    const services = servicesOf(env);
    if (!services.ok) return logEvent("error", { event: "misconfigured", settings: services.failure.names });
    await sweep(services.value);
    await completeAdjustments(services.value);
    await closeDuePeriods(services.value);
    await archiveStatements(services.value);
  },
} satisfies ExportedHandler<Env>;
