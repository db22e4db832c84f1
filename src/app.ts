import { Hono, type Handler } from "hono";
import { authenticateOperator } from "./http/admin/authenticate_operator.ts";
import { getKeys, postKey, postRevocation, postRotation } from "./http/admin/keys.ts";
import { getTenant, getTenants, patchTenant, postTenant } from "./http/admin/tenants.ts";
import { getTenantUsage, getUsage } from "./http/usage.ts";
import { postClaroScore, postToken } from "./http/claro_shape.ts";
import type { AppContext, AppEnv } from "./http/context.ts";
import { getHealth } from "./http/home.ts";
import { problemResponse } from "./http/problem.ts";
import { configured, requestLine } from "./http/request_line.ts";
import { postScore } from "./http/scores.ts";
import { messageOf } from "./platform/log.ts";

type Methods = Partial<Record<"GET" | "POST" | "PATCH", (context: AppContext) => Response | Promise<Response>>>;

/** The gateway's table of contents: what every request passes, then every route. */
export const app = new Hono<AppEnv>();

app.use(requestLine);
app.use(configured);

route("/healthz", { GET: getHealth });
route("/v1/scores", { POST: postScore });
route("/v1/usage", { GET: getUsage });
route("/oauth2/v1/token", { POST: postToken });
route("/customers/v1/scores", { POST: postClaroScore });

app.use("/admin/*", authenticateOperator);
route("/admin/v1/tenants", { GET: getTenants, POST: postTenant });
route("/admin/v1/tenants/:tenantId", { GET: getTenant, PATCH: patchTenant });
route("/admin/v1/tenants/:tenantId/usage", { GET: getTenantUsage });
route("/admin/v1/tenants/:tenantId/keys", { GET: getKeys, POST: postKey });
route("/admin/v1/keys/:keyId/rotate", { POST: postRotation });
route("/admin/v1/keys/:keyId/revoke", { POST: postRevocation });

app.notFound((context) => problemResponse(context, { code: "not_found" }));
app.onError((error, context) => {
  context.var.log.error = messageOf(error);
  return problemResponse(context, { code: "internal" });
});

function route(path: string, methods: Methods): void {
  for (const [method, handler] of Object.entries(methods)) app.on(method, path, handler as Handler<AppEnv>);
  const allowed = Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  app.all(path, (context) => {
    context.header("Allow", allowed.join(", "));
    return problemResponse(context, { code: "method_not_allowed" });
  });
}
