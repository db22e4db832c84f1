import { startWorker, type RunningWorker } from "../../bench/runtime/worker.ts";
import { startTestSandbox } from "../../support/test_sandbox.ts";

/** The gateway as it is deployed, in workerd, for a browser: with an operator's and a partner's hands. */
export const ADMIN_TOKEN = "pages-admin-token-0123456789-abcdef";

export type PagesGateway = {
  readonly url: string;
  readonly worker: RunningWorker;
  readonly admin: <Answer>(path: string, body?: unknown, method?: string) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

export async function startPagesGateway(vars: Readonly<Record<string, string>> = {}): Promise<PagesGateway> {
  const worker = await startWorker("pages", {
    config: "wrangler.toml",
    vars: {
      CLARO_BASE_URL: await startTestSandbox(),
      CLARO_CLIENT_ID: "pages",
      CLARO_CLIENT_SECRET: "pages-client-secret",
      ADMIN_TOKEN,
      CPF_HMAC_SECRET: "pages-cpf-hmac-secret-0123456789-abcdef",
      ACCESS_TOKEN_SECRET: "pages-access-token-secret-0123456789",
      IDEMPOTENCY_SECRET: "pages-idempotency-secret-0123456789",
      // The key pair of RFC 8037, appendix A: known to everyone, good for tests only.
      EXPORT_SIGNING_KEY: JSON.stringify({
        kty: "OKP",
        crv: "Ed25519",
        kid: "export-test",
        d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      }),
      LOCAL: "true",
      ...vars,
    },
  });
  const admin = async <Answer>(path: string, body?: unknown, method = body === undefined ? "GET" : "POST") => {
    const response = await fetch(`${worker.url}/admin/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  return { url: worker.url, worker, admin, stop: worker.stop };
}
