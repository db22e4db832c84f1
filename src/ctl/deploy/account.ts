import { select } from "@clack/prompts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { CloudflareApi } from "./cloudflare_api.ts";
import { runWrangler } from "./run_wrangler.ts";

const API_URL = "https://api.cloudflare.com/client/v4";

/** Somebody's account at Cloudflare: `path` begins every path that is within it. */
export type Account = { readonly id: string; readonly path: string; readonly api: CloudflareApi };

type Login =
  | { readonly type: "api_token" | "oauth"; readonly token: string }
  | { readonly type: "api_key"; readonly key: string; readonly email: string };

/** The account that is meant: the environment's own, else `CLOUDFLARE_ACCOUNT_ID`, else the only one there is. */
export async function connectAccount(recordedId: string | null, options: { yes: boolean }): Promise<Account> {
  const api = new CloudflareApi(process.env["CLOUDFLARE_API_BASE_URL"] ?? API_URL, readCredentials);
  const givenId = process.env["CLOUDFLARE_ACCOUNT_ID"] ?? null;
  if (recordedId !== null && givenId !== null && recordedId !== givenId) {
    throw usageError(
      `This environment is in the account ${recordedId}, but CLOUDFLARE_ACCOUNT_ID says ${givenId}. Another account needs
another environment: --env NAME.`,
    );
  }
  const id = recordedId ?? givenId ?? (await onlyAccount(api, options));
  return { id, path: `/accounts/${id}`, api };
}

async function onlyAccount(api: CloudflareApi, { yes }: { yes: boolean }): Promise<string> {
  const accounts = await api.list<{ id: string; name: string }>("/accounts", 50);
  const [first, ...others] = accounts;
  if (first === undefined) throw new CtlError(EXIT.refused, "This login sees no account at Cloudflare.");
  if (others.length === 0) return first.id;
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) {
    const list = accounts.map(({ id, name }) => `  ${id}  ${name}`).join("\n");
    throw usageError(`This login sees several accounts. Set CLOUDFLARE_ACCOUNT_ID to the one that is meant:\n${list}`);
  }
  const choice = await select({
    message: "Which account?",
    options: accounts.map(({ id, name }) => ({ value: id, label: name, hint: id })),
    output: process.stderr,
  });
  if (typeof choice !== "string") throw usageError("No account was chosen: nothing was changed.");
  return choice;
}

/** The headers of whoever is logged in. wrangler keeps a login and renews it. */
async function readCredentials(): Promise<Record<string, string>> {
  const token = process.env["CLOUDFLARE_API_TOKEN"];
  if (token !== undefined && token !== "") return { authorization: `Bearer ${token}` };
  const { code, stdout } = await runWrangler(["auth", "token", "--json"]);
  const login = code === 0 ? parseLogin(stdout) : null;
  if (login === null) {
    throw new CtlError(
      EXIT.refused,
      "Nobody is logged in at Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.",
    );
  }
  if (login.type === "api_key") return { "x-auth-key": login.key, "x-auth-email": login.email };
  return { authorization: `Bearer ${login.token}` };
}

function parseLogin(output: string): Login | null {
  try {
    return JSON.parse(output.slice(output.indexOf("{"))) as Login;
  } catch {
    return null;
  }
}
