import { password } from "@clack/prompts";
import type { Command } from "commander";
import { AdminApi } from "../api/admin_api.ts";
import { findGatewayUrl } from "../api/find_gateway.ts";
import { keepToken, tokensFile } from "../api/kept_tokens.ts";
import { usageError } from "../ctl_error.ts";
import { contextOfOffline, type GlobalOptions, withExamples } from "../program.ts";
import { print } from "../terminal/output.ts";

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
  const token = await readToken(url);
  // A token that does not come in is not worth keeping.
  await new AdminApi({ url, adminToken: token }).get("/health");
  keepToken(url, token);
  print({ url, file: tokensFile() }, { json, human: () => `Logged in to ${url}; the token is in ${tokensFile()}` });
}

async function logout(_options: unknown, command: Command): Promise<void> {
  const { json } = contextOfOffline(command);
  const url = findGatewayUrl(command.optsWithGlobals<GlobalOptions>().url);
  keepToken(url, null);
  print({ url }, { json, human: () => `Logged out of ${url}` });
}

/** Typed without an echo, or the first line of what is piped in: never an argument, which the whole machine can see. */
async function readToken(url: string): Promise<string> {
  if (process.stdin.isTTY && process.stderr.isTTY) {
    const typed = await password({ message: `Operator's token of ${url}`, output: process.stderr });
    if (typeof typed === "string" && typed.trim() !== "") return typed.trim();
    throw usageError("No token was given.");
  }
  let piped = "";
  for await (const chunk of process.stdin) piped += String(chunk);
  const token = piped.split("\n")[0]?.trim() ?? "";
  if (token === "") throw usageError("No token was given: type it on a terminal, or pipe it in.");
  return token;
}
