import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { PROJECT_ROOT } from "./wrangler.ts";

export const DEV_VARS = join(PROJECT_ROOT, ".dev.vars");

/** The local secrets; made on the first start, never touched after. */
export function ensureDevVars(): { readonly created: boolean; readonly vars: Readonly<Record<string, string>> } {
  const created = !existsSync(DEV_VARS);
  if (created) writeFileSync(DEV_VARS, newDevVars(), { mode: 0o600, flag: "wx" });
  return { created, vars: readDevVars() };
}

/** The local secrets, or none where there are none. */
export function readDevVars(): Readonly<Record<string, string>> {
  if (!existsSync(DEV_VARS)) return {};
  return parseEnv(readFileSync(DEV_VARS, "utf8")) as Record<string, string>;
}

/**
 * Arguments of `wrangler dev` for what it does not read from `.dev.vars` by itself: settings that are not always there, such
 * as a secret's `_PREVIOUS`. It reads those that `[secrets]` of wrangler.toml requires.
 */
export function optionalVars(vars: Readonly<Record<string, string>>, required: readonly string[]): string[] {
  const optional = Object.entries(vars).filter(([name]) => !required.includes(name));
  return optional.flatMap(([name, value]) => ["--var", `${name}:${value}`]);
}

function newDevVars(): string {
  const secret = () => randomBytes(32).toString("base64url");
  return `# Secrets of the local gateway, made by the first \`npm start\`. Not for a deployed one.

# The operator's token: Authorization: Bearer <ADMIN_TOKEN>
ADMIN_TOKEN=${secret()}

# The gateway's own credentials at Claro. The sandbox takes any; put Claro's here to reach Claro.
CLARO_CLIENT_ID=local-gateway
CLARO_CLIENT_SECRET=${secret()}

# Signs the access tokens that the gateway issues in Claro's shape.
ACCESS_TOKEN_SECRET=${secret()}
# Keys the CPF references in events. Changed, the same CPF gets another reference.
CPF_HMAC_SECRET=${secret()}
# Seals the answers that are kept for idempotency keys.
IDEMPOTENCY_SECRET=${secret()}
# Signs the statements of closed months (Ed25519, JWK). A new key needs a new kid.
EXPORT_SIGNING_KEY='${newSigningKey()}'
`;
}

/** An Ed25519 key pair as the JWK that `EXPORT_SIGNING_KEY` takes. */
export function newSigningKey(): string {
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return JSON.stringify({ ...jwk, kid: `export-${randomBytes(4).toString("hex")}` });
}
