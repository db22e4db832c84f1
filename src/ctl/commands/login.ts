import type { Command } from "commander";
import { AdminApi } from "../api/admin_api.ts";
import { findGatewayUrl } from "../api/find_gateway.ts";
import { keepToken, tokensFile } from "../api/kept_tokens.ts";
import { contextOfOffline, type GlobalOptions, withExamples } from "../program.ts";
import { print } from "../terminal/output.ts";
import { readSecret } from "../terminal/read_secret.ts";

/** `login` and `logout`: an operator's token, kept for a gateway. */
export function addLoginCommands(program: Command): void {
  withExamples(
    program
      .command("login")
      .description("Keeps your operator's token for a gateway, in a file that only you can read.")
      .action(login),
    ["login --url https://gateway.example.com", "login --url https://gateway.example.com < token.txt"],
  );
  withExamples(program.command("logout").description("Forgets the token that is kept for a gateway.").action(logout), [
    "logout --url https://gateway.example.com",
  ]);
}

async function login(_options: unknown, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const url = findGatewayUrl(command.optsWithGlobals<GlobalOptions>().url);
  const token = await readSecret(`Operator's token of ${url}`);
  // A token that does not come in is not worth keeping.
  await new AdminApi({ url, adminToken: token, tokenHint: "Was the whole token given?" }).get("/health");
  keepToken(url, token);
  print({ url, file: tokensFile() }, { json, human: () => `Logged in to ${url}; the token is in ${tokensFile()}` });
}

async function logout(_options: unknown, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const url = findGatewayUrl(command.optsWithGlobals<GlobalOptions>().url);
  keepToken(url, null);
  print({ url }, { json, human: () => `Logged out of ${url}` });
}
