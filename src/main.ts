import { app } from "./app.ts";
import { sweep } from "./gateway/sweep.ts";
import { servicesOf } from "./platform/services.ts";
import { logEvent } from "./platform/log.ts";

export { AccessToken } from "./platform/claro/access_token.ts";
export { TenantLedger } from "./platform/ledger/tenant_ledger.ts";

export default {
  fetch: app.fetch,

  async scheduled(_event, env) {
    const services = servicesOf(env);
    if (services.ok) await sweep(services.value);
    else logEvent("error", { event: "misconfigured", settings: services.failure.names });
  },
} satisfies ExportedHandler<Env>;
