import { Hono } from "hono";
import { etag } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";
import { trimTrailingSlash } from "hono/trailing-slash";
import { adjustOperation, postAdjustment } from "./http/admin/adjustments.ts";
import { auditOperation, getAudit } from "./http/admin/audit.ts";
import { authenticateOperator } from "./http/admin/authenticate_operator.ts";
import { getOperatorHealth, operatorHealthOperation } from "./http/admin/health.ts";
import * as keys from "./http/admin/keys.ts";
import { closePeriodOperation, postClose } from "./http/admin/periods.ts";
import { postRebuild, rebuildOperation } from "./http/admin/ledger.ts";
import { postReconciliation, reconcileOperation } from "./http/admin/reconciliations.ts";
import * as tenants from "./http/admin/tenants.ts";
import * as claroShape from "./http/claro_shape.ts";
import type { AppEnv } from "./http/context.ts";
import { exportKeysOperation, getExportKeys } from "./http/export_keys.ts";
import { failureResponse } from "./http/failure_response.ts";
import { getHealth, healthOperation } from "./http/health.ts";
import { answerOpenApi, documentOnce } from "./http/openapi.ts";
import type { Handler, Routes } from "./http/operation.ts";
import { configured, requestLine } from "./http/request_line.ts";
import { getIcon, getStyle } from "./http/pages/assets.ts";
import { getErrors } from "./http/pages/errors.ts";
import { getHome } from "./http/pages/home.ts";
import { answerReference } from "./http/pages/reference.ts";
import { postScore, scoreOperation } from "./http/scores.ts";
import * as statementDocs from "./http/statement_schemas.ts";
import * as statements from "./http/statements.ts";
import * as usage from "./http/usage.ts";
import { messageOf } from "./platform/log.ts";

/** The API: every path and method, its handler, and what `/openapi.json` says of it. */
export const ROUTES: Routes = {
  "/healthz": { GET: [getHealth, healthOperation] },
  "/v1/scores": { POST: [postScore, scoreOperation] },
  "/v1/usage": { GET: [usage.getUsage, usage.usageOperation] },
  "/v1/statements": { GET: [statements.getStatements, statementDocs.listStatementsOperation] },
  "/v1/statements/:period": { GET: [statements.getStatement, statementDocs.statementOperation] },
  "/v1/statements/:period/:file": { GET: [statements.getStatementFile, statementDocs.statementFileOperation] },
  "/.well-known/claro-score-gateway/export-keys.json": { GET: [getExportKeys, exportKeysOperation] },
  "/oauth2/v1/token": { POST: [claroShape.postToken, claroShape.tokenOperation] },
  "/customers/v1/scores": { POST: [claroShape.postClaroScore, claroShape.claroScoreOperation] },
  "/admin/v1/tenants": {
    GET: [tenants.getTenants, tenants.listTenantsOperation],
    POST: [tenants.postTenant, tenants.createTenantOperation],
  },
  "/admin/v1/tenants/:tenantId": {
    GET: [tenants.getTenant, tenants.tenantOperation],
    PATCH: [tenants.patchTenant, tenants.changeTenantOperation],
  },
  "/admin/v1/tenants/:tenantId/usage": { GET: [usage.getTenantUsage, usage.tenantUsageOperation] },
  "/admin/v1/tenants/:tenantId/statements": {
    GET: [statements.getTenantStatements, statementDocs.listTenantStatementsOperation],
  },
  "/admin/v1/tenants/:tenantId/statements/:period": {
    GET: [statements.getTenantStatement, statementDocs.tenantStatementOperation],
  },
  "/admin/v1/tenants/:tenantId/statements/:period/:file": {
    GET: [statements.getTenantStatementFile, statementDocs.tenantStatementFileOperation],
  },
  "/admin/v1/tenants/:tenantId/keys": {
    GET: [keys.getKeys, keys.listKeysOperation],
    POST: [keys.postKey, keys.issueKeyOperation],
  },
  "/admin/v1/keys/:keyId/rotate": { POST: [keys.postRotation, keys.rotateKeyOperation] },
  "/admin/v1/keys/:keyId/revoke": { POST: [keys.postRevocation, keys.revokeKeyOperation] },
  "/admin/v1/tenants/:tenantId/adjustments": { POST: [postAdjustment, adjustOperation] },
  "/admin/v1/periods/:period/close": { POST: [postClose, closePeriodOperation] },
  "/admin/v1/health": { GET: [getOperatorHealth, operatorHealthOperation] },
  "/admin/v1/ledger/rebuild": { POST: [postRebuild, rebuildOperation] },
  "/admin/v1/reconciliations": { POST: [postReconciliation, reconcileOperation] },
  "/admin/v1/audit": { GET: [getAudit, auditOperation] },
};

const documentOf = documentOnce(() => ROUTES);

/** What is for reading and no part of the API. */
const PAGES: Readonly<Record<string, Handler>> = {
  "/": getHome,
  "/docs": answerReference(() => ROUTES, documentOf),
  "/docs/errors": getErrors,
  "/docs/style.css": getStyle,
  "/docs/icon.svg": getIcon,
  "/openapi.json": answerOpenApi(documentOf),
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
app.use("/admin/*", authenticateOperator);
for (const [path, route] of Object.entries(ROUTES)) {
  register(path, Object.fromEntries(Object.entries(route).map(([method, [handler]]) => [method, handler])));
}
for (const [path, GET] of Object.entries(PAGES)) {
  app.use(path, etag(), secured);
  register(path, { GET });
}

app.notFound((context) => failureResponse(context, { code: "not_found" }));
app.onError((error, context) => {
  context.get("log").error = messageOf(error);
  return failureResponse(context, { code: "internal" });
});

function register(path: string, handlers: Readonly<Record<string, Handler>>): void {
  for (const [method, handler] of Object.entries(handlers)) app.on(method, path, handler);
  const allowed = Object.keys(handlers).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  app.all(path, (context) => {
    context.header("Allow", allowed.join(", "));
    return failureResponse(context, { code: "method_not_allowed" });
  });
}
