import { relative } from "node:path";
import { PROJECT_ROOT } from "../local/wrangler.ts";
import type { EnvironmentFile } from "./environment.ts";

/** What only people can do after a first deployment. */
export function firstSteps(url: string, file: EnvironmentFile): string {
  const path = relative(PROJECT_ROOT, file.path);
  return `
The gateway answers at ${url}. What comes next:

  1. Commit ${path}: later deployments find their storage by it. It holds no secret.
  2. Ask Claro to allow this gateway. Workers call from Cloudflare's addresses, not from one of yours: agree on how Claro
     recognises you. Until then live lookups answer 502; the sandbox works.
  3. Give it a name of your own: "customDomain": "scores.example.com" in ${path}, then deploy again.
     workers.dev is switched off with it.
  4. Put Cloudflare Access in front of /admin: "vars": {"ACCESS_TEAM_DOMAIN": "…", "ACCESS_AUD": "…"} in the same file.
     ctl passes it with a service token in CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET.
  5. Operate it:  export CLARO_GATEWAY_URL=${url}
                  npm run ctl -- login                     # asks for the admin token: typed so, no shell's history has it
                  npm run ctl -- health
                  npm run ctl -- operators create --help   # each person and each script a token of their own
                  npm run ctl -- tenants create --help
  6. Watch it: docs/monitoring has what Prometheus and Grafana take; docs/operations.md says what each alarm means.
`;
}
