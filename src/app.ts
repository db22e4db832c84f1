import { Hono } from "hono";
import { etag } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";
import { trimTrailingSlash } from "hono/trailing-slash";
import { adjustTenant, listAdjustments } from "./http/admin/adjustments.ts";
import { listAudit } from "./http/admin/audit.ts";
import { revokeExportKey } from "./http/admin/export_keys.ts";
import { exportAudit, listAuditHeads } from "./http/admin/audit_chain.ts";
import { readHealth } from "./http/admin/health.ts";
import * as keys from "./http/admin/keys.ts";
import { rebuildLedgerCopy } from "./http/admin/ledger.ts";
import { restoreTenantLedger, verifyTenantLedger } from "./http/admin/ledger_recovery.ts";
import { listLookups } from "./http/admin/lookups.ts";
import { getOverview } from "./http/admin/overview.ts";
import { getPeriod, putUpstreamPrices } from "./http/admin/period_of_all.ts";
import * as reconciliations from "./http/admin/reconciliations.ts";
import * as operators from "./http/admin/operators.ts";
import { closePeriod } from "./http/admin/periods.ts";
import { createPortalLink, revokePortalLink } from "./http/admin/portal_links.ts";
import { readReferenceKeys } from "./http/admin/privacy.ts";
import { listRestrictions, restrictSubject, unrestrictSubject } from "./http/admin/restrictions.ts";
import { accessSubject } from "./http/admin/subjects.ts";
import * as tenants from "./http/admin/tenants.ts";
import { answerFailure } from "./http/answer_failure.ts";
import { answerOpenApi } from "./http/answer_openapi.ts";
import { issueAccessToken, lookUpClaroScore } from "./http/claro_shape.ts";
import type { AppContext, AppEnv } from "./http/context.ts";
import type { Endpoint } from "./http/endpoint.ts";
import { getExportKeys } from "./http/export_keys.ts";
import { checkHealth } from "./http/health.ts";
import * as ownKeys from "./http/keys.ts";
import { LOCAL_CLOCK_PATH, moveLocalClock } from "./http/local_clock.ts";
import { documentOnce } from "./http/openapi.ts";
import { listOwnLookups } from "./http/own_lookups.ts";
import { getIcon, getStyle, getVerifier } from "./http/pages/assets.ts";
import { getErrors } from "./http/pages/errors.ts";
import { getHome } from "./http/pages/home.ts";
import { answerReference } from "./http/pages/reference.ts";
import { getMetrics } from "./http/metrics.ts";
import { getSecurityText } from "./http/pages/security_text.ts";
import { configured, requestLine } from "./http/request_line.ts";
import { refuseStrangers, runEndpoint } from "./http/run_endpoint.ts";
import { lookUpScore } from "./http/scores.ts";
import * as statements from "./http/statements.ts";
import { getTenantUsage, getUsage } from "./http/usage.ts";
import { site } from "./pages/site.ts";
import { messageOf } from "./platform/log.ts";

/** The API, in the order in which the reference tells it. What each declares is what `run_endpoint.ts` enforces. */
export const ENDPOINTS: readonly Endpoint[] = [
  lookUpScore,
  getUsage,
  statements.listStatements,
  statements.getStatement,
  statements.getStatementFile,
  listOwnLookups,
  ownKeys.listOwnKeys,
  ownKeys.issueOwn,
  ownKeys.rotateOwn,
  ownKeys.revokeOwn,
  getExportKeys,
  issueAccessToken,
  lookUpClaroScore,
  checkHealth,
  tenants.listTenants,
  tenants.createTenant,
  tenants.getTenant,
  tenants.changeTenant,
  createPortalLink,
  revokePortalLink,
  getTenantUsage,
  statements.listTenantStatements,
  statements.getTenantStatement,
  statements.getTenantStatementFile,
  keys.listKeys,
  keys.issueKey,
  keys.changeKey,
  keys.rotateKey,
  keys.revokeKey,
  keys.revokeKeyNow,
  listLookups,
  adjustTenant,
  listAdjustments,
  closePeriod,
  getPeriod,
  revokeExportKey,
  putUpstreamPrices,
  getOverview,
  readHealth,
  getMetrics,
  rebuildLedgerCopy,
  verifyTenantLedger,
  restoreTenantLedger,
  reconciliations.reconcile,
  reconciliations.continueReconciling,
  reconciliations.getReconciliation,
  reconciliations.downloadDifferences,
  reconciliations.listReconciliations,
  listAudit,
  exportAudit,
  listAuditHeads,
  operators.listOperators,
  operators.createOperator,
  operators.changeOperator,
  operators.revokeOperator,
  accessSubject,
  restrictSubject,
  listRestrictions,
  unrestrictSubject,
  readReferenceKeys,
];

const documentOf = documentOnce(ENDPOINTS);

type Handler = (context: AppContext) => Response | Promise<Response>;

/** What is for reading and no part of the API, for everyone. Paths without an ending are pages in both languages. */
export const PAGES: Readonly<Record<string, Handler>> = {
  "/": getHome,
  "/docs": answerReference(ENDPOINTS, documentOf),
  "/docs/errors": getErrors,
  "/docs/style.css": getStyle,
  "/docs/icon.svg": getIcon,
  "/openapi.json": answerOpenApi(documentOf),
  "/.well-known/claro-score-gateway/verify_statement.mjs": getVerifier,
  "/.well-known/security.txt": getSecurityText,
};

/** Pages run no script and load nothing that is not theirs. */
const secured = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

export const app = new Hono<AppEnv>();

app.use(requestLine);
app.use(configured);
app.use("/docs/*", trimTrailingSlash({ alwaysRedirect: true }));
for (const endpoint of ENDPOINTS) {
  app.on(endpoint.method, endpoint.path, (context) => runEndpoint(endpoint, context));
}
for (const path of new Set(ENDPOINTS.map((endpoint) => endpoint.path))) {
  refuseOtherMethods(
    path,
    ENDPOINTS.filter((endpoint) => endpoint.path === path).map(({ method }) => method),
  );
}
app.post(LOCAL_CLOCK_PATH, moveLocalClock);
for (const [path, handler] of Object.entries(PAGES)) {
  app.use(path, etag(), secured);
  app.get(path, handler);
  refuseOtherMethods(path, ["GET"]);
}

app.route("/", site);

app.notFound(async (context) => {
  const operator = await refuseStrangers(context);
  return answerFailure(context, operator.ok ? { code: "not_found" } : operator.failure);
});
app.onError((error, context) => {
  context.get("log").error = messageOf(error);
  return answerFailure(context, { code: "internal" });
});

function refuseOtherMethods(path: string, methods: readonly string[]): void {
  const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  app.all(path, async (context) => {
    const operator = await refuseStrangers(context);
    if (!operator.ok) return answerFailure(context, operator.failure);
    context.header("Allow", allowed.join(", "));
    return answerFailure(context, { code: "method_not_allowed" });
  });
}
