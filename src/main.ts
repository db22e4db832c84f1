import { app } from "./app.ts";
import { completeAdjustments } from "./gateway/adjust.ts";
import { archiveStatements } from "./gateway/archive_statements.ts";
import { closeDuePeriods } from "./gateway/close_period.ts";
import { forgetBrokenUploads } from "./gateway/forget_broken_uploads.ts";
import { forgetPageSessions } from "./gateway/page_sessions.ts";
import { deliverStrayCalls } from "./gateway/put_right.ts";
import { continueReconciliations } from "./gateway/reconcile.ts";
import { refillDirectory } from "./gateway/refill_directory.ts";
import { relieveDatabase } from "./gateway/relieve_database.ts";
import { raiseAlarms } from "./gateway/raise_alarms.ts";
import { tendReferenceKeys } from "./gateway/reference_keys.ts";
import { tendRestrictions } from "./gateway/restrictions.ts";
import { sealAudit } from "./gateway/seal_audit.ts";
import { sumUsage } from "./gateway/sum_usage.ts";
import { sweep } from "./gateway/sweep.ts";
import { servicesOf } from "./platform/services.ts";
import { describeProblem } from "./platform/settings.ts";
import { logEvent, messageOf } from "./platform/log.ts";

export { AccessToken } from "./platform/claro/access_token.ts";
export { ClaroBreaker } from "./platform/claro/claro_breaker.ts";
export { TenantLedger } from "./platform/ledger/tenant_ledger.ts";

/** What the cron does, in this order. Their names stand in the log: a minified function has none. */
const TASKS = {
  deliverStrayCalls,
  tendRestrictions,
  refillDirectory,
  sweep,
  tendReferenceKeys,
  completeAdjustments,
  relieveDatabase,
  closeDuePeriods,
  archiveStatements,
  continueReconciliations,
  raiseAlarms,
  sealAudit,
  sumUsage,
  forgetPageSessions,
  forgetBrokenUploads,
};

export default {
  fetch: app.fetch,

  async scheduled(_event, env) {
    const services = servicesOf(env);
    if (!services.ok)
      return logEvent("error", { event: "misconfigured", settings: services.failure.problems.map(describeProblem) });
    for (const [name, task] of Object.entries(TASKS)) {
      try {
        await task(services.value);
      } catch (error) {
        // The next run tries again; the tasks after it have nothing to do with it.
        logEvent("error", { event: "scheduled_task_failed", task: name, error: messageOf(error) });
      }
    }
  },
} satisfies ExportedHandler<Env>;
